#include "engine/validation_policy.hpp"

#include <charconv>

namespace netcompute::engine {

core::Validation parse_validation(std::string_view text) {
    constexpr std::string_view quorum = "quorum:";
    core::Validation validation;
    if (text == "none") {
        validation.mode = core::ValidationMode::None;
    } else if (text == "adaptive") {
        validation.mode = core::ValidationMode::Adaptive;
    } else if (text.starts_with(quorum)) {
        validation.mode = core::ValidationMode::Quorum;
        const std::string_view count = text.substr(quorum.size());
        std::from_chars(count.data(), count.data() + count.size(), validation.quorum);
    }
    return validation;
}

std::string validation_name(const core::Validation& validation) {
    switch (validation.mode) {
        case core::ValidationMode::Default:
            return "default";
        case core::ValidationMode::None:
            return "none";
        case core::ValidationMode::Adaptive:
            return "adaptive";
        case core::ValidationMode::Quorum:
            return "quorum:" + std::to_string(validation.quorum);
    }
    return "default";
}

}  // namespace netcompute::engine
