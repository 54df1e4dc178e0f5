#include "jobs/job_type.hpp"

#include "jobs/job_files.hpp"
#include "jobs/job_inputs.hpp"

namespace netcompute::jobs {
namespace {

/// The files that a job reads, with their hashes of now.
Result<InputHashes> hash_inputs(std::span<const Param> table, const ParamValues& values) {
    InputHashes hashes;
    for (const Param& param : table) {
        const auto* const input = std::get_if<InputFile>(&param);
        if (input == nullptr || !values.has(*input)) continue;
        if (auto added = hashes.add(input->name, values[*input]); !added) {
            return unexpected(added.error());
        }
    }
    return hashes;
}

}  // namespace

Result<void> JobType::check(const nlohmann::json& given, const JobContext& context) const {
    JobFiles files{context};
    const auto values = read_params(params, given, check_together, files);
    if (!values) return unexpected(values.error());
    return files.check_outputs();
}

Result<PreparedJob> JobType::prepare(const nlohmann::json& given, const JobContext& context) const {
    JobFiles files{context};
    const auto values = read_params(params, given, check_together, files);
    if (!values) return unexpected(values.error());
    const auto hashes = hash_inputs(params, *values);
    if (!hashes) return unexpected(hashes.error());
    auto prepared = make(*values, context);
    if (!prepared) return prepared;
    auto inputs = hashes->finish();
    if (!inputs) return unexpected(inputs.error());
    prepared->inputs = std::move(*inputs);
    return prepared;
}

nlohmann::json job_types_document() {
    nlohmann::json document = nlohmann::json::array();
    for (const JobType& type : job_types()) {
        nlohmann::json params = nlohmann::json::array();
        for (const Param& param : type.params) params.push_back(param_document(param));
        document.push_back({{"name", type.name},
                            {"title", type.title},
                            {"summary", type.summary},
                            {"params", std::move(params)}});
    }
    return document;
}

}  // namespace netcompute::jobs
