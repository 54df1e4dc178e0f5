#pragma once

#include <netcompute/kernels/memo.hpp>

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace netcompute::worker {

/// A memo that all slots of a worker share. While one slot derives a value, the others that need it
/// wait; if that fails, they derive it themselves. Thread-safe.
class SharedMemo final : public kernels::MemoValues {
 public:
    explicit SharedMemo(std::size_t bytes_max) : store_{bytes_max} {}

    [[nodiscard]] Result<kernels::AnyValue> get(const kernels::MemoKey& key,
                                                const Derive& derive) override;
    [[nodiscard]] kernels::AnyValue take(const kernels::MemoKey& key) override;
    void give(const kernels::MemoKey& key, kernels::AnyDerived derived) override;
    /// Gives the memory back, of values that no task is using.
    void clear();
    [[nodiscard]] std::size_t bytes() const;

 private:
    /// A value that is being derived; those who wait for it hold this too.
    struct Derivation {
        bool is_over = false;
        kernels::AnyValue value;  ///< Once it is over; null if it failed.
    };
    void end(const kernels::MemoKey& key, Derivation& derivation, kernels::AnyDerived derived);

    mutable std::mutex mutex_;  ///< Guards what follows; never held while a value is derived.
    std::condition_variable changed_;
    kernels::MemoStore store_;
    std::map<kernels::MemoKey, std::shared_ptr<Derivation>> derivations_;
};

/// The memo's limit in bytes on a PC with this much memory; 0: unknown.
[[nodiscard]] std::size_t memo_bytes_for(std::uint64_t memory_bytes);
/// The same for the PC that this runs on.
[[nodiscard]] std::size_t memo_bytes_here();

}  // namespace netcompute::worker
