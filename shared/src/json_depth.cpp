#include <netcompute/json_depth.hpp>

#include <cstddef>

namespace netcompute {

bool is_nested_deeper(std::string_view json_text, int depth_max) {
    int depth = 0;
    bool in_text = false;
    for (std::size_t i = 0; i < json_text.size(); ++i) {
        const char c = json_text[i];
        if (in_text) {
            if (c == '\\') ++i;  // Whatever follows does not end the text.
            if (c == '"') in_text = false;
        } else if (c == '"') {
            in_text = true;
        } else if (c == '{' || c == '[') {
            if (++depth > depth_max) return true;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return false;
}

}  // namespace netcompute
