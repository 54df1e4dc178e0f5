#include "store/records.hpp"

namespace netcompute::store {

std::string_view job_state_name(JobState state) {
    switch (state) {
        case JobState::Queued:
            return "Queued";
        case JobState::Running:
            return "Running";
        case JobState::Paused:
            return "Paused";
        case JobState::Succeeded:
            return "Succeeded";
        case JobState::Failed:
            return "Failed";
        case JobState::Cancelled:
            return "Cancelled";
    }
    return "Failed";
}

std::string cut_text(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return std::string{text};
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    return std::string{text.substr(0, end)} + "…";
}

JobRecord shortened(JobRecord job) {
    job.params.clear();
    job.inputs.clear();
    job.outputs.clear();
    job.result = cut_text(job.result, short_result_bytes_max);
    if (job.error) job.error->message = cut_text(job.error->message, short_error_bytes_max);
    return job;
}

bool is_final(JobState state) {
    return state == JobState::Succeeded || state == JobState::Failed ||
           state == JobState::Cancelled;
}

}  // namespace netcompute::store
