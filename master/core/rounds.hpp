#pragma once

#include "core/id_table.hpp"
#include "core/job_rounds.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace netcompute::core {

/// Every live job and its rounds.
class Rounds {
 public:
    /// Null if there is no such job. The pointer holds until the job is over.
    [[nodiscard]] JobRounds* find(JobId id) { return jobs_.find(id); }
    [[nodiscard]] const JobRounds* find(JobId id) const { return jobs_.find(id); }
    /// Of a live job.
    [[nodiscard]] JobRounds& at(JobId id) { return jobs_.at(id); }
    [[nodiscard]] const JobRounds& at(JobId id) const { return jobs_.at(id); }
    /// Those that are live now, ascending.
    [[nodiscard]] std::vector<JobId> ids() const;
    /// The tasks of each of a job's rounds that is not forgotten; nothing if there is no such job.
    [[nodiscard]] std::map<RoundIndex, RoundTasks> all_of(JobId id) const;
    /// Whether results of this worker are in any job.
    [[nodiscard]] bool remember(WorkerId worker) const;

    void restore(const JobRestored& event, const WordOf& word_of);
    /// The job's next round, with the workers that did the tasks in the one before; nothing if
    /// another round of it is due. The first one introduces the job, unless it was restored.
    [[nodiscard]] std::optional<std::vector<WorkerId>> admit(const RoundStarted& event);
    /// One that was admitted, and for which no lease of the round before stands.
    JobRounds& begin(const RoundStarted& event, const std::vector<WorkerId>& homes);
    void forget_job(JobId id) { jobs_.erase(id); }

 private:
    IdTable<JobId, JobRounds> jobs_;
    std::uint64_t last_visit_ = 0;
};

}  // namespace netcompute::core
