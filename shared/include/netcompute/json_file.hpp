#pragma once

#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace netcompute {

/// The JSON value that `text` holds. `name` is what messages call the text, usually its path.
/// Errors: InvalidArgument with line and column, both from 1, where it stops being JSON, and for
/// a text so deep in itself that nothing could print it.
[[nodiscard]] Result<nlohmann::json> parse_json(std::string_view text, std::string_view name);

/// A whole file of at most `bytes_max` bytes.
/// Errors: NotFound if there is none, PermissionDenied, InvalidArgument for a folder,
/// LimitExceeded for a larger file, Unavailable if reading fails half way.
[[nodiscard]] Result<std::string> read_text_file(const std::filesystem::path& path,
                                                 std::size_t bytes_max);

/// The error of a file operation that failed with `error_number`: "PATH: could not VERB: reason".
[[nodiscard]] Error file_error(const std::filesystem::path& path, std::string_view verb,
                               int error_number);

/// A JSON value as messages quote it: one line, shortened where it is long.
[[nodiscard]] std::string quote_json(const nlohmann::json& value);

}  // namespace netcompute
