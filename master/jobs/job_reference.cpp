#include "jobs/job_reference.hpp"

#include "data/field_place.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace netcompute::jobs {
namespace {

constexpr std::string_view prefix = "job:";

std::string names_of(const std::vector<store::JobOutput>& outputs) {
    std::string names;
    for (const store::JobOutput& output : outputs) {
        names += (names.empty() ? "" : ", ") + output.name;
    }
    return names;
}

}  // namespace

bool is_job_reference(std::string_view text) {
    return text.starts_with(prefix);
}

Result<JobReference> parse_job_reference(std::string_view text) {
    const std::string_view rest = text.substr(std::min(prefix.size(), text.size()));
    const std::string_view number = rest.substr(0, rest.find('/'));
    JobReference reference;
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), reference.job.value);
    const bool is_number = error == std::errc{} && end == number.data() + number.size();
    const bool names_output = number.size() + 1 < rest.size();
    if (!is_job_reference(text) || !is_number || (number.size() < rest.size() && !names_output)) {
        return unexpected(ErrorCode::InvalidArgument,
                          data::quote(text) +
                              " names no file of a job; write job:3/model for the "
                              "file that the result of job 3 calls model");
    }
    if (names_output) reference.output = rest.substr(number.size() + 1);
    return reference;
}

Result<std::vector<JobId>> referenced_jobs(const ParamTable& table, const nlohmann::json& given) {
    std::set<JobId> jobs;
    for (const Param& param : table.of(given)) {
        const auto* const input = std::get_if<InputFile>(&param);
        if (input == nullptr) continue;
        const auto value = given.find(input->name);
        if (value == given.end() || !value->is_string()) continue;
        const auto& text = value->get_ref<const std::string&>();
        if (!is_job_reference(text)) continue;
        const auto reference = parse_job_reference(text);
        if (!reference) {
            return unexpected(reference.error().code, "params." + std::string{input->name} + ": " +
                                                          reference.error().message);
        }
        jobs.insert(reference->job);
    }
    return std::vector<JobId>{jobs.begin(), jobs.end()};
}

Result<store::JobOutput> find_output(const JobReference& reference,
                                     const std::vector<store::JobOutput>& outputs) {
    const std::string job = "job " + std::to_string(reference.job.value);
    if (outputs.empty()) return unexpected(ErrorCode::NotFound, job + " wrote no file");
    if (reference.output.empty()) {
        if (outputs.size() == 1) return outputs.front();
        return unexpected(ErrorCode::InvalidArgument,
                          job + " wrote " + names_of(outputs) +
                              "; write job:" + std::to_string(reference.job.value) + "/" +
                              outputs.front().name + " for one of them");
    }
    const auto found = std::ranges::find(outputs, reference.output, &store::JobOutput::name);
    if (found != outputs.end()) return *found;
    return unexpected(ErrorCode::NotFound, job + " wrote no " + data::quote(reference.output) +
                                               "; it wrote " + names_of(outputs));
}

}  // namespace netcompute::jobs
