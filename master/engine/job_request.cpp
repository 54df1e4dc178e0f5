#include "engine/job_request.hpp"

#include "engine/job_type.hpp"
#include <netcompute/json_depth.hpp>

#include <array>

namespace netcompute::engine {
namespace {

constexpr std::size_t name_bytes_max = 200;
constexpr std::int32_t priority_max = 1000;
constexpr int depth_max = 32;  ///< Deeper than any job's parameters.

std::string shown(const nlohmann::json& value) {
    return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(0, 200);
}

std::string known_types() {
    std::string names;
    for (const JobType& type : job_types()) {
        names += (names.empty() ? "" : ", ") + std::string{type.name};
    }
    return names;
}

}  // namespace

Result<JobRequest> parse_job_request(std::string_view text) {
    const auto refuse = [](std::string message) {
        return unexpected(ErrorCode::InvalidArgument, std::move(message));
    };
    if (is_nested_deeper(text, depth_max)) {
        return refuse("the body has arrays or objects more than " + std::to_string(depth_max) +
                      " deep in each other; no job needs that");
    }
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded()) return refuse("the body is not JSON");
    if (!json.is_object()) return refuse("the body is not a JSON object");
    constexpr std::array<std::string_view, 5> keys{"type", "params", "name", "priority",
                                                   "validation"};
    for (const auto& [key, value] : json.items()) {
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
            return refuse(key +
                          ": is not a key of a job; those are type, params, name, priority "
                          "and validation");
        }
    }
    JobRequest request;
    const auto type = json.find("type");
    if (type == json.end()) return refuse("type: is missing; it is one of " + known_types());
    if (!type->is_string() || find_job_type(type->get<std::string>()) == nullptr) {
        return refuse("type: " + shown(*type) + " is not one of " + known_types());
    }
    request.type = type->get<std::string>();
    if (const auto params = json.find("params"); params != json.end()) {
        if (!params->is_object()) return refuse("params: " + shown(*params) + " is not an object");
        request.params = *params;
    }
    if (const auto name = json.find("name"); name != json.end()) {
        if (!name->is_string() || name->get_ref<const std::string&>().size() > name_bytes_max) {
            return refuse("name: " + shown(*name) + " is not a text of at most " +
                          std::to_string(name_bytes_max) + " bytes");
        }
        request.name = name->get<std::string>();
    }
    if (const auto priority = json.find("priority"); priority != json.end()) {
        const bool fits = priority->is_number_integer() && *priority >= -priority_max &&
                          *priority <= priority_max;
        if (!fits) {
            return refuse("priority: " + shown(*priority) + " is not a whole number from -" +
                          std::to_string(priority_max) + " to " + std::to_string(priority_max));
        }
        request.priority = priority->get<std::int32_t>();
    }
    if (const auto validation = json.find("validation");
        validation != json.end() && *validation != "none") {
        return refuse("validation: " + shown(*validation) +
                      " is not a policy of this version; it knows \"none\"");
    }
    return request;
}

}  // namespace netcompute::engine
