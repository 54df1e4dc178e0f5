#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace netcompute::api {

/// The value of one key of a URL's query ("wait=5&token=a%20b"), decoded; nothing if it is not
/// there or not well encoded.
[[nodiscard]] std::optional<std::string> query_value(std::string_view query, std::string_view key);

/// A request target cut at its first "?".
struct Target {
    std::string path;
    std::string query;
};
[[nodiscard]] Target split_target(std::string_view target);

}  // namespace netcompute::api
