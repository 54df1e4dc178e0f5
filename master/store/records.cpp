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

bool is_final(JobState state) {
    return state == JobState::Succeeded || state == JobState::Failed ||
           state == JobState::Cancelled;
}

}  // namespace netcompute::store
