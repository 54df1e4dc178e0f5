#include "core/rounds.hpp"

namespace netcompute::core {

std::vector<JobId> Rounds::ids() const {
    std::vector<JobId> ids;
    ids.reserve(jobs_.size());
    jobs_.for_each([&](JobId id, const JobRounds&) { ids.push_back(id); });
    return ids;
}

std::map<RoundIndex, RoundTasks> Rounds::all_of(JobId id) const {
    const JobRounds* const job = find(id);
    if (job == nullptr) return {};
    std::map<RoundIndex, RoundTasks> rounds = job->history();
    if (job->tasks.task_count() > 0) rounds.insert_or_assign(job->round, job->tasks);
    return rounds;
}

bool Rounds::remember(WorkerId worker) const {
    bool is_in_one = false;
    jobs_.for_each(
        [&](JobId, const JobRounds& job) { is_in_one = is_in_one || job.remembers(worker); });
    return is_in_one;
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
