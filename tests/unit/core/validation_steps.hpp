#pragma once

#include "scheduler_steps.hpp"

#include <set>
#include <utility>

namespace netcompute::core {

inline const WorkerId third{3};

inline RoundStarted round_with(Validation validation, std::uint32_t task_count,
                               RoundIndex round = 0) {
    return {job, round, task_count, 64, 0, validation};
}

/// What a former master has of these tasks, from this worker.
inline std::vector<PastOutput> past(std::initializer_list<TaskIndex> tasks, WorkerId worker) {
    std::vector<PastOutput> outputs;
    for (const TaskIndex index : tasks) {
        outputs.push_back({index, worker, SchedulerSteps::truth_of(index), false, {}});
    }
    return outputs;
}

/// A cluster whose workers answer what the test says, and a master that audits at once.
class ValidationTest : public testing::Test {
 protected:
    explicit ValidationTest(SchedulerLimits limits = {}) : steps{limits} {}

    void join(WorkerId worker, bool is_believed, std::uint64_t pc) {
        step(WorkerJoined{worker, 1, false, pc, is_believed});
    }
    void step(const Event& event) {
        steps.step(now, event);
        seen.insert(seen.end(), steps.effects.begin(), steps.effects.end());
        for (const AuditTask& audit : steps.last<AuditTask>()) audits.push_back(audit);
    }
    /// What the master finds when it computes a task itself.
    [[nodiscard]] static TaskAudited truth_about(const AuditTask& audit) {
        const Sha256 truth = SchedulerSteps::truth_of(audit.index);
        return {audit.job, audit.round, audit.visit, audit.index, truth, false, {}};
    }
    /// Every lease that is out is answered, until nothing is; `liars` give wrong bytes for tasks
    /// from `first_lie` on.
    void work(const std::set<WorkerId>& liars, TaskIndex first_lie = 0) {
        for (std::size_t next = answered; next < steps.assigned.size() || !audits.empty();) {
            now += 1ms;
            if (next < steps.assigned.size()) {
                const AssignTasks lease = steps.assigned[next++];
                answered = next;
                ResultsReceived results = SchedulerSteps::outputs_of(lease);
                for (Outcome& outcome : results.outcomes) {
                    if (liars.contains(lease.worker) && outcome.index >= first_lie) {
                        outcome.sha256 = SchedulerSteps::lie_of(outcome.index);
                    }
                }
                if (lease.is_check) checks += lease.tasks.size();
                step(results);
            } else {
                const AuditTask audit = audits.back();
                audits.pop_back();
                ++audit_count;
                step(truth_about(audit));
            }
        }
    }
    template <typename T>
    [[nodiscard]] std::size_t count() const {
        return static_cast<std::size_t>(std::ranges::count_if(
            seen, [](const Effect& effect) { return std::holds_alternative<T>(effect); }));
    }
    [[nodiscard]] std::set<WorkerId> quarantined() const {
        std::set<WorkerId> workers;
        for (const Effect& effect : seen) {
            if (const auto* one = std::get_if<QuarantineWorker>(&effect)) {
                workers.insert(one->worker);
            }
        }
        return workers;
    }
    /// Whose output counts in a round, wrong ones marked by WorkerId{99}.
    [[nodiscard]] bool all_right(RoundIndex round) const {
        const RoundTasks tasks = steps.scheduler.rounds(job).at(round);
        for (TaskIndex index = 0; index < tasks.task_count(); ++index) {
            if (!tasks.has_output(index)) continue;
            if (tasks.sha256(index) != SchedulerSteps::truth_of(index)) return false;
        }
        return true;
    }

    SchedulerSteps steps;
    Instant now = start;
    Effects seen;
    std::vector<AuditTask> audits;
    std::size_t answered = 0;
    std::size_t checks = 0;
    std::size_t audit_count = 0;
};

}  // namespace netcompute::core
