#pragma once

#include <netcompute/instant.hpp>
#include <netcompute/worker/held_blobs.hpp>
#include <netcompute/worker/lease_work.hpp>
#include <netcompute/worker/pace.hpp>
#include <netcompute/worker/task_runner.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace netcompute::worker {

/// One compute thread; a number is never used again.
using SlotId = std::uint32_t;

/// What a slot is to compute: tasks of one lease in a row, as the wire has them. A lease's shared
/// inputs travel once to each slot, with the first of its chunks there.
struct Chunk {
    std::uint64_t id = 0;
    LeaseId lease;
    std::size_t count = 0;
    Bytes tasks;
    struct Context {
        std::string kernel;
        std::uint32_t kernel_version = 0;
        std::size_t shared_count = 0;
        Bytes shared;
    };
    std::optional<Context> context;
};

/// Outcomes of some of a chunk's tasks, in order, as `results` carries them. `more` says that the
/// chunk goes on; when it does not, tasks without an outcome are handed back.
struct ChunkOutcomes {
    std::uint64_t chunk = 0;
    std::uint32_t count = 0;
    Bytes bytes;
    double busy_seconds = 0;
    bool more = false;
    std::uint64_t memory_bytes = 0;  ///< That the slot takes now.
};

/// A task that is being computed, for people.
struct CurrentWork {
    std::string kernel;
    JobId job;
    RoundIndex round = 0;
    TaskIndex task = 0;
};

/// What to do for the slots now.
struct SlotOrders {
    struct Run {
        SlotId slot = 0;
        Chunk chunk;
    };
    struct Forget {
        SlotId slot = 0;
        LeaseId lease;
    };
    std::vector<Forget> forgets;  ///< Before the chunks.
    std::vector<Run> runs;
    std::vector<protocol::BlobInput> prefetch;  ///< Blobs to fetch ahead, in order of need.
};

/// Which slot computes which tasks, and what became of them, where slots share no memory and are
/// told what to do by messages. Slots fetch the blobs of their chunks themselves.
class Dispatcher final : public TaskRunner {
 public:
    /// What is over at a slot must end so soon, or the slot is overdue().
    static constexpr Duration revoke_grace = std::chrono::milliseconds{200};
    static constexpr int crashes_max = 3;  ///< Then its task has failed.

    /// `slot_cache_bytes`: of blobs, that each slot keeps.
    explicit Dispatcher(std::uint64_t slot_cache_bytes) : slot_cache_bytes_{slot_cache_bytes} {}

    // What the agent asks for.
    void submit(protocol::Lease lease, Bytes payload) override;
    void revoke(LeaseId lease) override;
    void drop_unstarted() override;
    [[nodiscard]] std::vector<OutcomeChunk> take_outcomes() override;
    [[nodiscard]] RunnerStatus status() const override;

    // What happens at the slots.
    void slot_ready(SlotId slot);
    /// It gets no new chunks.
    void retire(SlotId slot, bool retiring);
    /// Its thread is gone, and what it had goes to others. `crashed`: by itself, so the task that
    /// ran is suspected: such leases go on task by task, and a task that keeps killing threads is
    /// reported as failed.
    void slot_gone(SlotId slot, bool crashed);
    void received(SlotId slot, ChunkOutcomes outcomes);

    /// Call after all that happened at one instant.
    [[nodiscard]] SlotOrders dispatch(Instant now);
    /// Slots that still compute what was revoked: to be stopped by force.
    [[nodiscard]] std::vector<SlotId> overdue(Instant now) const;
    /// When overdue() will have something.
    [[nodiscard]] Instant next_deadline() const;
    /// Retired ones that have nothing to do any more.
    [[nodiscard]] std::vector<SlotId> idle_retired() const;
    [[nodiscard]] std::optional<CurrentWork> current() const;
    [[nodiscard]] std::uint64_t memory_bytes() const;

 private:
    using WorkPointer = std::shared_ptr<LeaseWork>;
    /// Tasks `range` of a lease at one slot; `stop_at`: when it is stopped by force.
    struct StartedChunk {
        std::uint64_t id = 0;
        WorkPointer work;
        PlaceRange range;
        Instant stop_at = instant_never;
    };
    struct Slot {
        std::deque<StartedChunk> queue;  ///< The first runs, the second waits at the slot.
        std::set<LeaseId> contexts;      ///< Leases whose shared inputs it has.
        HeldBlobs blobs;                 ///< A guess, for choosing tasks, never relied on.
        bool retiring = false;
        std::uint64_t memory_bytes = 0;
    };

    [[nodiscard]] WorkPointer find(LeaseId lease) const;
    [[nodiscard]] Pace& pace_of(const protocol::Lease& lease);
    [[nodiscard]] std::optional<StartedChunk> next_chunk(const Slot& slot, std::size_t depth);
    [[nodiscard]] std::size_t place_for(const Slot& slot, const LeaseWork& work) const;
    [[nodiscard]] Chunk message_for(Slot& slot, const StartedChunk& started);
    void want_blobs(const LeaseWork& work);
    void collect(LeaseWork& work, OutcomeChunk outcomes);
    void report_crash(const StartedChunk& started);
    void end(const LeaseWork& work);

    std::uint64_t slot_cache_bytes_;
    std::deque<WorkPointer> leases_;  ///< In order of arrival, which is the order of work.
    std::map<SlotId, Slot> slots_;
    std::map<std::string, Pace> paces_;
    std::vector<OutcomeChunk> results_;
    SlotOrders orders_;  ///< What is to be said with the next dispatch().
    std::uint64_t last_chunk_ = 0;
    double busy_seconds_ = 0;
    std::uint64_t computed_ = 0;
};

}  // namespace netcompute::worker
