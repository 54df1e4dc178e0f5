#pragma once

#include "core/events.hpp"
#include <netcompute/ids.hpp>

#include <functional>
#include <string>

/// What the scheduler's parts tell each other of jobs and tasks.
namespace netcompute::core {

/// How the results of a job are looked at.
struct Terms {
    Validation validation;
    bool contested = false;  ///< A worker was proven wrong in it: everything is checked.
};

/// A task that was counted as possibly having brought its worker down.
struct BlamedTask {
    JobId job;
    RoundIndex round = 0;
    TaskIndex index = 0;
    bool is_proven = false;  ///< Of the worker, then.
    friend bool operator==(const BlamedTask&, const BlamedTask&) = default;
};

/// A task of a job that has several rounds.
struct TaskPlace {
    RoundIndex round = 0;
    TaskIndex index = 0;
    friend bool operator==(const TaskPlace&, const TaskPlace&) = default;
};

/// What a worker's word is worth in a job; asked of whoever keeps the workers.
struct Word {
    bool counts = false;                             ///< It is known, and not in quarantine.
    bool is_lie = false;                             ///< It is in quarantine.
    ValidationMode mode = ValidationMode::Adaptive;  ///< How its results are looked at.
};
using WordOf = std::function<Word(const Terms&, WorkerId)>;

/// Whether an output of a former round must not be believed as it is, its author's word being this.
[[nodiscard]] inline bool is_doubtful(const Terms& terms, const Stretch& tasks, const Word& word) {
    if (!tasks.has_output) return true;
    if (tasks.confirmed) return false;
    if (!word.counts) return true;
    return word.mode == ValidationMode::Quorum ||
           (terms.contested && word.mode == ValidationMode::Adaptive);
}

/// For messages to people.
[[nodiscard]] inline std::string task_name(JobId job, RoundIndex round, TaskIndex index) {
    return "task " + std::to_string(index) + " of round " + std::to_string(round) + " of job " +
           std::to_string(job.value);
}

}  // namespace netcompute::core
