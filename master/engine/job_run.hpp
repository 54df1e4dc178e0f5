#pragma once

#include "engine/job_request.hpp"
#include "engine/job_type.hpp"
#include "engine/rate_meter.hpp"
#include "store/job_store.hpp"
#include <netcompute/ids.hpp>
#include <netcompute/instant.hpp>
#include <netcompute/protocol/messages.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace netcompute::engine {

/// A job that is not over: its program, the outputs of the round in progress, and its counts.
class JobRun {
 public:
    JobRun(store::JobRecord record, Instant submitted);

    store::JobRecord record;
    Instant submitted;
    std::string phase;  ///< What it does besides tasks: "reading data", "writing results", or "".
    std::vector<std::string> notes;
    std::uint64_t tasks_total = 0;  ///< Of all rounds begun so far.
    std::uint64_t tasks_done = 0;
    std::uint64_t tasks_failed = 0;  ///< Failed attempts; the tasks were tried again.
    RoundIndex round_index = 0;
    RateMeter rate;

    /// Takes what the pool has prepared.
    void begin(PreparedJob prepared);
    [[nodiscard]] bool begun() const { return prepared_.program != nullptr; }

    /// Whether rounds may follow the one in progress.
    [[nodiscard]] bool has_more_rounds() const { return prepared_.rounds_may_follow; }

    /// Makes room for the outputs of the round that is due; nothing if the program has finished.
    [[nodiscard]] std::optional<programs::Round> start_round();
    /// About how many bytes one task adds to a lease.
    [[nodiscard]] std::uint64_t task_bytes() const;
    /// Keeps one output, whose bytes `owner` keeps alive.
    void keep_output(TaskIndex index, ByteSpan bytes, std::shared_ptr<const Bytes> owner);
    [[nodiscard]] ByteSpan output(TaskIndex index) const { return outputs_.at(index).bytes; }
    /// Folds the round's outputs and lets go of them.
    [[nodiscard]] Result<void> fold();
    /// The lease's frame for these tasks. Small blobs ride inline.
    [[nodiscard]] protocol::WireMessage lease_message(LeaseId lease,
                                                      const std::vector<TaskIndex>& tasks,
                                                      double seconds,
                                                      const store::BlobStore& blobs) const;
    /// The last step, for the pool. The program has finished.
    [[nodiscard]] std::function<Result<nlohmann::json>()> take_finish();

 private:
    struct Output {
        ByteSpan bytes;
        std::shared_ptr<const Bytes> owner;
    };
    PreparedJob prepared_;
    std::optional<programs::Round> round_;
    std::vector<Output> outputs_;
};

}  // namespace netcompute::engine
