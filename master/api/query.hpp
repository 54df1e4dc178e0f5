#pragma once

#include <netcompute/result.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace netcompute::api {

/// The value of one key of a URL's query ("wait=5&token=a%20b"), decoded; nothing if it is not
/// there or not well encoded.
[[nodiscard]] std::optional<std::string> query_value(std::string_view query, std::string_view key);

/// Whether a name is in a list of names separated by spaces.
[[nodiscard]] bool has_name(std::string_view names, std::string_view name);

/// Whether a query has only these parameters (names separated by spaces) and "token", each
/// once. Errors: InvalidArgument naming one that it may not have, and those that it may.
[[nodiscard]] Result<void> check_query(std::string_view query, std::string_view parameters);

/// A text as part of a query: all but letters, digits and "-._~" as %XX.
[[nodiscard]] std::string encode_query(std::string_view text);

/// A segment of a path, decoded; nothing if it is not well encoded.
[[nodiscard]] std::optional<std::string> decode_segment(std::string_view segment);

/// A request target cut at its first "?".
struct Target {
    std::string path;
    std::string query;
};
[[nodiscard]] Target split_target(std::string_view target);

}  // namespace netcompute::api
