#pragma once

#include "core/fair_queue.hpp"
#include "core/id_table.hpp"
#include "core/limits.hpp"
#include "core/task_seconds.hpp"
#include "core/work.hpp"
#include <netcompute/ids.hpp>
#include <netcompute/instant.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace netcompute::core {

/// Who gets what, and how much: which workers have room, whose turn it is, how quick workers are
/// and what leases cost.
///
/// A job is charged for a lease when it is granted, by the speed that was measured; with each of
/// its outcomes, and at its end, the charge is corrected to what it took. So are the copies of what
/// a straggler was late with, and checks.
class Assigner {
 public:
    explicit Assigner(const SchedulerLimits& limits);

    // ---- Workers with room, by how many leases they hold: nobody gets one ahead before others
    // ----

    /// How many places there are in that order.
    [[nodiscard]] std::size_t place_count() const { return with_room_.size(); }
    /// The worker holds so many leases; nothing if it takes none. `is_last`: while it has room it
    /// comes after those that wait for nothing but work.
    void set_held(WorkerId id, std::optional<std::size_t> held_count, bool is_last);
    [[nodiscard]] std::optional<std::size_t> place_of(WorkerId id) const;
    /// The first worker of a place, and those after one that may have left it meanwhile.
    [[nodiscard]] std::optional<WorkerId> first_at(std::size_t place) const;
    [[nodiscard]] std::optional<WorkerId> next_at(std::size_t place, WorkerId after) const;
    /// Those that hold nothing.
    [[nodiscard]] std::vector<WorkerId> idle() const;
    void forget_worker(WorkerId id);

    // ---- Jobs, by what they have to give ----

    /// Makes the job known, or moves it in the queue.
    void set_priority(JobId id, std::int32_t priority) { queue_.set_priority(id, priority); }
    /// Of a known job.
    void set_needs(JobId id, const JobNeeds& needs);
    /// Its tasks are others from now on: how long those of before took says nothing.
    void begin_round(JobId id) { paces_[id].task_seconds = {}; }
    void forget_job(JobId id);
    [[nodiscard]] bool has_pending() const { return !queue_.empty(); }
    /// Whose turn it is, but for these.
    [[nodiscard]] std::optional<JobId> next_job(const std::vector<JobId>& refused) const {
        return queue_.next(refused);
    }
    /// The jobs with checks to give out: the first one, and those after one that may have none now.
    [[nodiscard]] std::optional<JobId> first_with_checks() const;
    [[nodiscard]] std::optional<JobId> next_with_checks(JobId after) const;

    // ---- How much ----

    /// Some tasks of this kernel of the job took the worker so long each, of one slot.
    void measure(WorkerId worker, JobId job, std::uint32_t kernel, double seconds_each,
                 std::uint32_t count);
    /// As many tasks as keep the worker busy for batch_seconds, which equal jobs share, so that
    /// each of them has its turn soon; but no more than its share of half of those that are left,
    /// so that the last leases of a round are small and end together.
    [[nodiscard]] std::uint32_t batch_size(const BatchRequest& request) const;
    /// How long so many tasks take the worker; 0 if its speed has not been measured.
    [[nodiscard]] double expected_seconds(const BatchRequest& request,
                                          std::uint64_t task_count) const;

    // ---- What leases cost ----

    /// The job has been served with a lease.
    void serve(const LeaseWork& work);
    /// Charges its job for what is known of the lease by now, and thought of the rest.
    void estimate(const LeaseWork& work);
    /// Outcomes of this lease have come, which took so long. Slot-seconds that nobody knew of.
    double spend(LeaseId id, double slot_seconds);
    /// Charges its job for what is known of a lease that is over, and no more.
    void settle(LeaseId lease, JobId job);
    /// It ends, maybe with tasks that have no outcome: if it was their turn, its worker has been
    /// at work on them, for as long as they should have taken at most. Slot-seconds that nobody
    /// knew of.
    double end(const LeaseWork& work);
    void forget_lease(LeaseId id) { costs_.erase(id); }

    // ---- Stragglers ----

    /// When to look for them; nothing while no job is at its tail.
    [[nodiscard]] std::optional<Instant> straggler_deadline() const { return straggler_deadline_; }
    void stop_looking() { straggler_deadline_.reset(); }
    /// Some front lease is another, or tasks have become quicker: what is late is to be looked at
    /// again.
    void look_again(Instant now);
    /// Whether it is time to look at all front leases; then it begins anew.
    [[nodiscard]] bool begin_look(Instant now);
    /// For how long a front lease may give no outcome; nothing if there is no end to it yet.
    [[nodiscard]] std::optional<Duration> patience(JobId job, bool is_believed) const;
    /// A lease is not late yet, but will be then.
    void look_at(Instant due);
    /// Something is late, and nobody could help with it: the next one with room can.
    void note_helpless() { late_lease_waits_ = true; }

 private:
    struct Cost {
        double spent = 0;     ///< Slot-seconds, as far as they are known.
        double presumed = 0;  ///< Of those, for tasks whose outcomes have not come.
        double charged = 0;   ///< An estimate of the rest included.
    };
    /// How long a job's tasks take.
    struct Pace {
        /// For each kernel, by its number: seconds per task and slot of each worker.
        std::vector<std::pair<std::uint32_t, IdTable<WorkerId, double>>> speeds;
        TaskSeconds task_seconds;  ///< Of its round.
    };
    [[nodiscard]] const double* speed_of(WorkerId worker, JobId job, std::uint32_t kernel) const;
    [[nodiscard]] double seconds_left(const LeaseWork& work) const;
    void charge(Cost& cost, JobId job, double slot_seconds);

    SchedulerLimits limits_;
    std::vector<IdSet<WorkerId>> with_room_;
    IdTable<WorkerId, std::size_t> places_;  ///< In with_room_.
    FairQueue queue_;  ///< Jobs in a round; those with pending tasks wait in it.
    IdSet<JobId> with_checks_;
    IdSet<JobId> at_their_tail_;
    IdTable<JobId, Pace> paces_;
    IdTable<LeaseId, Cost> costs_;
    std::optional<Instant> straggler_deadline_;
    bool late_lease_waits_ = false;
};

}  // namespace netcompute::core
