#pragma once

#include "core/deadlines.hpp"
#include "core/events.hpp"
#include "core/id_table.hpp"
#include "core/limits.hpp"
#include <netcompute/ids.hpp>
#include <netcompute/instant.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace netcompute::core {

/// Tasks that one worker holds until a deadline.
struct Lease {
    LeaseId id;
    WorkerId worker;
    JobId job;
    RoundIndex round = 0;
    std::vector<TaskIndex> tasks;   ///< Ascending.
    std::vector<bool> has_outcome;  ///< Parallel to tasks.
    std::uint32_t open_count = 0;   ///< Tasks without an outcome.
    bool active = true;             ///< False: over, kept to recognize late results.
    bool is_check = false;
    bool claimed = true;  ///< False: of a former master, and not named by its worker yet.
    Duration duration{};  ///< What a renewal adds.
    Instant granted_at;
    Instant deadline;
    Instant progress_at;    ///< When it came to the front, or last gave an outcome.
    bool in_front = false;  ///< Its worker has done the leases before it.
    /// Those without an outcome, ascending.
    [[nodiscard]] std::vector<TaskIndex> open_tasks() const;
};

/// What a lease is to be for.
struct LeaseTerms {
    WorkerId worker;
    JobId job;
    RoundIndex round = 0;
    std::vector<TaskIndex> tasks;  ///< Ascending.
    bool is_check = false;
};

/// What results belong to. If neither is there, they come too late to matter.
struct ResultsClaim {
    const Lease* lease = nullptr;  ///< Active or over.
    std::string objection;         ///< What the worker had no right to send.
};

/// What a lease's number means to the worker that names it.
enum class LeaseStanding {
    Active,
    Over,       ///< Or forgotten since.
    Anothers,   ///< Another worker's, active or over.
    Ungranted,  ///< Nobody's: maybe one of a former master.
};

/// All leases: who holds which until when, and, while a round lasts, who held which. It knows
/// tasks by their numbers only; what becomes of them when a lease ends is not its matter.
/// References to leases hold until these are forgotten.
class LeaseBook {
 public:
    explicit LeaseBook(const SchedulerLimits& limits);

    /// Null if it is not known, or not any more.
    [[nodiscard]] const Lease* find(LeaseId id) const;
    /// Of a known lease.
    [[nodiscard]] const Lease& at(LeaseId id) const { return leases_.at(id); }
    /// A worker's active leases, oldest first.
    [[nodiscard]] const std::vector<LeaseId>& held_by(WorkerId id) const;
    /// The sum of their open tasks.
    [[nodiscard]] std::uint64_t open_tasks_of(WorkerId id) const;
    /// A job's active leases.
    [[nodiscard]] const IdSet<LeaseId>& active_of(JobId id) const;
    /// The first deadline; instant_never if there is no active lease.
    [[nodiscard]] Instant next_deadline() const { return deadlines_.next(); }
    [[nodiscard]] LeaseStanding standing(LeaseId id, WorkerId worker) const;
    [[nodiscard]] ResultsClaim claim_of(const ResultsReceived& event) const;

    /// No lease gets one of these numbers: a former master has given them.
    void note_used(LeaseId last);
    /// A lease that is expected to take so long, with all that its worker holds already.
    const Lease& grant(Instant now, LeaseTerms terms, double expected_seconds);
    /// One of a former master, some tasks of which may have their outcomes. It is unclaimed.
    const Lease& restore(Instant now, LeaseId id, LeaseTerms terms, std::vector<bool> has_outcome);
    /// Its worker names these: its other leases that nobody has claimed before did not reach it,
    /// or their results are under way; they are to be ended. All are claimed from now on.
    [[nodiscard]] std::vector<LeaseId> claim(WorkerId worker, const std::vector<LeaseId>& named);
    /// An active lease has its whole duration from now on.
    void renew(Instant now, LeaseId id);
    /// Its worker has given some outcome, be it a known one.
    void note_progress(Instant now, LeaseId id) { leases_.at(id).progress_at = now; }
    /// The task of this lease has its outcome. False if it had one: it was sent again.
    [[nodiscard]] bool take_outcome(LeaseId id, TaskIndex index);

    /// An active lease whose deadline has come; it is to be ended before the next is asked for.
    [[nodiscard]] std::optional<LeaseId> next_expired(Instant now) const;
    /// An active lease is over; it stays known, to recognize its late results. The next one of its
    /// worker comes to the front.
    void end(Instant now, LeaseId id);
    /// This worker is gone: it holds nothing, and its active leases, oldest first, are to be ended.
    [[nodiscard]] std::vector<LeaseId> take_held(WorkerId worker);
    /// A job's round is over: all its leases, which are to be ended where active, and forgotten.
    [[nodiscard]] std::vector<LeaseId> take_round(JobId job);
    void forget(LeaseId id) { leases_.erase(id); }
    void forget_worker(WorkerId id) { held_.erase(id); }
    /// Its round is taken already.
    void forget_job(JobId id) { jobs_.erase(id); }

 private:
    struct JobLeases {
        IdSet<LeaseId> active;
        std::vector<LeaseId> round;  ///< Of this round, active or over.
    };
    [[nodiscard]] const Lease& add(Lease lease);

    Duration seconds_min_;
    Duration seconds_max_;
    double expected_factor_;
    IdTable<LeaseId, Lease> leases_;
    Deadlines<LeaseId> deadlines_;
    IdTable<WorkerId, std::vector<LeaseId>> held_;
    IdTable<JobId, JobLeases> jobs_;
    std::uint64_t last_id_ = 0;
};

}  // namespace netcompute::core
