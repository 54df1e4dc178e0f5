#pragma once

#include "core/events.hpp"
#include "core/limits.hpp"
#include "jobs/job_type.hpp"

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
    HideResumptions,        ///< Who comes back counts as one that had crashed.
    WipeStore,              ///< When the master dies.
    SendBeforeCommit,       ///< Records are kept one turn late.
    PromiseBeforeFlush,     ///< No flush does anything.
    RecomputeAfterRestart,  ///< The outputs that are there are not told to the scheduler.
    ForgetQuarantine,       ///< Who lied is not written down.
    BelieveLiars,           ///< Nobody's results are checked.
    BlameTheHonest,         ///< The master's own output is told to be what the liar said.
    CheckOnSamePc,          ///< Each worker is told to be on a PC of its own.
    ServePausedJobs,        ///< The scheduler hears nothing of pauses.
    ServeWhileStalled,      ///< Nor of a store that cannot be written.
    FollowTimeOfDay,        ///< Its monotonic clock is set along with the PC's clock.
    ReuseLeaseIds,          ///< Each master starts to count them anew.
    BelieveStrangers,       ///< The scheduler is told that everybody is believed.
    BlameNewcomers,         ///< And that everybody has delivered something before.
    ForgetAnother,          ///< Round than the one that is beyond doubt.
    MixUpMemo,              ///< Of workers: it gives another key's value.
    LoseBlobs,              ///< That folds have published: they are not written down.
    SpareChildren,          ///< Of jobs that are over: that they are cancelled is not written down.
    LoseFolds,              ///< A fold that the pool was given never comes back.
    LeakSecrets,            ///< Whoever goes by another's id has its secret and its machine.
};

/// Stands between the engine and what it relies on, and does its worst.
class Saboteur {
 public:
    explicit Saboteur(Sabotage sabotage) : sabotage_{sabotage} {}

    [[nodiscard]] core::SchedulerLimits limits(core::SchedulerLimits limits) const;
    [[nodiscard]] Instant clock(Instant now) const;
    /// What the engine says instead.
    [[nodiscard]] core::Event said(core::Event event) const;
    /// What the scheduler is told instead of what the engine says.
    [[nodiscard]] core::Event told(core::Event event);
    /// What the engine is told instead of what the scheduler has answered.
    [[nodiscard]] core::Effects effects(const core::Event& event, core::Effects effects);
    [[nodiscard]] const jobs::JobType* job_type(const jobs::JobType* type);

 private:
    void forget_ended_leases(const core::Event& event);
    void note_leases(const core::Effects& effects);
    static void record_second(const core::Event& event, core::Effect& effect);

    Sabotage sabotage_;
    std::map<WorkerId, std::vector<LeaseId>> leases_given_;
    std::map<std::string_view, jobs::JobType> damaged_types_;
};

}  // namespace netcompute::sim
