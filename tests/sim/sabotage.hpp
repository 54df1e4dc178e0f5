#pragma once

#include "core/events.hpp"
#include "core/limits.hpp"
#include "engine/job_type.hpp"

#include <map>
#include <vector>

namespace netcompute::sim {

/// Ways to break the master on purpose: they show that the checkers see it.
enum class Sabotage {
    None,
    RecordSecondResults,  ///< Of a task that has its output.
    FreezeTime,           ///< And hide disconnections: no lease ever runs out.
    RenewEverything,      ///< Heartbeats renew leases that they do not name.
    GiveTooMuch,          ///< One lease too many for each worker.
    DamageOutput,         ///< One bit of it, before it is folded.
    ForgetCompletion,     ///< Of rounds.
    PreferNewestJob,
    HideResumptions,  ///< Who comes back counts as one that had crashed.
    WipeStore,        ///< When the master dies.
};

/// Stands between the engine and what it relies on, and does its worst.
class Saboteur {
 public:
    explicit Saboteur(Sabotage sabotage) : sabotage_{sabotage} {}

    [[nodiscard]] core::SchedulerLimits limits(core::SchedulerLimits limits) const;
    [[nodiscard]] Instant clock(Instant now) const;
    /// What the scheduler is told instead.
    [[nodiscard]] core::Event event(const core::Event& event);
    /// What the engine is told instead of what the scheduler has answered.
    [[nodiscard]] core::Effects effects(core::Effects effects);
    [[nodiscard]] const engine::JobType* job_type(const engine::JobType* type);

 private:
    void forget_ended_leases(const core::Event& event);

    Sabotage sabotage_;
    std::map<WorkerId, std::vector<LeaseId>> leases_given_;
    std::map<std::string_view, engine::JobType> damaged_types_;
};

}  // namespace netcompute::sim
