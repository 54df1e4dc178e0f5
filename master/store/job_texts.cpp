#include "store/job_texts.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>

namespace netcompute::store {

std::string job_ids_text(std::span<const JobId> jobs) {
    if (jobs.empty()) return {};
    nlohmann::json list = nlohmann::json::array();
    for (const JobId job : jobs) list.push_back(job.value);
    return list.dump();
}

std::string job_outputs_text(std::span<const JobOutput> outputs) {
    if (outputs.empty()) return {};
    nlohmann::json list = nlohmann::json::array();
    for (const JobOutput& output : outputs) {
        list.push_back(
            {{"name", output.name}, {"path", output.path}, {"sha256", to_hex(output.sha256)}});
    }
    return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<JobId> read_job_ids(std::string_view text) {
    const auto list = nlohmann::json::parse(text, nullptr, false);
    std::vector<JobId> jobs;
    if (!list.is_array()) return jobs;
    for (const auto& job : list) {
        if (job.is_number_unsigned()) jobs.push_back(JobId{job.get<std::uint64_t>()});
    }
    return jobs;
}

std::vector<JobOutput> read_job_outputs(std::string_view text) {
    const auto list = nlohmann::json::parse(text, nullptr, false);
    std::vector<JobOutput> outputs;
    if (!list.is_array()) return outputs;
    for (const auto& one : list) {
        const auto sha256 = sha256_from_hex(one.value("sha256", ""));
        if (sha256) outputs.push_back({one.value("name", ""), one.value("path", ""), *sha256});
    }
    return outputs;
}

}  // namespace netcompute::store
