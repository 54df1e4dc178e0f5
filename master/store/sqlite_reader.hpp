#pragma once

#include "store/job_store.hpp"
#include "store/result_files.hpp"
#include "store/sqlite.hpp"

#include <memory>
#include <set>

namespace netcompute::store {

/// The reading half of the SQLite store, as JobStore describes it.
class SqliteReader {
 public:
    /// The database and the files outlive it. Errors as for statements.
    [[nodiscard]] static Result<std::unique_ptr<SqliteReader>> open(SqliteDatabase& database,
                                                                    const ResultFiles& files);

    [[nodiscard]] Result<std::optional<JobRecord>> job(JobId id);
    [[nodiscard]] Result<std::vector<JobRecord>> jobs();
    [[nodiscard]] Result<std::optional<JobId>> job_of_key(std::string_view key);
    [[nodiscard]] Result<std::vector<JobRecord>> newest_ended(std::size_t count_max);
    [[nodiscard]] Result<std::vector<JobRecord>> ended_jobs(const EndedJobsQuery& query);
    [[nodiscard]] Result<std::vector<WorkerRecord>> workers();
    [[nodiscard]] Result<JobPlan> plan(JobId id);
    [[nodiscard]] Result<std::shared_ptr<const Bytes>> checkpoint(JobId id, RoundIndex round);
    [[nodiscard]] Result<ReadBytes> blob(JobId id, const Sha256& sha256);
    [[nodiscard]] Result<std::vector<LeaseRecord>> leases(JobId id, LeaseId from,
                                                          std::size_t count_max);
    [[nodiscard]] Result<RoundSlice> slice(JobId id, RoundIndex round, std::uint64_t from,
                                           std::size_t rows_max);
    [[nodiscard]] Result<std::vector<JobTrial>> trials();
    [[nodiscard]] Result<std::optional<Bytes>> receipt(JobId id);
    [[nodiscard]] Result<std::vector<WrittenFileRecord>> written_files();
    /// The files of this store that rows name.
    [[nodiscard]] Result<std::set<ResultFile>> named_files();

 private:
    struct Statements {
        SqliteStatement job, jobs, job_of_key, newest_ended, ended_jobs, workers;
        SqliteStatement forgotten, checkpoints, checkpoint, blob, leases, rounds, slice, trials;
        SqliteStatement receipt, written_files, named_files;
    };

    explicit SqliteReader(const ResultFiles& files) : files_{files} {}
    [[nodiscard]] Result<void> prepare(SqliteDatabase& database);
    /// What pack_outputs() made, from the row or from its file.
    [[nodiscard]] Result<std::shared_ptr<const Bytes>> packed(JobId id, RoundIndex round,
                                                              const SqliteStatement& row);
    [[nodiscard]] Result<RoundEntry> entry(JobId id, RoundIndex round, const SqliteStatement& row);

    const ResultFiles& files_;
    Statements statements_;
};

}  // namespace netcompute::store
