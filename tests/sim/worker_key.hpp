#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace netcompute::sim {

inline constexpr std::string_view worker_key_start = "simulated-";

inline constexpr std::string_view pc_address_start = "pc ";

/// What the worker with this number in the world calls itself.
[[nodiscard]] inline std::string worker_key(std::size_t number) {
    return std::string{worker_key_start} + std::to_string(number);
}

/// Whose key it is; the master may have put a number of its own behind it.
[[nodiscard]] inline std::size_t worker_number(std::string_view key) {
    return std::stoul(std::string{key.substr(worker_key_start.size())});
}

}  // namespace netcompute::sim
