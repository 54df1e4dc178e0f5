#pragma once

#include <string_view>

namespace netcompute {

/// Whether arrays and objects of a JSON text lie more than `depth_max` deep in each other. Asked
/// before a stranger's text is parsed: to copy, compare or print a very deep value would exhaust
/// the stack. Says something for any text, JSON or not.
[[nodiscard]] bool is_nested_deeper(std::string_view json_text, int depth_max);

}  // namespace netcompute
