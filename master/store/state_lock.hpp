#pragma once

#include <netcompute/result.hpp>

#include <cstddef>
#include <filesystem>

namespace netcompute::store {

/// Holds a state folder for this process: two masters must never share one. The lock goes with the
/// process, however it ends.
class StateLock {
 public:
    /// Makes the folder if need be, and this user's alone. Errors: those of secure_state_folder();
    /// Unavailable, saying which process holds it, or why the folder cannot be used.
    [[nodiscard]] static Result<StateLock> take(const std::filesystem::path& folder);
    StateLock(StateLock&& other) noexcept;
    StateLock& operator=(StateLock&&) = delete;
    StateLock(const StateLock&) = delete;
    StateLock& operator=(const StateLock&) = delete;
    ~StateLock();

    /// How many of its folders and files other users could get at until now.
    [[nodiscard]] std::size_t closed_to_others() const { return closed_; }

 private:
    StateLock(int descriptor, std::size_t closed) : descriptor_{descriptor}, closed_{closed} {}
    int descriptor_;
    std::size_t closed_;
};

}  // namespace netcompute::store
