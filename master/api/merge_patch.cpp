#include "api/merge_patch.hpp"

namespace netcompute::api {

nlohmann::json merge_patch(const nlohmann::json& from, const nlohmann::json& to) {
    nlohmann::json patch = nlohmann::json::object();
    for (const auto& [key, value] : to.items()) {
        const auto old = from.find(key);
        if (old == from.end()) {
            patch[key] = value;
        } else if (*old != value) {
            patch[key] = old->is_object() && value.is_object() ? merge_patch(*old, value) : value;
        }
    }
    for (const auto& [key, value] : from.items()) {
        if (!to.contains(key)) patch[key] = nullptr;
    }
    return patch;
}

}  // namespace netcompute::api
