#pragma once

#include "data/csv_source.hpp"
#include <netcompute/result.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace netcompute::data {

enum class TextEncoding { Utf8, Utf16LittleEndian, Utf16BigEndian, Windows1252 };

/// "utf-8", "utf-16le", "utf-16be", "windows-1252".
[[nodiscard]] std::string_view encoding_name(TextEncoding encoding);
[[nodiscard]] std::optional<TextEncoding> find_encoding(std::string_view name);

/// A source of UTF-8 from one of any encoding.
class DecodedSource : public CsvSource {
 public:
    /// As far as the source has been read. Without `given`: UTF-16 where its byte order mark
    /// stands; else what the first bytes beyond ASCII are: Windows-1252 where most of them are not
    /// UTF-8.
    [[nodiscard]] virtual TextEncoding encoding() const = 0;
};

/// UTF-8 is passed on as it is, faults too. Windows-1252 is read as browsers do: every byte has a
/// character (WHATWG Encoding Standard). Errors of reading, naming the table: InvalidArgument for
/// UTF-16 with half a surrogate pair or half a unit; those of the source.
[[nodiscard]] std::unique_ptr<DecodedSource> decode_text(std::unique_ptr<CsvSource> source,
                                                         std::optional<TextEncoding> given,
                                                         std::string name);

}  // namespace netcompute::data
