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

std::string job_files_text(std::span<const JobFile> files) {
    if (files.empty()) return {};
    nlohmann::json list = nlohmann::json::array();
    for (const JobFile& file : files) {
        list.push_back({{"name", file.name}, {"path", file.path}, {"sha256", to_hex(file.sha256)}});
    }
    return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string worker_keys_text(std::span<const std::string> keys) {
    if (keys.empty()) return {};
    nlohmann::json list = nlohmann::json::array();
    for (const std::string& key : keys) list.push_back(key);
    return list.dump();
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

std::vector<JobFile> read_job_files(std::string_view text) {
    const auto list = nlohmann::json::parse(text, nullptr, false);
    std::vector<JobFile> files;
    if (!list.is_array()) return files;
    for (const auto& one : list) {
        const auto sha256 = sha256_from_hex(one.value("sha256", ""));
        if (sha256) files.push_back({one.value("name", ""), one.value("path", ""), *sha256});
    }
    return files;
}

std::vector<std::string> read_worker_keys(std::string_view text) {
    const auto list = nlohmann::json::parse(text, nullptr, false);
    std::vector<std::string> keys;
    if (!list.is_array()) return keys;
    for (const auto& key : list) {
        if (key.is_string()) keys.push_back(key.get<std::string>());
    }
    return keys;
}

}  // namespace netcompute::store
