#include "jobs/job_inputs.hpp"

#include <nlohmann/json.hpp>

namespace netcompute::jobs {

Result<void> InputHashes::add(std::string_view name, const data::InputFile& file) {
    const auto sha256 = file.sha256();
    if (!sha256) return unexpected(sha256.error());
    entries_.push_back({{std::string{name}, file.name(), *sha256}, file});
    return {};
}

Result<std::vector<JobInput>> InputHashes::finish() const {
    std::vector<JobInput> inputs;
    for (const Entry& entry : entries_) {
        if (!entry.file.is_unchanged()) {
            return unexpected(ErrorCode::Unavailable,
                              "params." + entry.input.name + ": " + entry.file.name() +
                                  " changed while it was read; submit the job again once the "
                                  "file is written");
        }
        inputs.push_back(entry.input);
    }
    return inputs;
}

std::string inputs_json(std::span<const JobInput> inputs) {
    nlohmann::json list = nlohmann::json::array();
    for (const JobInput& input : inputs) {
        list.push_back(
            {{"name", input.name}, {"path", input.path}, {"sha256", to_hex(input.sha256)}});
    }
    return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace netcompute::jobs
