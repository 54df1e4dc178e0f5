#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/ids.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What the engine stores, and what it reads after a restart.
namespace netcompute::store {

enum class JobState { Queued, Running, Paused, Succeeded, Failed, Cancelled };
[[nodiscard]] std::string_view job_state_name(JobState state);
[[nodiscard]] bool is_final(JobState state);

/// A file that a job read or wrote.
struct JobFile {
    std::string name;  ///< The parameter that named it ("data"); in the result, its key ("model").
    std::string path;  ///< "Data/model.json", or the bare name of a file that lies elsewhere.
    Sha256 sha256;     ///< Of its bytes.
    friend bool operator==(const JobFile&, const JobFile&) = default;
};
using JobOutput = JobFile;

/// A job as it was submitted and, once it is over, how it ended.
struct JobRecord {
    JobId id;
    std::string type;
    std::string name;
    std::int32_t priority = 0;
    std::string params;           ///< JSON.
    std::string validation;       ///< The policy as submitted: "none", "quorum:2", …; or empty.
    double deadline_seconds = 0;  ///< From submission; 0: none.
    bool paths_anywhere = false;  ///< It came from this PC's own command line.
    std::int64_t submitted_unix_ms = 0;
    std::int64_t submitted_steady_ms = 0;  ///< On the clock of PutClock.
    JobState state = JobState::Queued;
    std::vector<JobFile> inputs;  ///< What it read; empty until it was prepared.
    double elapsed_seconds = 0;   ///< From submission to its end; once over.
    std::uint64_t tasks_done = 0;
    std::string result;              ///< JSON; empty unless Succeeded.
    std::optional<Error> error;      ///< Once Failed.
    std::vector<std::string> liars;  ///< Keys of workers that were proven wrong in it.
    std::uint64_t checks = 0;        ///< Results for tasks that had an output.
    std::uint64_t audits = 0;        ///< Tasks that the master computed itself.
    double slot_seconds = 0;         ///< That workers have spent on it.
    std::vector<JobId> after;        ///< It begins when all of these have succeeded.
    JobId parent;                    ///< The job that submitted it; JobId{}: a user did.
    std::uint32_t child_index = 0;   ///< Its place among the children of that one.
    std::vector<JobFile> outputs;    ///< Once Succeeded.
    std::string idempotency_key;     ///< By which a repeated submission is known; or empty.
    friend bool operator==(const JobRecord&, const JobRecord&) = default;
};

/// What a list shows of a job that is over: no params and no inputs, and texts of strangers cut.
inline constexpr std::size_t short_result_bytes_max = 2048;  ///< A longer one is cut: no JSON then.
inline constexpr std::size_t short_error_bytes_max = 300;
[[nodiscard]] JobRecord shortened(JobRecord job);

/// A text of more bytes than that is cut at a character's end, with "…" appended.
[[nodiscard]] std::string cut_text(std::string_view text, std::size_t bytes_max);

/// A worker, connected or not: what it may resume, and what its results are worth.
struct WorkerRecord {
    WorkerId id;
    std::string key;      ///< The worker's public id.
    std::string session;  ///< The key of its last session: who names it may resume it.
    std::string name;
    bool is_native = false;       ///< By its transport.
    std::string address;          ///< Of its PC.
    std::uint32_t validated = 0;  ///< Results of it in a row that others confirmed.
    std::string quarantined;      ///< Why it is in quarantine; empty if it is not.
    std::uint64_t tasks_done = 0;
    std::int64_t seen_unix_ms = 0;
    bool is_believed = false;
    std::string owner{};   ///< Who the key belongs to, as engine::owner_of() says; empty: unknown.
    bool drained = false;  ///< By somebody here.
    bool away = false;     ///< Only its key is kept for it, and whether it is drained.
    friend bool operator==(const WorkerRecord&, const WorkerRecord&) = default;
};

/// Tasks that a worker holds.
struct LeaseRecord {
    LeaseId id;
    WorkerId worker;
    JobId job;
    RoundIndex round = 0;
    bool is_check = false;         ///< The tasks have outputs already; these confirm them.
    std::vector<TaskIndex> tasks;  ///< Ascending.
    friend bool operator==(const LeaseRecord&, const LeaseRecord&) = default;
};

// ---- Records ------------------------------------------------------------------------------------

/// Replaces what is known of the job. One that is over loses its checkpoints, outputs,
/// confirmations and leases with it; its receipt stays until the job is forgotten.
struct PutJob {
    JobRecord job;
};

/// Replaces what is known of the worker.
struct PutWorker {
    WorkerRecord worker;
};

/// Forgets a worker that nobody expects back.
struct ForgetWorker {
    WorkerId worker;
};

struct PutLease {
    LeaseRecord lease;
};

struct OutputView {
    TaskIndex index = 0;
    ByteSpan bytes;
};

/// Outputs that count, from one worker, or from the master itself (WorkerId{}). One for a task that
/// has an output already takes its place, and its confirmation with it.
struct PutOutputs {
    JobId job;
    RoundIndex round = 0;
    WorkerId worker;
    std::vector<OutputView> outputs;
    std::shared_ptr<const Bytes> owner;  ///< Keeps the bytes alive.
};

/// Another worker, or the master, computed the same output.
struct ConfirmOutput {
    JobId job;
    RoundIndex round = 0;
    TaskIndex index = 0;
    WorkerId confirmer;  ///< WorkerId{}: the master.
    friend bool operator==(const ConfirmOutput&, const ConfirmOutput&) = default;
};

/// A blob that the fold before this round has published. It stays as long as a checkpoint names it,
/// so one that does comes with it; what is there already stays as it is.
struct PutBlob {
    JobId job;
    RoundIndex round = 0;
    Sha256 sha256;
    ByteSpan bytes;
    std::shared_ptr<const void> owner;  ///< Keeps the bytes alive.
};

/// The program's state as the round begins. Leases of earlier rounds are forgotten.
struct PutCheckpoint {
    JobId job;
    RoundIndex round = 0;
    Sha256 sha256;  ///< Of the state.
    std::shared_ptr<const Bytes> state;
    std::vector<Sha256> blobs = {};  ///< That the state names; each was put before, or is now.
};

/// Forgets the checkpoints with the blobs that they alone name, outputs and confirmations of rounds
/// after this one, and all leases; with `is_anew` also those of this round but for its checkpoint,
/// and that it was forgotten.
struct RewindJob {
    JobId job;
    RoundIndex round = 0;
    bool is_anew = false;
};

/// What a receipt will tell of a round. Its outputs and confirmations, and those of the rounds
/// before it, are forgotten; they are erased in pieces (EraseLeftovers).
struct ForgetRound {
    JobId job;
    RoundIndex round = 0;
    Bytes told;
};

/// Forgets the program's state at the beginning of this round, and the blobs that it alone names.
struct DropCheckpoint {
    JobId job;
    RoundIndex round = 0;
};

/// What the receipt of a job is made from once it is over.
struct PutReceipt {
    JobId job;
    Bytes bytes;
};

/// A file for people that a job has written: later jobs may replace it as long as it holds this.
struct WrittenFileRecord {
    std::string name;  ///< "Data/x.csv".
    std::uint64_t size = 0;
    Sha256 sha256;  ///< Of its bytes.
    friend bool operator==(const WrittenFileRecord&, const WrittenFileRecord&) = default;
};

/// Replaces what is known of the file of this name.
struct PutWrittenFile {
    WrittenFileRecord file;
};

/// Both clocks at one moment.
struct ClockReading {
    std::int64_t steady_ms = 0;  ///< Never set, unlike the other: see engine::SteadyTime.
    std::int64_t unix_ms = 0;    ///< The time of day.
    friend bool operator==(const ClockReading&, const ClockReading&) = default;
};

/// The time, so that the next master knows how much has passed.
struct PutClock {
    ClockReading reading;
};

/// Lease ids up to this one may have been given out, whatever is recorded of leases.
struct UseLeaseIds {
    LeaseId last;
};

/// Steps of a job in the master that take time or memory, or that may have crashed workers: if one
/// of them crashes the master, it would do so again. Computing by workers is none of these.
enum class HeavyStep {
    None,
    Preparing,  ///< Reading its data, or taking it up again after a restart.
    Folding,    ///< Folding a round's outputs.
    Finishing,  ///< Making its result.
    Computing,  ///< A task with which workers were lost, and which none has delivered.
};

/// Which heavy step a live job is in, and how many masters have died in one before.
struct JobTrial {
    JobId job;
    HeavyStep step = HeavyStep::None;     ///< In progress.
    HeavyStep suspect = HeavyStep::None;  ///< In which a master ended unexpectedly.
    std::uint32_t deaths = 0;             ///< So often in a row, without getting through it.
    std::string held;                     ///< Why the job is held back for that; empty if it isn't.
    [[nodiscard]] bool says_nothing() const {
        return step == HeavyStep::None && deaths == 0 && held.empty();
    }
    friend bool operator==(const JobTrial&, const JobTrial&) = default;
};

/// Replaces what is known of the job's trial.
struct PutTrial {
    JobTrial trial;
};

/// How many masters in a row have been started and not become ready.
struct PutUnreadyStarts {
    std::uint32_t count = 0;
};

/// Erases a piece of what jobs that are over have left; see JobStore::has_leftovers().
struct EraseLeftovers {};

using Record =
    std::variant<PutJob, PutWorker, ForgetWorker, PutLease, PutOutputs, ConfirmOutput, PutBlob,
                 PutCheckpoint, RewindJob, ForgetRound, DropCheckpoint, PutReceipt, PutWrittenFile,
                 PutClock, UseLeaseIds, PutTrial, PutUnreadyStarts, EraseLeftovers>;

// ---- What a restart finds -----------------------------------------------------------------------

/// That there is one; JobStore::checkpoint() reads the state.
struct StoredCheckpoint {
    RoundIndex round = 0;
    Sha256 sha256;  ///< Of the state.
    friend bool operator==(const StoredCheckpoint&, const StoredCheckpoint&) = default;
};

/// Whose output counts for a task.
struct StoredVote {
    RoundIndex round = 0;
    TaskIndex index = 0;
    WorkerId worker;
    Sha256 sha256;
    bool confirmed = false;
    WorkerId confirmer;  ///< Whose word did; the last one's that was recorded.
    friend bool operator==(const StoredVote&, const StoredVote&) = default;
};

/// What ForgetRound left of a round.
struct ForgottenRound {
    RoundIndex round = 0;
    Bytes told;
    friend bool operator==(const ForgottenRound&, const ForgottenRound&) = default;
};

/// A live job's rounds, without what is known of their tasks.
struct JobPlan {
    std::vector<ForgottenRound> forgotten;      ///< By round: the first ones.
    std::vector<StoredCheckpoint> checkpoints;  ///< By round.
    std::vector<RoundIndex> rounds;             ///< Of the others, those that have outputs.
};

/// One of the things that were recorded of a round's tasks: either outputs or confirmations.
struct RoundEntry {
    WorkerId worker;  ///< Who gave the outputs, or confirmed those of others.
    std::vector<OutputView> outputs;
    std::shared_ptr<const Bytes> owner;  ///< Keeps their bytes alive.
    std::vector<TaskIndex> confirmed;
};

/// Some of them, in the order in which they were recorded: of two outputs for a task the later one
/// counts, and only what confirms it after that.
struct RoundSlice {
    std::vector<RoundEntry> entries;
    std::uint64_t next = 0;  ///< Where the next slice begins.
    bool is_last = true;
};

/// All that is known of a live job's rounds, without the outputs' bytes.
struct JobWork {
    std::vector<ForgottenRound> forgotten;      ///< By round.
    std::vector<StoredCheckpoint> checkpoints;  ///< By round.
    std::vector<StoredVote> votes;              ///< By round and index.
    std::vector<LeaseRecord> leases;            ///< By id; of the last round.
    friend bool operator==(const JobWork&, const JobWork&) = default;
};

struct StoredOutput {
    TaskIndex index = 0;
    ByteSpan bytes;
    std::shared_ptr<const Bytes> owner;
};

}  // namespace netcompute::store
