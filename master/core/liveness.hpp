#pragma once

#include "core/deadlines.hpp"
#include "core/events.hpp"
#include "core/id_table.hpp"
#include "core/limits.hpp"
#include <netcompute/ids.hpp>
#include <netcompute/instant.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace netcompute::core {

/// States that a worker has come to, one after the other; most calls change nothing.
using StateChanges = std::vector<WorkerState>;

/// A worker of which nothing was heard for too long, and what it is now.
struct Overdue {
    enum class What {
        Suspect,    ///< It gets no new leases.
        Lost,       ///< Its session is over; `silence` says for how long nothing was heard.
        StaysAway,  ///< A former master's, whose leases stood so far: they are over.
        Forgotten,  ///< It is not known here any more.
    };
    WorkerId worker;
    What what = What::Suspect;
    Duration silence{};
    friend bool operator==(const Overdue&, const Overdue&) = default;
};

/// Workers' sessions: who is there, who takes tasks, who fell silent, and who is forgotten. It
/// knows nothing of leases; whether a worker holds any is told to it where that matters. Methods
/// that take a worker want a known one, unless they say otherwise.
class Liveness {
 public:
    struct Worker {
        std::uint32_t slots = 1;
        bool connected = true;
        bool awaited = false;  ///< A former master knew it; its leases stand until it is late.
        bool paused = false;   ///< By itself.
        bool drained = false;  ///< By somebody here.
        WorkerState state = WorkerState::Idle;
        Instant last_seen;
        std::uint32_t available_slots = 0;  ///< Its part of the sum; 0 while it takes no tasks.
        [[nodiscard]] bool is_available() const {
            return state == WorkerState::Idle || state == WorkerState::Busy;
        }
    };

    explicit Liveness(const SchedulerLimits& limits);

    /// Null if it is not known. The pointer holds until the worker is forgotten.
    [[nodiscard]] const Worker* find(WorkerId id) const;
    /// Of a known worker.
    [[nodiscard]] const Worker& at(WorkerId id) const { return workers_.at(id); }
    /// Whether it is known and its connection stands.
    [[nodiscard]] bool is_connected(WorkerId id) const;
    [[nodiscard]] const IdTable<WorkerId, Worker>& workers() const { return workers_; }
    /// Workers that take tasks: neither Draining, Suspect nor Lost.
    [[nodiscard]] std::uint32_t available_count() const { return available_count_; }
    [[nodiscard]] std::uint64_t available_slots() const { return available_slots_; }
    /// When something is overdue at the earliest; instant_never if nothing can be.
    [[nodiscard]] Instant next_deadline() const { return deadlines_.next(); }

    /// It said hello, maybe once more; heard_from() comes next. True if it was not known.
    bool join(WorkerId id, std::uint32_t slots);
    /// A former master knew it: it is Lost, and awaited. Nobody is forgotten from now on until
    /// end_restoration().
    void restore(Instant now, WorkerId id);
    void end_restoration() { restoring_ = false; }
    /// A former master's leases of it stand: it has lost_after from now on to come back.
    void await(Instant now, WorkerId id);
    /// What its heartbeat says of itself; heard_from() comes next.
    void report(WorkerId id, std::uint32_t slots, bool paused);
    /// Whether somebody here wants it to take no tasks; refresh() comes next.
    void drain(WorkerId id, bool drained);

    /// Any sign of life: who was Suspect or Lost is back.
    [[nodiscard]] StateChanges heard_from(Instant now, WorkerId id, bool holds_leases);
    /// Idle, Busy or Draining, by what it holds; one that is not heard of stays as it is.
    [[nodiscard]] StateChanges refresh(WorkerId id, bool holds_leases);
    /// Its connection is gone: it is Lost, and remembered for a while.
    [[nodiscard]] StateChanges lose(Instant now, WorkerId id);

    /// The next worker that is overdue by now; nothing if none is (any more). Whoever
    /// `is_remembered` holds for is not forgotten.
    [[nodiscard]] std::optional<Overdue> next_overdue(
        Instant now, const std::function<bool(WorkerId)>& is_remembered);

 private:
    void set_state(Worker& worker, WorkerState state, StateChanges& changes);
    void count_in(Worker& worker);
    void refresh(Worker& worker, bool holds_leases, StateChanges& changes);

    Duration suspect_after_;
    Duration lost_after_;
    Duration lost_kept_;
    IdTable<WorkerId, Worker> workers_;
    Deadlines<WorkerId> deadlines_;
    std::uint32_t available_count_ = 0;  ///< Workers that are Idle or Busy.
    std::uint64_t available_slots_ = 0;
    bool restoring_ = false;  ///< A former master's jobs may be yet to come.
};

}  // namespace netcompute::core
