#include "core/rounds.hpp"

#include <algorithm>

namespace netcompute::core {

JobRounds* Rounds::find(JobId id) {
    const auto found = jobs_.find(id);
    return found == jobs_.end() ? nullptr : &found->second;
}

const JobRounds* Rounds::find(JobId id) const {
    const auto found = jobs_.find(id);
    return found == jobs_.end() ? nullptr : &found->second;
}

std::vector<JobId> Rounds::ids() const {
    std::vector<JobId> ids;
    ids.reserve(jobs_.size());
    for (const auto& entry : jobs_) ids.push_back(entry.first);
    return ids;
}

std::map<RoundIndex, RoundTasks> Rounds::all_of(JobId id) const {
    const JobRounds* const job = find(id);
    if (job == nullptr) return {};
    std::map<RoundIndex, RoundTasks> rounds = job->history;
    if (job->tasks.task_count() > 0) rounds.insert_or_assign(job->round, job->tasks);
    return rounds;
}

bool Rounds::remember(WorkerId worker) const {
    return std::ranges::any_of(
        jobs_, [worker](const auto& entry) { return entry.second.remembers(worker); });
}

void Rounds::restore(const JobRestored& event, const WordOf& word_of) {
    jobs_[event.job].restore(event, word_of);
}

std::optional<std::vector<WorkerId>> Rounds::admit(const RoundStarted& event) {
    const JobRounds& job = jobs_[event.job];
    if (!job.admits(event)) return std::nullopt;
    return job.homes_for(event);
}

JobRounds& Rounds::begin(const RoundStarted& event, const std::vector<WorkerId>& homes) {
    JobRounds& job = jobs_.at(event.job);
    job.begin(event, homes);
    job.visit = ++last_visit_;
    return job;
}

}  // namespace netcompute::core
