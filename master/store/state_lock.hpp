#pragma once

#include <netcompute/result.hpp>

#include <filesystem>

namespace netcompute::store {

/// Holds a state folder for this process: two masters must never share one. The lock goes with the
/// process, however it ends.
class StateLock {
 public:
    /// Makes the folder if need be. Errors: Unavailable, saying which process holds it, or why the
    /// folder cannot be used.
    [[nodiscard]] static Result<StateLock> take(const std::filesystem::path& folder);
    StateLock(StateLock&& other) noexcept;
    StateLock& operator=(StateLock&&) = delete;
    StateLock(const StateLock&) = delete;
    StateLock& operator=(const StateLock&) = delete;
    ~StateLock();

 private:
    explicit StateLock(int descriptor) : descriptor_{descriptor} {}
    int descriptor_;
};

}  // namespace netcompute::store
