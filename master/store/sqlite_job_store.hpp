#pragma once

#include "store/job_store.hpp"

#include <filesystem>
#include <memory>

namespace netcompute::store {

class StoreBackup;

/// The record on the disk: `netcompute.db`, a SQLite database with a write-ahead log, and a folder
/// `results` for outputs that are large.
class SqliteJobStore final : public JobStore {
 public:
    /// Opens the record in this folder, which is there and which this process alone uses (see
    /// StateLock), and brings one that an older program wrote up to date. Errors: Unavailable,
    /// naming the file and what to do, if it cannot be written, is damaged, is no database, or was
    /// written by a newer program.
    [[nodiscard]] static Result<std::unique_ptr<SqliteJobStore>> open(
        const std::filesystem::path& state_dir, JobStoreLimits limits = {});
    ~SqliteJobStore() override;

    [[nodiscard]] Result<void> commit(std::span<const Record> records,
                                      Durability durability) override;
    [[nodiscard]] SlowWork stage(std::span<const Record> records) override;
    [[nodiscard]] SlowWork flush() override;
    [[nodiscard]] std::optional<Upkeep> upkeep() override;
    [[nodiscard]] bool has_leftovers() const override;
    [[nodiscard]] std::optional<JobRecord> job(JobId id) const override;
    [[nodiscard]] std::vector<JobRecord> jobs() const override;
    [[nodiscard]] std::optional<JobId> job_of_key(std::string_view key) const override;
    [[nodiscard]] std::vector<JobRecord> newest_ended(std::size_t count_max) const override;
    [[nodiscard]] std::vector<JobRecord> ended_jobs(const EndedJobsQuery& query) const override;
    [[nodiscard]] JobId next_job_id() const override;
    [[nodiscard]] LeaseId last_lease_id() const override;
    [[nodiscard]] std::optional<ClockReading> last_clock() const override;
    [[nodiscard]] std::vector<WorkerRecord> workers() const override;
    [[nodiscard]] WorkerId last_worker_id() const override;
    [[nodiscard]] Result<JobPlan> plan(JobId id) const override;
    [[nodiscard]] Result<std::shared_ptr<const Bytes>> checkpoint(JobId id,
                                                                  RoundIndex round) const override;
    [[nodiscard]] Result<ReadBytes> blob(JobId id, const Sha256& sha256) const override;
    [[nodiscard]] Result<RoundSlice> slice(JobId id, RoundIndex round, std::uint64_t from,
                                           std::size_t rows_max) const override;
    [[nodiscard]] Result<std::vector<LeaseRecord>> leases(JobId id, LeaseId from,
                                                          std::size_t count_max) const override;
    [[nodiscard]] std::vector<JobTrial> trials() const override;
    [[nodiscard]] std::uint32_t unready_starts() const override;
    [[nodiscard]] std::optional<Bytes> receipt(JobId id) const override;
    [[nodiscard]] std::vector<WrittenFileRecord> written_files() const override;

    /// See StoreBackup. end_backup() must be called afterwards, also after an error: until then no
    /// result file goes.
    [[nodiscard]] Result<std::unique_ptr<StoreBackup>> begin_backup(
        const std::filesystem::path& target);
    void end_backup();

    /// What is needed again is read again: for now and then.
    void release_memory();

 private:
    struct Parts;
    explicit SqliteJobStore(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace netcompute::store
