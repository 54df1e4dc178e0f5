#include "jobs/job_request.hpp"

#include "jobs/job_type.hpp"
#include <netcompute/json_depth.hpp>
#include <netcompute/printable.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

namespace netcompute::jobs {
namespace {

constexpr std::size_t name_bytes_max = 200;
constexpr std::size_t params_bytes_max = std::size_t{64} << 10;
constexpr std::int32_t priority_max = 1000;
constexpr std::size_t after_max = 100;
constexpr int quorum_min = 2;
constexpr int quorum_max = 10;
constexpr int deadline_seconds_max = 365 * 24 * 3600;
constexpr std::size_t shown_bytes_max = 100;  ///< Of a value that a message repeats.
constexpr int depth_max = 32;                 ///< Deeper than any job's parameters.

std::string shown(const nlohmann::json& value) {
    return printable(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                     shown_bytes_max);
}

std::string known_types() {
    std::string names;
    for (const JobType& type : job_types()) {
        names += (names.empty() ? "" : ", ") + std::string{type.name};
    }
    return names;
}

Unexpected refused(std::string message) {
    return unexpected(ErrorCode::InvalidArgument, std::move(message));
}

/// The body as an object that has none but these keys.
Result<nlohmann::json> parse_object(std::string_view text, std::span<const std::string_view> keys,
                                    std::string_view keys_text) {
    if (is_nested_deeper(text, depth_max)) {
        return refused("the body has arrays or objects more than " + std::to_string(depth_max) +
                       " deep in each other; no job needs that");
    }
    auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded()) return refused("the body is not JSON");
    if (!json.is_object()) return refused("the body is not a JSON object");
    for (const auto& [key, value] : json.items()) {
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
            return refused(printable(key, shown_bytes_max) + ": is not a key of " +
                           std::string{keys_text});
        }
    }
    return json;
}

Result<std::int32_t> read_priority(const nlohmann::json& priority) {
    const bool fits =
        priority.is_number_integer() && priority >= -priority_max && priority <= priority_max;
    if (fits) return priority.get<std::int32_t>();
    return refused("priority: " + shown(priority) + " is not a whole number from -" +
                   std::to_string(priority_max) + " to " + std::to_string(priority_max));
}

/// The K of "quorum:K" or {"quorum": K}; nothing for another policy.
std::optional<nlohmann::json> quorum_of(const nlohmann::json& validation) {
    constexpr std::string_view prefix = "quorum:";
    if (validation.is_object() && validation.size() == 1 && validation.contains("quorum")) {
        return validation["quorum"];
    }
    if (!validation.is_string()) return std::nullopt;
    const auto& text = validation.get_ref<const std::string&>();
    if (!text.starts_with(prefix)) return std::nullopt;
    return nlohmann::json::parse(text.substr(prefix.size()), nullptr, false);
}

Result<std::string> read_validation(const nlohmann::json& validation) {
    if (validation == "none" || validation == "adaptive") return validation.get<std::string>();
    const auto quorum = quorum_of(validation);
    if (quorum && quorum->is_number_integer() && *quorum >= quorum_min && *quorum <= quorum_max) {
        return "quorum:" + quorum->dump();
    }
    return refused("validation: " + shown(validation) +
                   R"( is none of "none", "adaptive" and "quorum:K" with K from )" +
                   std::to_string(quorum_min) + " to " + std::to_string(quorum_max));
}

Result<double> read_deadline(const nlohmann::json& deadline) {
    if (deadline.is_number() && deadline > 0 && deadline <= deadline_seconds_max) {
        return deadline.get<double>();
    }
    return refused("deadline_seconds: " + shown(deadline) +
                   " is not a number above 0 and at most " + std::to_string(deadline_seconds_max) +
                   ", which is 365 days");
}

Result<std::vector<JobId>> read_after(const nlohmann::json& after) {
    std::vector<JobId> jobs;
    bool fits = after.is_array() && after.size() <= after_max;
    for (std::size_t i = 0; fits && i < after.size(); ++i) {
        fits = after[i].is_number_unsigned();
        if (fits) jobs.push_back(JobId{after[i].get<std::uint64_t>()});
    }
    if (fits) return jobs;
    return refused("after: " + shown(after) + " is not a list of at most " +
                   std::to_string(after_max) + " jobs, each by its number");
}

/// The keys that any job may have besides its type.
Result<void> read_options(const nlohmann::json& json, JobRequest& request) {
    if (const auto params = json.find("params"); params != json.end()) {
        if (!params->is_object()) return refused("params: " + shown(*params) + " is not an object");
        // Kept with the job, and shown by its page: no file belongs there.
        const std::size_t bytes =
            params->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).size();
        if (bytes > params_bytes_max) {
            return refused("params: has " + std::to_string(bytes) + " bytes; a job may have " +
                           std::to_string(params_bytes_max) + ", and reads tables from files");
        }
        request.params = *params;
    }
    if (const auto name = json.find("name"); name != json.end()) {
        if (!name->is_string() || name->get_ref<const std::string&>().size() > name_bytes_max) {
            return refused("name: " + shown(*name) + " is not a text of at most " +
                           std::to_string(name_bytes_max) + " bytes");
        }
        request.name = name->get<std::string>();
    }
    if (const auto given = json.find("priority"); given != json.end()) {
        const auto priority = read_priority(*given);
        if (!priority) return unexpected(priority.error());
        request.priority = *priority;
    }
    if (const auto given = json.find("validation"); given != json.end()) {
        auto validation = read_validation(*given);
        if (!validation) return unexpected(validation.error());
        request.validation = std::move(*validation);
    }
    if (const auto given = json.find("deadline_seconds"); given != json.end()) {
        const auto deadline = read_deadline(*given);
        if (!deadline) return unexpected(deadline.error());
        request.deadline_seconds = *deadline;
    }
    if (const auto given = json.find("after"); given != json.end()) {
        auto after = read_after(*given);
        if (!after) return unexpected(after.error());
        request.after = std::move(*after);
    }
    return {};
}

}  // namespace

Result<JobRequest> parse_job_request(std::string_view text) {
    constexpr std::array<std::string_view, 7> keys{
        "type", "params", "name", "priority", "validation", "deadline_seconds", "after"};
    const auto json = parse_object(text, keys,
                                   "a job; those are type, params, name, priority, validation, "
                                   "deadline_seconds and after");
    if (!json) return unexpected(json.error());
    JobRequest request;
    const auto type = json->find("type");
    if (type == json->end()) return refused("type: is missing; it is one of " + known_types());
    if (!type->is_string() || find_job_type(type->get<std::string>()) == nullptr) {
        return refused("type: " + shown(*type) + " is not one of " + known_types());
    }
    request.type = type->get<std::string>();
    if (auto read = read_options(*json, request); !read) return unexpected(read.error());
    return request;
}

Result<std::int32_t> parse_priority_request(std::string_view text) {
    constexpr std::array<std::string_view, 1> keys{"priority"};
    const auto json = parse_object(text, keys, "this call; that is priority");
    if (!json) return unexpected(json.error());
    const auto priority = json->find("priority");
    if (priority == json->end()) return refused("priority: is missing");
    return read_priority(*priority);
}

}  // namespace netcompute::jobs
