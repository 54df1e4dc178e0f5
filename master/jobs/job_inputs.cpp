#include "jobs/job_inputs.hpp"

namespace netcompute::jobs {

void InputHashes::add(std::string_view name, const data::InputFile& file,
                      std::optional<std::pair<std::string, Sha256>> from) {
    entries_.push_back({std::string{name}, file, std::move(from)});
}

Result<std::vector<JobInput>> InputHashes::finish() const {
    std::vector<JobInput> inputs;
    for (const auto& [name, file, from] : entries_) {
        const auto sha256 = datasets_ == nullptr ? file.sha256() : datasets_->sha256(file, since_);
        if (!sha256) return unexpected(sha256.error());
        if (!file.is_unchanged()) {
            return unexpected(ErrorCode::Unavailable,
                              "params." + name + ": " + file.name() +
                                  " changed while it was read; submit the job again once the "
                                  "file is written");
        }
        if (from && from->second != *sha256) {
            return unexpected(ErrorCode::InvalidArgument,
                              "params." + name + ": " + from->first + " is " + file.name() +
                                  ", which is not as that job left it; submit that job again, with "
                                  "an output of a name of its own");
        }
        inputs.push_back({name, file.name(), *sha256});
    }
    return inputs;
}

}  // namespace netcompute::jobs
