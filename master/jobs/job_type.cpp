#include "jobs/job_type.hpp"

#include "jobs/job_files.hpp"
#include "jobs/job_inputs.hpp"
#include <netcompute/assert.hpp>

namespace netcompute::jobs {
namespace {

/// The files that a job reads.
InputHashes inputs_of(std::span<const Param> table, const ParamValues& values,
                      data::DatasetCatalog* datasets) {
    InputHashes hashes{datasets};
    for (const Param& param : table) {
        const auto* const input = std::get_if<InputFile>(&param);
        if (input != nullptr && values.has(*input)) hashes.add(input->name, values[*input]);
    }
    return hashes;
}

}  // namespace

Result<data::Table> JobContext::table(const data::InputFile& file,
                                      const data::ReadingOptions& options,
                                      const data::HeaderCheck& check) const {
    NETCOMPUTE_ASSERT(datasets != nullptr, "a job that reads tables is prepared with a catalog");
    return datasets->table(file, options, check);
}

Result<void> JobType::check(const nlohmann::json& given, const JobContext& context) const {
    JobFiles files{context};
    const auto values = read_params(params.of(given), given, check_together, files);
    if (!values) return unexpected(values.error());
    return files.check_outputs();
}

Result<PreparedJob> JobType::prepare(const nlohmann::json& given, const JobContext& context) const {
    JobFiles files{context};
    const std::vector<Param> table = params.of(given);
    const auto values = read_params(table, given, check_together, files);
    if (!values) return unexpected(values.error());
    const InputHashes hashes = inputs_of(table, *values, context.datasets);
    auto prepared = make(*values, context);
    if (!prepared) return prepared;
    auto inputs = hashes.finish();
    if (!inputs) return unexpected(inputs.error());
    prepared->inputs = std::move(*inputs);
    return prepared;
}

nlohmann::json job_types_document() {
    nlohmann::json document = nlohmann::json::array();
    for (const JobType& type : job_types()) {
        document.push_back({{"name", type.name},
                            {"title", type.title},
                            {"summary", type.summary},
                            {"params", params::params_document(type.params)}});
    }
    return document;
}

}  // namespace netcompute::jobs
