#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/protocol/messages.hpp>

#include <cstddef>
#include <deque>
#include <vector>

namespace netcompute::worker {

/// Tasks [begin, end) of a lease, by their place in it, not by their index in the round.
struct PlaceRange {
    std::size_t begin = 0;
    std::size_t end = 0;
    [[nodiscard]] std::size_t size() const { return end - begin; }
};

/// One lease at a tab: which of its tasks are not started yet, and how many have no outcome.
class LeaseWork {
 public:
    /// The lease's spans point into `payload`.
    LeaseWork(protocol::Lease lease, Bytes payload);

    [[nodiscard]] const protocol::Lease& lease() const { return lease_; }
    [[nodiscard]] std::size_t pending_count() const;
    /// The first places that are not started, at most `limit`.
    [[nodiscard]] std::vector<std::size_t> pending_places(std::size_t limit) const;
    /// Starts up to `count` tasks in a row from `place`, which is not started. The row ends before
    /// it is larger than `bytes_max`, but has at least one task.
    PlaceRange start(std::size_t place, std::size_t count, std::size_t bytes_max);
    /// Tasks that were started go back, to be done before the others.
    void hand_back(PlaceRange range);
    void drop_pending() { pending_.clear(); }

    /// The wire's bytes of tasks in a row, and of the shared inputs.
    [[nodiscard]] Bytes task_bytes(PlaceRange range) const;
    [[nodiscard]] Bytes shared_bytes() const;
    /// The blobs that one task names itself.
    [[nodiscard]] std::vector<protocol::BlobInput> task_blobs(std::size_t place) const;
    [[nodiscard]] std::vector<protocol::BlobInput> shared_blobs() const;

    std::size_t unfinished = 0;  ///< Tasks without an outcome, started or not.
    bool revoked = false;
    int crashes = 0;  ///< Threads that died over it: from the first on, its tasks go one by one.

 private:
    protocol::Lease lease_;
    Bytes payload_;
    std::vector<std::size_t> offsets_;  ///< Of each task in the payload, and where the last ends.
    std::deque<PlaceRange> pending_;
};

}  // namespace netcompute::worker
