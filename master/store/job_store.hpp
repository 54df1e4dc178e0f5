#pragma once

#include "store/records.hpp"
#include <netcompute/result.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace netcompute::store {

/// Work of a store that waits for the disk: for any thread, beside whatever else is asked of the
/// store meanwhile. The store outlives it.
using SlowWork = std::function<Result<void>()>;

/// Reads what may be large: for any thread. Errors: Unavailable; also if it is gone by then.
using ReadBytes = std::function<Result<std::shared_ptr<const Bytes>>()>;

/// Keeps the store's files small.
struct Upkeep {
    SlowWork work;
    bool holds_commits = false;  ///< Nothing may be committed until it is done.
};

/// How far a commit reaches before it returns.
enum class Durability {
    Process,  ///< It survives the end of this process, also kill -9.
    Power,    ///< It survives a power cut too, as promises must.
};

/// How many ended jobs are kept; the oldest are removed first.
struct JobStoreLimits {
    std::size_t ended_jobs_max = 1000;
    /// Of all receipts together; a job goes with its receipt.
    std::uint64_t receipt_bytes_max = std::uint64_t{1} << 30;
};

/// Which jobs that are over a list shows: the newest of those that fit.
struct EndedJobsQuery {
    std::size_t count_max = 100;
    std::optional<JobId> before = {};    ///< Only lower ids.
    std::optional<JobState> state = {};  ///< Only those that ended so.
    std::string text =
        {};  ///< Only those with this in id, type or name, whatever the case of letters.
};

/// The record of jobs, of their work in progress, and of workers: everything that a master which is
/// killed at any moment needs to go on. The engine commits everything that one of its turns decided
/// at once, and before it tells anybody. A commit that reaches no further than this process waits
/// for no disk; what does is handed out as SlowWork, of which one of each kind may be done at a
/// time. All else is for one thread at a time. What returns no Result throws std::runtime_error
/// when the store cannot be read: no master can go on then.
class JobStore {
 public:
    JobStore() = default;
    JobStore(const JobStore&) = delete;
    JobStore& operator=(const JobStore&) = delete;
    virtual ~JobStore() = default;

    /// All of the records, in order, or none. Records about a job that is unknown, and those about
    /// the work of a job that is over, change nothing: they come too late. Errors: Unavailable when
    /// the store cannot be written (a full disk, a read-only folder), saying which file and why;
    /// the same records may be committed again later.
    [[nodiscard]] virtual Result<void> commit(std::span<const Record> records,
                                              Durability durability) = 0;
    /// What of these records must be on the disk before they are committed: large outputs and
    /// states, which lie in files. Null if there is nothing. Once it is done, commit() with these
    /// records, and others behind them, waits for no disk; nothing else may be committed in
    /// between. Errors as for commit(); it may be done again.
    [[nodiscard]] virtual SlowWork stage(std::span<const Record> records) = 0;
    /// Makes all that is committed by now survive a power cut. Errors: Unavailable; then the next
    /// one makes up for it.
    [[nodiscard]] virtual SlowWork flush() = 0;
    /// To be asked after commits; nothing if none is due. Its errors can be ignored: another one
    /// comes due later.
    [[nodiscard]] virtual std::optional<Upkeep> upkeep() = 0;
    /// Whether there is anything for EraseLeftovers to erase. The work of a job that is over, and
    /// that of rounds that are forgotten, takes time to erase if it has a million outputs, so it is
    /// done in pieces, one a commit.
    [[nodiscard]] virtual bool has_leftovers() const { return false; }

    [[nodiscard]] virtual std::optional<JobRecord> job(JobId id) const = 0;
    /// In order of their ids.
    [[nodiscard]] virtual std::vector<JobRecord> jobs() const = 0;
    /// Of the jobs that are over, those that ended last, the last one first; shortened().
    /// The last job that was submitted with this key, which is not empty.
    [[nodiscard]] virtual std::optional<JobId> job_of_key(std::string_view key) const = 0;
    [[nodiscard]] virtual std::vector<JobRecord> newest_ended(std::size_t count_max) const = 0;
    /// Of the jobs that are over, those that a list asks for, the highest id first; shortened().
    [[nodiscard]] virtual std::vector<JobRecord> ended_jobs(const EndedJobsQuery& query) const = 0;
    /// The id to give to the next job; never one that was given before, pruned jobs included.
    [[nodiscard]] virtual JobId next_job_id() const = 0;
    /// The highest lease id that was ever recorded, in a lease or as used.
    [[nodiscard]] virtual LeaseId last_lease_id() const = 0;
    /// The last reading of the clocks; nothing if there is none yet.
    [[nodiscard]] virtual std::optional<ClockReading> last_clock() const = 0;
    /// In order of their ids; forgotten ones are not there.
    [[nodiscard]] virtual std::vector<WorkerRecord> workers() const = 0;
    /// The highest worker id that was ever recorded: those above it are free.
    [[nodiscard]] virtual WorkerId last_worker_id() const = 0;

    /// The rounds of a live job. Errors: Unavailable or Internal, if the store cannot be read.
    [[nodiscard]] virtual Result<JobPlan> plan(JobId id) const = 0;
    /// The state of one of its checkpoints. Errors: as for plan(); Internal if it is not there.
    [[nodiscard]] virtual Result<std::shared_ptr<const Bytes>> checkpoint(
        JobId id, RoundIndex round) const = 0;
    /// A blob that one of its checkpoints names. Errors: as for checkpoint().
    [[nodiscard]] virtual Result<ReadBytes> blob(JobId id, const Sha256& sha256) const = 0;
    /// What was recorded of one round of a live job, from a place on: 0, or where the last slice
    /// ended. About `rows_max` commits of it; a job may have millions. Errors: as for plan().
    [[nodiscard]] virtual Result<RoundSlice> slice(JobId id, RoundIndex round, std::uint64_t from,
                                                   std::size_t rows_max) const = 0;
    /// Leases of the last round of a live job, by id: from this one on, `count_max` at most; a
    /// round may have had a million. Errors: as for plan().
    [[nodiscard]] virtual Result<std::vector<LeaseRecord>> leases(JobId id, LeaseId from,
                                                                  std::size_t count_max) const = 0;
    /// Of live jobs, those that PutTrial says anything of.
    [[nodiscard]] virtual std::vector<JobTrial> trials() const = 0;
    /// What PutUnreadyStarts said last.
    [[nodiscard]] virtual std::uint32_t unready_starts() const = 0;
    /// All of a small job's rounds at once, and the outputs of one by index: the last one recorded
    /// for each task. Errors: as for plan().
    [[nodiscard]] Result<JobWork> work(JobId id) const;
    [[nodiscard]] Result<std::vector<StoredOutput>> outputs(JobId id, RoundIndex round) const;
    /// What PutReceipt left for a job that is over.
    [[nodiscard]] virtual std::optional<Bytes> receipt(JobId id) const = 0;
    /// In order of their names.
    [[nodiscard]] virtual std::vector<WrittenFileRecord> written_files() const = 0;
};

}  // namespace netcompute::store
