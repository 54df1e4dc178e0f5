#pragma once

#include <cstddef>
#include <string_view>

namespace netcompute::data {

/// Where `text` first is not UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above
/// U+10FFFF); std::string_view::npos where all of it is. Plain ASCII is passed over quickly.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text);

}  // namespace netcompute::data
