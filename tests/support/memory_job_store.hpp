#pragma once

#include "store/job_store.hpp"

#include <map>

namespace netcompute::store {

/// Keeps the record for as long as this object lives, and no bytes of outputs but through their
/// owners. Commits never fail.
class MemoryJobStore final : public JobStore {
 public:
    explicit MemoryJobStore(JobStoreLimits limits = {}) : limits_{limits} {}

    [[nodiscard]] Result<void> commit(std::span<const Record> records,
                                      Durability durability) override;
    [[nodiscard]] SlowWork stage(std::span<const Record>) override { return {}; }
    [[nodiscard]] SlowWork flush() override {
        return []() -> Result<void> { return {}; };
    }
    [[nodiscard]] std::optional<Upkeep> upkeep() override { return std::nullopt; }
    [[nodiscard]] std::optional<JobRecord> job(JobId id) const override;
    [[nodiscard]] std::vector<JobRecord> jobs() const override;
    [[nodiscard]] std::optional<JobId> job_of_key(std::string_view key) const override;
    [[nodiscard]] std::vector<JobRecord> newest_ended(std::size_t count_max) const override;
    [[nodiscard]] std::vector<JobRecord> ended_jobs(const EndedJobsQuery& query) const override;
    [[nodiscard]] JobId next_job_id() const override { return {last_job_.value + 1}; }
    [[nodiscard]] LeaseId last_lease_id() const override { return last_lease_; }
    [[nodiscard]] std::optional<ClockReading> last_clock() const override { return last_clock_; }
    [[nodiscard]] std::vector<WorkerRecord> workers() const override;
    [[nodiscard]] WorkerId last_worker_id() const override { return last_worker_; }
    [[nodiscard]] Result<JobPlan> plan(JobId id) const override;
    [[nodiscard]] Result<std::shared_ptr<const Bytes>> checkpoint(JobId id,
                                                                  RoundIndex round) const override;
    [[nodiscard]] Result<ReadBytes> blob(JobId id, const Sha256& sha256) const override;
    [[nodiscard]] Result<RoundSlice> slice(JobId id, RoundIndex round, std::uint64_t from,
                                           std::size_t rows_max) const override;
    [[nodiscard]] Result<std::vector<LeaseRecord>> leases(JobId id, LeaseId from,
                                                          std::size_t count_max) const override;
    [[nodiscard]] std::vector<JobTrial> trials() const override;
    [[nodiscard]] std::uint32_t unready_starts() const override { return unready_starts_; }
    [[nodiscard]] std::optional<Bytes> receipt(JobId id) const override;
    [[nodiscard]] std::vector<WrittenFileRecord> written_files() const override;

 private:
    struct Output {
        ByteSpan bytes;
        std::shared_ptr<const Bytes> owner;
        WorkerId worker;
        bool confirmed = false;
        WorkerId confirmer;
    };
    struct Work {
        std::map<RoundIndex, Bytes> forgotten;
        [[nodiscard]] RoundIndex first_kept() const {
            return forgotten.empty() ? 0 : forgotten.rbegin()->first + 1;
        }
        std::map<RoundIndex, PutCheckpoint> checkpoints;
        std::map<Sha256, PutBlob> blobs;
        /// With the blobs that they alone name.
        void erase_checkpoints(RoundIndex first, std::uint64_t end);
        void erase_unnamed(const std::vector<Sha256>& names);
        std::map<RoundIndex, std::map<TaskIndex, Output>> outputs;
        std::map<LeaseId, LeaseRecord> leases;
        JobTrial trial;
    };
    struct Job {
        JobRecord record;
        std::optional<Bytes> receipt;
        std::uint64_t ended = 0;  ///< Its place among those that are over; 0 while it lives.
        Work work;                ///< Empty once it is over.
    };

    void apply(const PutJob& put);
    void apply(const PutWorker& put);
    void apply(const ForgetWorker& forget);
    void apply(const PutLease& put);
    void apply(const PutOutputs& put);
    void apply(const ConfirmOutput& confirm);
    void apply(const PutBlob& put);
    void apply(const PutCheckpoint& put);
    void apply(const RewindJob& rewind);
    void apply(const ForgetRound& forget);
    void apply(const DropCheckpoint& drop);
    void apply(const PutReceipt& put);
    void apply(const PutWrittenFile& put);
    void apply(const PutClock& put) { last_clock_ = put.reading; }
    void apply(const UseLeaseIds& use) { last_lease_ = std::max(last_lease_, use.last); }
    void apply(const PutTrial& put);
    void apply(const PutUnreadyStarts& put) { unready_starts_ = put.count; }
    void apply(const EraseLeftovers&) {}  // There are none.
    void prune();
    void forget_job(JobId id);
    /// Nothing once the job is over, or if it was never there.
    [[nodiscard]] Work* live_work(JobId id);
    [[nodiscard]] const Work* live_work(JobId id) const;

    JobStoreLimits limits_;
    std::map<JobId, Job> jobs_;
    std::map<std::uint64_t, JobId> ended_;  ///< In the order in which they ended.
    std::map<WorkerId, WorkerRecord> workers_;
    std::map<std::string, WrittenFileRecord> written_files_;
    std::uint64_t receipt_bytes_ = 0;  ///< Of all of them.
    std::uint64_t last_ended_ = 0;
    std::uint32_t unready_starts_ = 0;
    JobId last_job_;
    LeaseId last_lease_;
    std::optional<ClockReading> last_clock_;
    WorkerId last_worker_;
};

}  // namespace netcompute::store
