#pragma once

#include "core/id_table.hpp"
#include <netcompute/ids.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace netcompute::core {

/// Whose turn it is: the jobs of the highest priority that have something to give, and among those
/// the one that has had the least service, in slot-seconds.
///
/// Service is counted on a scale of its own for each priority. A job that begins to wait, because
/// it is new or was paused or had nothing to give, starts where the others are, or at what it has
/// had itself if that is more. So nobody saves up a share that it had no use for, and a newcomer
/// neither waits for the others' past nor makes them wait for its own.
///
/// Source: Goyal, Vin and Cheng, "Start-time Fair Queueing", SIGCOMM 1996. There a packet's length
/// is known when it is served; here a lease is charged by an estimate, which is corrected later.
class FairQueue {
 public:
    /// Makes the job known, or gives it another priority: it starts there where the others are,
    /// behind by as much as it was ahead.
    void set_priority(JobId id, std::int32_t priority);
    /// Whether the job, which is known, has something to give.
    void set_waiting(JobId id, bool waiting);
    /// It is its turn: whoever begins to wait when nobody else does starts where it stood.
    void serve(JobId id);
    /// Adds to the service that the job has had, or takes away from it. Unknown jobs are ignored.
    void charge(JobId id, double slot_seconds);
    void remove(JobId id);

    [[nodiscard]] bool empty() const { return waiting_count_ == 0; }
    /// The first job that is not among `refused`.
    [[nodiscard]] std::optional<JobId> next(const std::vector<JobId>& refused = {}) const;
    /// How many jobs wait that have the same priority as the first one.
    [[nodiscard]] std::size_t rival_count() const;

 private:
    struct Entry {
        std::int32_t priority = 0;
        double service = 0;
        bool waiting = false;
    };
    /// The jobs of one priority.
    struct Level {
        std::set<std::pair<double, JobId>> waiting;  ///< By service.
        double served_at = 0;                        ///< The service of the one served last.
        std::size_t job_count = 0;
        [[nodiscard]] double where_the_others_are() const {
            return waiting.empty() ? served_at : waiting.begin()->first;
        }
    };
    void enter(JobId id, Entry& entry);
    void leave(JobId id, Entry& entry);
    void drop_level_if_unused(std::int32_t priority);

    IdTable<JobId, Entry> jobs_;
    std::map<std::int32_t, Level, std::greater<>> levels_;
    std::size_t waiting_count_ = 0;
};

}  // namespace netcompute::core
