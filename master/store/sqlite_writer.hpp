#pragma once

#include "store/job_store.hpp"
#include "store/result_files.hpp"
#include "store/sqlite.hpp"

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace netcompute::store {

/// The numbers that were given out so far.
struct StoreCounters {
    JobId last_job;
    LeaseId last_lease;
    ClockReading clock;  ///< Zeros: none.
    WorkerId last_worker;
    std::int64_t last_ended = 0;     ///< See the schema.
    std::int64_t last_sequence = 0;  ///< See the schema.
    std::uint32_t unready_starts = 0;
    std::size_t ended_count = 0;      ///< Of jobs that are kept.
    std::uint64_t receipt_bytes = 0;  ///< At most so many are kept; see prune().
};

/// Outputs of one record, states and blobs that are larger than this go to a file: a row's bytes
/// are written twice, to the write-ahead log and later to the database.
inline constexpr std::size_t row_bytes_max = std::size_t{256} << 10;

/// The file of a record that is too large for a row.
[[nodiscard]] ResultFile file_of(const auto& put, std::int64_t sequence) {
    return {put.job, put.round, static_cast<std::uint64_t>(sequence)};
}

/// The writing half of the SQLite store: records into rows and files, a transaction a commit.
class SqliteWriter {
 public:
    /// The database and the files outlive it. Errors as for statements.
    [[nodiscard]] static Result<std::unique_ptr<SqliteWriter>> open(SqliteDatabase& database,
                                                                    ResultFiles& files,
                                                                    JobStoreLimits limits);
    /// As JobStore::commit() with Durability::Process.
    [[nodiscard]] Result<void> commit(std::span<const Record> records);
    /// As JobStore::stage().
    [[nodiscard]] SlowWork stage(std::span<const Record> records);
    /// Files that no row names any more, since this was asked last: a power cut may give them their
    /// rows again until these commits are flushed.
    [[nodiscard]] std::vector<ResultFile> take_unnamed() { return std::exchange(unnamed_, {}); }
    [[nodiscard]] const StoreCounters& counters() const { return counters_; }
    /// As JobStore::has_leftovers().
    [[nodiscard]] bool has_leftovers() const { return !leftovers_.empty(); }

 private:
    struct Statements {
        SqliteStatement begin, commit;
        SqliteStatement put_counter, ended_of_job, is_live;
        SqliteStatement put_job, forget_job, forget_receipt;
        SqliteStatement put_worker, forget_worker;
        SqliteStatement put_lease, erase_leases, erase_leases_before;
        SqliteStatement put_outputs, files_from, erase_outputs;
        SqliteStatement put_confirmations, erase_confirmations;
        SqliteStatement put_checkpoint, checkpoint_file, checkpoint_files_from;
        SqliteStatement erase_checkpoints, drop_checkpoint;
        SqliteStatement put_blob, is_blob_there, name_blob, unname_blobs, erase_unnamed_blob;
        SqliteStatement forget_round, erase_forgotten;
        SqliteStatement put_receipt, receipt_bytes, ended_receipts;
        SqliteStatement put_written_file;
        SqliteStatement oldest_ended;
        SqliteStatement put_trial, forget_trial;
        SqliteStatement erase_some_outputs, erase_some_confirmations;
        SqliteStatement erase_some_checkpoints, erase_some_leases, erase_some_forgotten;
        SqliteStatement erase_some_blobs, erase_some_blob_names;
    };
    /// Confirmations in a row, which become one row.
    struct Confirmations {
        JobId job;
        RoundIndex round = 0;
        WorkerId confirmer;
        std::int64_t sequence = 0;  ///< The last one's.
        std::vector<TaskIndex> indices;
    };
    /// Of whose work some is left to be erased: of which rounds, those before this one; of jobs
    /// that are over, all of it.
    using Leftovers = std::map<JobId, std::uint64_t>;
    static constexpr std::uint64_t all_rounds = std::numeric_limits<std::int64_t>::max();

    /// A commit in progress.
    struct Turn {
        StoreCounters counters;
        Confirmations confirmations;
        std::optional<std::pair<JobId, bool>> is_live;  ///< What was asked last.
        std::set<JobId> ending;  ///< By its records: their work needs no rows any more.
        std::vector<ResultFile> written;
        std::vector<ResultFile> unnamed;  ///< To be removed once it is flushed.
        Leftovers leftovers;              ///< As it will be.
        bool prunes = false;              ///< There may be more now than is kept.
    };

    SqliteWriter(SqliteDatabase& database, ResultFiles& files, JobStoreLimits limits)
        : database_{database}, files_{files}, limits_{limits} {}
    [[nodiscard]] Result<void> prepare();
    [[nodiscard]] Result<void> load_counters();
    [[nodiscard]] Result<void> load_leftovers();
    [[nodiscard]] Result<void> write(std::span<const Record> records);
    [[nodiscard]] Result<void> write_counters();

    [[nodiscard]] Result<void> apply(const PutJob& put);
    [[nodiscard]] Result<void> apply(const PutWorker& put);
    [[nodiscard]] Result<void> apply(const ForgetWorker& forget);
    [[nodiscard]] Result<void> apply(const PutLease& put);
    [[nodiscard]] Result<void> apply(const PutOutputs& put);
    [[nodiscard]] Result<void> apply(const ConfirmOutput& confirm);
    [[nodiscard]] Result<void> apply(const PutBlob& put);
    [[nodiscard]] Result<void> apply(const PutCheckpoint& put);
    [[nodiscard]] Result<void> apply(const RewindJob& rewind);
    [[nodiscard]] Result<void> apply(const ForgetRound& forget);
    [[nodiscard]] Result<void> apply(const DropCheckpoint& drop);
    [[nodiscard]] Result<void> apply(const PutReceipt& put);
    [[nodiscard]] Result<void> apply(const PutWrittenFile& put);
    [[nodiscard]] Result<void> apply(const PutClock& put);
    [[nodiscard]] Result<void> apply(const UseLeaseIds& use);
    [[nodiscard]] Result<void> apply(const PutTrial& put);
    [[nodiscard]] Result<void> apply(const PutUnreadyStarts& put);
    [[nodiscard]] Result<void> apply(const EraseLeftovers& erase);
    [[nodiscard]] Result<void> write_confirmations();
    /// Of all rounds from this one on, checkpoints from another one on, and the job's leases.
    [[nodiscard]] Result<void> erase_work(JobId job, std::uint64_t first_round,
                                          std::uint64_t first_checkpoint);
    /// A piece of what is left of a job's rounds before this one.
    [[nodiscard]] Result<void> erase_some_work(JobId job, std::uint64_t before);
    [[nodiscard]] Result<void> unname_checkpoint(JobId job, RoundIndex round);
    /// Checkpoints of the rounds from `first` to `last` name no blobs any more; which these were.
    [[nodiscard]] Result<std::vector<Sha256>> unname_blobs(JobId job, std::uint64_t first,
                                                           std::uint64_t last);
    [[nodiscard]] Result<void> erase_blobs(JobId job);
    /// Of these, those go that no checkpoint names.
    [[nodiscard]] Result<void> erase_unnamed_blobs(JobId job, const std::vector<Sha256>& names);
    [[nodiscard]] Result<void> prune();
    [[nodiscard]] Result<void> forget_jobs(const std::vector<JobId>& jobs);
    [[nodiscard]] Result<bool> is_live(JobId job);
    /// Writes a file for what is too large for a row, unless that is done.
    [[nodiscard]] Result<void> write_large(const ResultFile& file, ByteSpan bytes);

    SqliteDatabase& database_;
    ResultFiles& files_;
    JobStoreLimits limits_;
    Statements statements_;
    StoreCounters counters_;  ///< As committed.
    Leftovers leftovers_;
    /// Of the next commit, what has its file, by the sequence number that it will have.
    std::set<std::int64_t> staged_;
    std::vector<ResultFile> unnamed_;
    Turn turn_;
    Bytes packed_;  ///< Kept, to be filled again.
};

}  // namespace netcompute::store
