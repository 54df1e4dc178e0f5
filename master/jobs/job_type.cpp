#include "jobs/job_type.hpp"

#include "jobs/job_files.hpp"
#include "jobs/job_inputs.hpp"
#include "jobs/job_reference.hpp"
#include <netcompute/assert.hpp>

namespace netcompute::jobs {
namespace {

/// The files that a job reads.
InputHashes inputs_of(std::span<const Param> table, const nlohmann::json& given,
                      const ParamValues& values, const JobContext& context) {
    InputHashes hashes{context.datasets};
    for (const Param& param : table) {
        const auto* const input = std::get_if<InputFile>(&param);
        if (input == nullptr || !values.has(*input)) continue;
        const std::string text = given.value(std::string{input->name}, "");
        if (is_job_reference(text)) {
            hashes.add(input->name, values[*input],
                       std::pair{text, context.from_jobs->at(text)->sha256});
        } else {
            hashes.add(input->name, values[*input]);
        }
    }
    return hashes;
}

/// The context for these params: with what is not to be written.
JobContext with_dropped_outputs(JobContext context, std::span<const Param> table,
                                const nlohmann::json& given) {
    if (!context.only_named_outputs) return context;
    for (const Param& param : table) {
        const auto* const output = std::get_if<OutputFile>(&param);
        if (output == nullptr || given.contains(output->name)) continue;
        context.dropped_outputs.emplace(output->otherwise);
    }
    return context;
}

}  // namespace

std::vector<store::JobOutput> WrittenOutputs::listed(nlohmann::json& result) const {
    std::vector<store::JobOutput> outputs;
    const auto files = result.find("files");
    if (files == result.end() || !files->is_object()) return outputs;
    const std::lock_guard lock{mutex_};
    auto written = nlohmann::json::object();
    for (const auto& [name, path] : files->items()) {
        const auto found = path.is_string() ? hashes_.find(path.get<std::string>()) : hashes_.end();
        if (found == hashes_.end()) continue;
        outputs.push_back({name, found->first, found->second});
        written[name] = path;
    }
    *files = std::move(written);
    return outputs;
}

Result<data::Table> JobContext::table(const data::InputFile& file,
                                      const data::ReadingOptions& options,
                                      const data::HeaderCheck& check) const {
    NETCOMPUTE_ASSERT(datasets != nullptr, "a job that reads tables is prepared with a catalog");
    return datasets->table(file, options, check);
}

Result<void> JobType::check(const nlohmann::json& given, const JobContext& the_context) const {
    const std::vector<Param> table = params.of(given);
    const JobContext context = with_dropped_outputs(the_context, table, given);
    JobFiles files{context};
    const auto values = read_params(table, given, check_together, files);
    if (!values) return unexpected(values.error());
    return files.check_outputs();
}

Result<PreparedJob> JobType::prepare(const nlohmann::json& given,
                                     const JobContext& the_context) const {
    const std::vector<Param> table = params.of(given);
    const JobContext context = with_dropped_outputs(the_context, table, given);
    JobFiles files{context};
    const auto values = read_params(table, given, check_together, files);
    if (!values) return unexpected(values.error());
    const InputHashes hashes = inputs_of(table, given, *values, context);
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
