#include "store/job_store.hpp"

#include <algorithm>

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

Result<void> MemoryJobStore::commit(std::span<const Record> records) {
    for (const Record& record : records) {
        const JobRecord& job = std::get<PutJob>(record).job;
        jobs_[job.id] = job;
        last_id_ = std::max(last_id_, job.id.value);
        if (is_final(job.state)) ended_.push_back(job.id);
        if (ended_.size() > ended_jobs_max) {
            jobs_.erase(ended_.front());
            ended_.pop_front();
        }
    }
    return {};
}

std::optional<JobRecord> MemoryJobStore::job(JobId id) const {
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return std::nullopt;
    return found->second;
}

std::vector<JobRecord> MemoryJobStore::jobs() const {
    std::vector<JobRecord> jobs;
    jobs.reserve(jobs_.size());
    for (const auto& [id, job] : jobs_) jobs.push_back(job);
    return jobs;
}

std::vector<JobRecord> MemoryJobStore::newest_ended(std::size_t count_max) const {
    std::vector<JobRecord> jobs;
    for (auto id = ended_.rbegin(); id != ended_.rend() && jobs.size() < count_max; ++id) {
        jobs.push_back(jobs_.at(*id));
    }
    return jobs;
}

JobId MemoryJobStore::next_job_id() const {
    return JobId{last_id_ + 1};
}

}  // namespace netcompute::store
