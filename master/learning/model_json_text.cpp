#include "learning/model_json_text.hpp"

#include <algorithm>

namespace netcompute::learning {
namespace {

using nlohmann::ordered_json;

bool is_in_one_line(const ordered_json& value) {
    if (value.is_object()) return value.empty();
    return !value.is_array() || std::ranges::none_of(value, [](const ordered_json& each) {
        return each.is_structured();
    });
}

void add_text(const ordered_json& value, std::size_t level, std::string& text) {
    if (is_in_one_line(value)) {
        text += value.dump();
        return;
    }
    const auto new_line = [&](std::size_t at) { text.append("\n").append(2 * at, ' '); };
    text += value.is_object() ? '{' : '[';
    bool is_first = true;
    for (const auto& [key, each] : value.items()) {
        if (!is_first) text += ',';
        is_first = false;
        new_line(level + 1);
        if (value.is_object()) text += ordered_json(key).dump() + ": ";
        add_text(each, level + 1, text);
    }
    new_line(level);
    text += value.is_object() ? '}' : ']';
}

}  // namespace

std::string document_text(const ordered_json& document) {
    std::string text;
    add_text(document, 0, text);
    return text + "\n";
}

}  // namespace netcompute::learning
