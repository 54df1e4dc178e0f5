#pragma once

#include <netcompute/ids.hpp>
#include <netcompute/instant.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What the scheduler is told (events, facts in the past tense) and what it answers (effects,
/// imperatives). Small comparable structs, so that tests compare values.
namespace netcompute::core {

// ---- Events -------------------------------------------------------------------------------------

/// A worker said hello and was welcomed; again after each reconnection, under the same id.
struct WorkerJoined {
    WorkerId worker;
    std::uint32_t slots = 1;
    /// It took up its former session: its process never ended, only its connection did. So what it
    /// was running when that was lost did not bring it down.
    bool resumed = false;
};

/// Its connection is gone. A hint only: it may come back and deliver what it finished.
struct WorkerDisconnected {
    WorkerId worker;
};

/// It left by its own wish and hands back what it holds; nobody is to blame.
struct WorkerLeft {
    WorkerId worker;
};

struct HeartbeatReceived {
    WorkerId worker;
    std::vector<LeaseId> leases;  ///< Those it still holds; only these are renewed.
    std::uint32_t slots = 1;
    bool paused = false;
};

/// A round is due. The first one of a job introduces the job.
struct RoundStarted {
    JobId job;
    RoundIndex round = 0;
    std::uint32_t task_count = 0;
    std::uint64_t task_bytes = 0;  ///< What one task adds to a lease's frame, about.
    std::int32_t priority = 0;     ///< Higher goes first; equal ones share.
};

/// The job is over for a reason outside the scheduler: succeeded, cancelled, or a fold failed.
struct JobEnded {
    JobId job;
};

struct Outcome {
    TaskIndex index = 0;
    bool failed = false;
    Error error;  ///< Where failed.
};

struct ResultsReceived {
    WorkerId worker;
    LeaseId lease;
    JobId job;
    RoundIndex round = 0;
    double busy_seconds = 0;  ///< As the worker says; bounded before use.
    std::vector<Outcome> outcomes;
};

/// Nothing happened, but time went by.
struct ClockTicked {};

using Event = std::variant<WorkerJoined, WorkerDisconnected, WorkerLeft, HeartbeatReceived,
                           RoundStarted, JobEnded, ResultsReceived, ClockTicked>;

// ---- Effects ------------------------------------------------------------------------------------

/// Send these tasks to this worker; they are its own until `deadline`, unless renewed.
struct AssignTasks {
    LeaseId lease;
    WorkerId worker;
    JobId job;
    RoundIndex round = 0;
    std::vector<TaskIndex> tasks;  ///< Ascending.
    Instant deadline;
    friend bool operator==(const AssignTasks&, const AssignTasks&) = default;
};

enum class RevokeReason { Expired, DoneElsewhere, JobEnded };
[[nodiscard]] std::string_view revoke_reason_name(RevokeReason reason);

/// Tell this worker to stop these tasks.
struct RevokeLease {
    LeaseId lease;
    WorkerId worker;
    RevokeReason reason = RevokeReason::Expired;
    friend bool operator==(const RevokeLease&, const RevokeLease&) = default;
};

/// These outcomes of the ResultsReceived event at hand count: keep their outputs for the fold.
struct RecordOutputs {
    JobId job;
    RoundIndex round = 0;
    WorkerId worker;
    std::vector<std::uint32_t> positions;  ///< In the event's `outcomes`.
    friend bool operator==(const RecordOutputs&, const RecordOutputs&) = default;
};

/// An outcome of the event at hand came second: compare it with the one that counts, no more.
struct CompareOutput {
    JobId job;
    RoundIndex round = 0;
    WorkerId worker;
    std::uint32_t position = 0;
    friend bool operator==(const CompareOutput&, const CompareOutput&) = default;
};

/// Every task of the round has its output: fold it.
struct CompleteRound {
    JobId job;
    RoundIndex round = 0;
    friend bool operator==(const CompleteRound&, const CompleteRound&) = default;
};

/// The job cannot go on; its leases are revoked already.
struct FailJob {
    JobId job;
    Error error;
    friend bool operator==(const FailJob&, const FailJob&) = default;
};

/// A worker fell silent or broke the protocol: end its session, saying why.
struct CloseSession {
    WorkerId worker;
    Error error;
    friend bool operator==(const CloseSession&, const CloseSession&) = default;
};

/// For the log: a worker is now in this state.
enum class WorkerState { Idle, Busy, Draining, Suspect, Lost };
[[nodiscard]] std::string_view worker_state_name(WorkerState state);

struct PublishWorker {
    WorkerId worker;
    WorkerState state = WorkerState::Idle;
    friend bool operator==(const PublishWorker&, const PublishWorker&) = default;
};

using Effect = std::variant<AssignTasks, RevokeLease, RecordOutputs, CompareOutput, CompleteRound,
                            FailJob, CloseSession, PublishWorker>;
using Effects = std::vector<Effect>;

}  // namespace netcompute::core
