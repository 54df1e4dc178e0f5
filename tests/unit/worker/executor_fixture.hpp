#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/protocol/messages.hpp>

#include <gtest/gtest.h>
#include <native-worker/executor.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netcompute::worker {

/// Holds the "gate" kernel until a test lets it go on.
class Gate {
 public:
    static Gate& instance() {
        static Gate gate;
        return gate;
    }
    void close() {
        const std::lock_guard lock{mutex_};
        open_ = false;
        waiting_ = 0;
    }
    void open() {
        const std::lock_guard lock{mutex_};
        open_ = true;
        changed_.notify_all();
    }
    void pass() {
        std::unique_lock lock{mutex_};
        ++waiting_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return open_; });
    }
    /// Until so many tasks have come to the gate since it was closed.
    void await_waiting(int count) {
        std::unique_lock lock{mutex_};
        ASSERT_TRUE(
            changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return waiting_ >= count; }));
    }

 private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = true;
    int waiting_ = 0;
};

namespace test_kernels {

inline Result<Bytes> join(std::span<const ByteSpan> inputs) {
    Bytes joined;
    for (const ByteSpan input : inputs) joined.insert(joined.end(), input.begin(), input.end());
    return joined;
}
/// One byte an input: whether it starts at an 8-byte boundary.
inline Result<Bytes> alignment(std::span<const ByteSpan> inputs) {
    Bytes aligned;
    for (const ByteSpan input : inputs) {
        const auto address = reinterpret_cast<std::uintptr_t>(input.data());
        aligned.push_back(static_cast<std::byte>(address % 8 == 0));
    }
    return aligned;
}
inline Result<Bytes> gate(std::span<const ByteSpan> inputs) {
    Gate::instance().pass();
    return join(inputs);
}
inline Result<Bytes> fail(std::span<const ByteSpan>) {
    return unexpected(ErrorCode::ShapeMismatch, "3 rows are not 4");
}
inline Result<Bytes> exhaust(std::span<const ByteSpan>) {
    throw std::bad_alloc{};
}
inline Result<Bytes> throw_text(std::span<const ByteSpan>) {
    throw std::runtime_error{"it broke"};
}
inline Result<Bytes> flood(std::span<const ByteSpan>) {
    return Bytes(std::size_t{16} << 20);
}

}  // namespace test_kernels

inline const kernels::Kernel* find_test_kernel(std::string_view name, std::uint32_t version) {
    static const std::vector<kernels::Kernel> known = {
        {"join", 1, kernels::without_memo<test_kernels::join>},
        {"alignment", 1, kernels::without_memo<test_kernels::alignment>},
        {"gate", 1, kernels::without_memo<test_kernels::gate>},
        {"fail", 1, kernels::without_memo<test_kernels::fail>},
        {"exhaust", 1, kernels::without_memo<test_kernels::exhaust>},
        {"throw_text", 1, kernels::without_memo<test_kernels::throw_text>},
        {"flood", 1, kernels::without_memo<test_kernels::flood>}};
    for (const auto& kernel : known) {
        if (kernel.name == name && kernel.version == version) return &kernel;
    }
    return nullptr;
}

/// One task's outcome, with bytes of its own.
struct Outcome {
    bool failed = false;
    ErrorCode code = ErrorCode::Internal;
    std::string text;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};
inline Outcome output(std::string text) {
    return {false, ErrorCode::Internal, std::move(text)};
}

/// An executor with test kernels, and what comes out of it by lease and task.
class ExecutorBench {
 public:
    explicit ExecutorBench(std::uint32_t slots, BlobFetcher* blobs = nullptr,
                           std::size_t cache_bytes_max = std::size_t{1} << 20)
        : executor_{ExecutorOptions{.slots = slots,
                                    .find_kernel = find_test_kernel,
                                    .on_outcomes =
                                        [this] {
                                            const std::lock_guard lock{mutex_};
                                            ++notices_;
                                            changed_.notify_all();
                                        },
                                    .blobs = blobs,
                                    .cache_bytes_max = cache_bytes_max,
                                    .nice = 0}} {}

    ExecutorBench(const ExecutorBench&) = delete;
    ExecutorBench& operator=(const ExecutorBench&) = delete;
    ~ExecutorBench() { Gate::instance().open(); }  // A test that failed may have left tasks there.

    [[nodiscard]] Executor& executor() { return executor_; }

    /// A lease as it comes over the wire: encoded, decoded, and its spans at odd addresses.
    void submit(const protocol::Lease& lease) {
        const auto wire = protocol::encode(protocol::MasterMessage{lease});
        Bytes payload = wire.payload;
        auto message = protocol::decode_master_message(nlohmann::json::parse(wire.header), payload);
        ASSERT_TRUE(message) << message.error().message;
        executor_.submit(std::get<protocol::Lease>(std::move(*message)), std::move(payload));
    }

    /// All outcomes so far, once there are at least `count`.
    const std::map<std::pair<std::uint64_t, TaskIndex>, Outcome>& await(std::size_t count) {
        std::unique_lock lock{mutex_};
        for (;;) {
            const int seen = notices_;
            lock.unlock();
            collect();
            lock.lock();
            if (outcomes_.size() >= count) return outcomes_;
            if (!changed_.wait_for(lock, std::chrono::seconds{20},
                                   [&] { return notices_ != seen; })) {
                ADD_FAILURE() << "only " << outcomes_.size() << " of " << count << " outcomes";
                return outcomes_;
            }
        }
    }
    [[nodiscard]] Outcome outcome(std::uint64_t lease, TaskIndex index) const {
        const auto found = outcomes_.find({lease, index});
        return found == outcomes_.end() ? output("(none)") : found->second;
    }

 private:
    void collect() {
        for (const auto& chunk : executor_.take_outcomes()) {
            std::vector<protocol::TaskOutcome> outcomes;
            chunk.append_to(outcomes);
            for (const auto& one : outcomes) {
                const bool is_new =
                    outcomes_
                        .emplace(std::pair{chunk.lease().value, one.index},
                                 Outcome{one.failed, one.code, std::string{as_text(one.bytes)}})
                        .second;
                EXPECT_TRUE(is_new) << "a second outcome of task " << one.index;
            }
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    int notices_ = 0;
    std::map<std::pair<std::uint64_t, TaskIndex>, Outcome> outcomes_;
    Executor executor_;  ///< Last: its threads use what is above.
};

inline protocol::InlineInput text_input(std::string_view text) {
    return {as_byte_span(text)};
}

/// A lease of `count` tasks, each with `inputs`.
inline protocol::Lease lease_of(std::uint64_t id, std::string kernel, std::uint32_t count,
                                std::vector<protocol::WireInput> inputs = {}) {
    protocol::Lease lease{LeaseId{id}, JobId{1}, 0, std::move(kernel), 1, 10, {}, {}};
    for (std::uint32_t i = 0; i < count; ++i) lease.tasks.push_back({i, inputs});
    return lease;
}

}  // namespace netcompute::worker
