#pragma once

#include "core/round_tasks.hpp"
#include <netcompute/ids.hpp>
#include <netcompute/instant.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What the scheduler is told (events, facts in the past tense) and what it answers (effects,
/// imperatives). Small comparable structs, so that tests compare values.
namespace netcompute::core {

/// Whose results of a job are compared with somebody else's before they count. Because every
/// honest worker gives the same bytes, two results agree exactly or one is wrong.
enum class ValidationMode {
    Default,   ///< None for workers that are believed, Adaptive for strangers.
    None,      ///< Nobody's.
    Quorum,    ///< A task counts once `quorum` PCs have given the same result.
    Adaptive,  ///< Everybody's until it is trusted, then some at random.
};
struct Validation {
    ValidationMode mode = ValidationMode::Default;
    std::uint32_t quorum = 2;
    friend bool operator==(const Validation&, const Validation&) = default;
};

/// A task's output as a former step, or a former master, left it.
struct PastOutput {
    TaskIndex index = 0;
    WorkerId worker;  ///< WorkerId{}: the master itself.
    Sha256 sha256;
    bool confirmed = false;  ///< By a believed or trusted worker, or the master.
    WorkerId confirmer;      ///< Who did; WorkerId{}: the master.
};

/// That somebody else came to the same outputs.
struct PastConfirmations {
    RoundIndex round = 0;
    WorkerId confirmer;  ///< WorkerId{}: the master.
    std::vector<TaskIndex> tasks;
};

// ---- Events -------------------------------------------------------------------------------------

/// A worker said hello and was welcomed; again after each reconnection, under the same id.
struct WorkerJoined {
    WorkerId worker;
    std::uint32_t slots = 1;
    /// It took up its former session: its process never ended, only its connection did. So what it
    /// was running when that was lost did not bring it down, and it is trusted as it was.
    bool resumed = false;
    std::uint64_t pc = 0;  ///< Workers of one PC have the same number: they do not check another.
    /// Installed by somebody who may install here: its results count. Anybody else is a stranger.
    bool is_believed = false;
    /// Workers of one address have the same number: tasks that one of them loses before it has
    /// delivered anything, or as a stranger, all such workers there answer for.
    std::uint64_t address = 0;
    /// An output of its was accepted, in this session or a former one, also by a former master.
    bool has_delivered = false;
};

/// A former master knew this worker; it may come back and resume.
struct WorkerRestored {
    WorkerId worker;
    std::uint64_t pc = 0;
    bool is_believed = false;
    std::uint32_t validated = 0;
    bool quarantined = false;
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

/// Somebody wants this worker to take no new tasks, or to take them again.
struct WorkerDrained {
    WorkerId worker;
    bool drained = true;
};

/// Somebody says that a worker in quarantine is well again; it starts without trust.
struct WorkerReadmitted {
    WorkerId worker;
};

/// On whose word rounds that are forgotten rest: outputs that it gave and nobody confirmed, or
/// that it confirmed.
struct ForgottenWord {
    WorkerId worker;
    bool is_confirmer = false;
    RoundIndex first_round = 0;
    friend bool operator==(const ForgottenWord&, const ForgottenWord&) = default;
};

/// A job of a former master goes on: its rounds so far, the one in progress last. A large job is
/// told of in several of these. The next event after them is RoundStarted for the round in
/// progress, which is not fresh.
struct JobRestored {
    JobId job;
    std::vector<std::vector<PastOutput>> rounds;  ///< By round. The last output of a task counts.
    bool contested = false;                       ///< A worker was proven wrong in it.
    double slot_seconds = 0;                      ///< Spent on it so far.
    Validation validation = {};
    std::vector<PastConfirmations> confirmations = {};  ///< Of these outputs, and earlier ones.
    RoundIndex first_round = 0;                 ///< Of `rounds`; those before it are forgotten.
    std::vector<ForgottenWord> forgotten = {};  ///< Of those.
};

/// A lease that a former master had granted.
struct PastLease {
    LeaseId lease;
    WorkerId worker;
    bool is_check = false;
    std::vector<TaskIndex> tasks;
};

/// A round is due. The first one of a job introduces the job, unless it was restored.
struct RoundStarted {
    JobId job;
    RoundIndex round = 0;
    std::uint32_t task_count = 0;
    std::uint64_t task_bytes = 0;  ///< What one task adds to a lease's frame, about.
    std::int32_t priority = 0;     ///< Higher goes first; equal ones share.
    Validation validation = {};
    /// The round's inputs are not those of a former visit to it: nothing of that holds any more.
    bool fresh = true;
    std::vector<PastLease> leases = {};  ///< Of a former master.
    bool paused = false;                 ///< A user holds the job back already.
    std::uint32_t kernel = 0;  ///< Numbers the job's kernels, each of which has its speed.
};

/// The program has no further round. Answered by FinishJob, or by VisitRound when some results
/// have yet to be checked.
struct ProgramFinished {
    JobId job;
    std::uint32_t round_count = 0;  ///< As many as it took; what is known of others is void.
};

/// The round that was completed last could not be folded: one of its outputs has not the shape
/// that its kernel gives.
struct RoundRejected {
    JobId job;
    Error error;
};

/// The master computed a task itself, in answer to AuditTask: this is the truth.
struct TaskAudited {
    JobId job;
    RoundIndex round = 0;
    std::uint64_t visit = 0;  ///< That of AuditTask.
    TaskIndex index = 0;
    Sha256 sha256;
    bool failed = false;
    Error error;  ///< Where failed.
};

/// A user holds a job back, or lets it go on: it gets no new leases meanwhile.
struct JobPaused {
    JobId job;
    bool paused = true;
};

/// Another place in the queue.
struct JobPrioritized {
    JobId job;
    std::int32_t priority = 0;
};

/// The store cannot be written, so nothing new can be promised; or it can again.
struct StoreStalled {
    bool stalled = true;
};

/// The highest number that a former master had given to a lease.
struct LeaseIdsUsed {
    LeaseId last;
};

/// All of a former master's jobs are restored, or held: workers may come in. Until then nobody who
/// has a part in them is forgotten, however long that takes.
struct RestorationEnded {};

/// The job is over for a reason outside the scheduler: succeeded, cancelled, or a fold failed.
struct JobEnded {
    JobId job;
};

struct Outcome {
    TaskIndex index = 0;
    bool failed = false;
    Error error;    ///< Where failed.
    Sha256 sha256;  ///< Of the output, where not.
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

using Event =
    std::variant<WorkerJoined, WorkerRestored, WorkerDisconnected, WorkerLeft, HeartbeatReceived,
                 WorkerDrained, WorkerReadmitted, JobRestored, RoundStarted, ProgramFinished,
                 RoundRejected, TaskAudited, JobPaused, JobPrioritized, StoreStalled, LeaseIdsUsed,
                 RestorationEnded, JobEnded, ResultsReceived, ClockTicked>;

// ---- Effects ------------------------------------------------------------------------------------

/// Send these tasks to this worker; they are its own until `deadline`, unless renewed.
struct AssignTasks {
    LeaseId lease;
    WorkerId worker;
    JobId job;
    RoundIndex round = 0;
    std::vector<TaskIndex> tasks;  ///< Ascending.
    Instant deadline;
    bool is_check = false;  ///< The tasks have outputs, which these are to confirm.
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

/// The outputs of these tasks are confirmed.
struct ConfirmOutputs {
    JobId job;
    RoundIndex round = 0;
    WorkerId confirmer;  ///< By whose word; WorkerId{}: the master's.
    std::vector<TaskIndex> tasks;
    friend bool operator==(const ConfirmOutputs&, const ConfirmOutputs&) = default;
};

/// Compute this task here, in the master, and answer with TaskAudited.
struct AuditTask {
    JobId job;
    RoundIndex round = 0;
    std::uint64_t visit = 0;  ///< Names this visit to the round, whose inputs these are.
    TaskIndex index = 0;
    /// Nobody has delivered it yet, and whoever tried may have crashed: so may the master.
    bool may_crash = false;
    friend bool operator==(const AuditTask&, const AuditTask&) = default;
};

/// The output of the TaskAudited event at hand counts, confirmed, in place of any other.
struct RecordAudit {
    JobId job;
    RoundIndex round = 0;
    TaskIndex index = 0;
    friend bool operator==(const RecordAudit&, const RecordAudit&) = default;
};

/// A worker's result was proven wrong: it gets no more work, nothing of its that nobody confirmed
/// counts any longer, and nothing is confirmed by its word. `index` names the task that proved it.
struct QuarantineWorker {
    WorkerId worker;
    JobId job;
    RoundIndex round = 0;
    TaskIndex index = 0;
    friend bool operator==(const QuarantineWorker&, const QuarantineWorker&) = default;
};

/// That worker had results in this job: from now on each one in it is checked.
struct ContestJob {
    JobId job;
    WorkerId worker;
    friend bool operator==(const ContestJob&, const ContestJob&) = default;
};

/// So many results of this worker in a row are confirmed.
struct PublishTrust {
    WorkerId worker;
    std::uint32_t validated = 0;
    friend bool operator==(const PublishTrust&, const PublishTrust&) = default;
};

/// Go back to this round: restore the program as it was then, and answer with RoundStarted, not
/// fresh. The outputs of that round and of later ones still hold, but for some. If the round is
/// forgotten: to this one or one before it, fresh.
struct VisitRound {
    JobId job;
    RoundIndex round = 0;
    friend bool operator==(const VisitRound&, const VisitRound&) = default;
};

/// These former rounds, one after the other, are not begun again by themselves any more: only what
/// a receipt tells of them need be kept, and the program's state at the beginning of some of them.
struct ForgetRounds {
    JobId job;
    RoundIndex first = 0;
    std::vector<RoundTasks> rounds;
    friend bool operator==(const ForgetRounds& a, const ForgetRounds& b) {
        return a.job == b.job && a.first == b.first && a.rounds.size() == b.rounds.size();
    }
};

/// All that had to be checked is: make the job's result.
struct FinishJob {
    JobId job;
    friend bool operator==(const FinishJob&, const FinishJob&) = default;
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

using Effect =
    std::variant<AssignTasks, RevokeLease, RecordOutputs, ConfirmOutputs, AuditTask, RecordAudit,
                 QuarantineWorker, ContestJob, PublishTrust, VisitRound, ForgetRounds,
                 CompleteRound, FinishJob, FailJob, CloseSession, PublishWorker>;
using Effects = std::vector<Effect>;

}  // namespace netcompute::core
