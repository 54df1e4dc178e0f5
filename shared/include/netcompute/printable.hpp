#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace netcompute {

/// What `text` says, fit for a terminal and for a line of a log: the one filter for every stream
/// that shows words of strangers, who shall neither forge a line, nor command a terminal, nor
/// turn what is read around.
///
/// The result is valid UTF-8 of at most `bytes_max` bytes. Controls (C0, DEL, C1) and characters
/// that nobody sees (marks of direction, separators of lines and paragraphs, zero widths, tags)
/// are written as `\x1b`, `\u202e` or `\U000e0041`, bytes that are not UTF-8 as `\xff`. Where
/// there is more than fits it ends in "…"; no character and no escape is cut in two.
[[nodiscard]] std::string printable(std::string_view text, std::size_t bytes_max = 200);

}  // namespace netcompute
