#include "jobs/job_inputs.hpp"

#include <nlohmann/json.hpp>

namespace netcompute::jobs {

void InputHashes::add(std::string_view name, const data::InputFile& file) {
    entries_.push_back({std::string{name}, file});
}

Result<std::vector<JobInput>> InputHashes::finish() const {
    std::vector<JobInput> inputs;
    for (const auto& [name, file] : entries_) {
        const auto sha256 = datasets_ == nullptr ? file.sha256() : datasets_->sha256(file, since_);
        if (!sha256) return unexpected(sha256.error());
        if (!file.is_unchanged()) {
            return unexpected(ErrorCode::Unavailable,
                              "params." + name + ": " + file.name() +
                                  " changed while it was read; submit the job again once the "
                                  "file is written");
        }
        inputs.push_back({name, file.name(), *sha256});
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
