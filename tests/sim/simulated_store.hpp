#pragma once

#include "memory_job_store.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace netcompute::sim {

/// The store of a master that may die: it outlives the master, and a power cut takes from it what
/// was not flushed.
class SimulatedStore final : public store::JobStore {
 public:
    struct Watchers {
        std::function<bool()> may_commit;  ///< Else the commit is lost with the master.
        std::function<bool()> is_full;     ///< Then it is refused.
        std::function<void(std::span<const store::Record>)> has_committed;
    };
    explicit SimulatedStore(Watchers watchers) : watchers_{std::move(watchers)} {}

    /// A new master begins, which flushes what the former one had committed.
    void open();
    /// Loses all that was not flushed.
    void cut_power();
    /// Loses everything, which no disk should.
    void wipe();
    /// From now on says that records are committed before they are, which no disk should.
    void procrastinate() { is_late_ = true; }
    /// From now on says that all is flushed when nothing is.
    void forget_flushes() { forgets_flushes_ = true; }
    /// From now on loses each blob that is put.
    void lose_blobs() { loses_blobs_ = true; }
    /// From now on takes no note that a job was cancelled which another one has submitted.
    void spare_children() { spares_children_ = true; }
    /// All that was ever committed, less what was lost.
    [[nodiscard]] std::span<const store::Record> log() const { return log_; }

    [[nodiscard]] Result<void> commit(std::span<const store::Record> records,
                                      store::Durability durability) override;
    [[nodiscard]] store::SlowWork stage(std::span<const store::Record> records) override;
    [[nodiscard]] store::SlowWork flush() override;
    [[nodiscard]] std::optional<store::Upkeep> upkeep() override;
    [[nodiscard]] std::optional<store::JobRecord> job(JobId id) const override {
        return memory_->job(id);
    }
    [[nodiscard]] std::vector<store::JobRecord> jobs() const override { return memory_->jobs(); }
    [[nodiscard]] std::optional<JobId> job_of_key(std::string_view key) const override {
        return memory_->job_of_key(key);
    }
    [[nodiscard]] std::vector<store::JobRecord> newest_ended(std::size_t count_max) const override {
        return memory_->newest_ended(count_max);
    }
    [[nodiscard]] std::vector<store::JobRecord> ended_jobs(
        const store::EndedJobsQuery& query) const override {
        return memory_->ended_jobs(query);
    }
    [[nodiscard]] JobId next_job_id() const override { return memory_->next_job_id(); }
    [[nodiscard]] LeaseId last_lease_id() const override { return memory_->last_lease_id(); }
    [[nodiscard]] std::optional<store::ClockReading> last_clock() const override {
        return memory_->last_clock();
    }
    [[nodiscard]] std::vector<store::WorkerRecord> workers() const override {
        return memory_->workers();
    }
    [[nodiscard]] WorkerId last_worker_id() const override { return memory_->last_worker_id(); }
    [[nodiscard]] std::vector<store::WrittenFileRecord> written_files() const override {
        return memory_->written_files();
    }
    [[nodiscard]] Result<store::JobPlan> plan(JobId id) const override { return memory_->plan(id); }
    [[nodiscard]] Result<std::shared_ptr<const Bytes>> checkpoint(JobId id,
                                                                  RoundIndex round) const override {
        return memory_->checkpoint(id, round);
    }
    [[nodiscard]] Result<store::ReadBytes> blob(JobId id, const Sha256& sha256) const override {
        return memory_->blob(id, sha256);
    }
    [[nodiscard]] Result<store::RoundSlice> slice(JobId id, RoundIndex round, std::uint64_t from,
                                                  std::size_t rows_max) const override {
        return memory_->slice(id, round, from, rows_max);
    }
    [[nodiscard]] Result<std::vector<store::LeaseRecord>> leases(
        JobId id, LeaseId from, std::size_t count_max) const override {
        return memory_->leases(id, from, count_max);
    }
    [[nodiscard]] std::vector<store::JobTrial> trials() const override { return memory_->trials(); }
    [[nodiscard]] std::uint32_t unready_starts() const override {
        return memory_->unready_starts();
    }
    [[nodiscard]] std::optional<Bytes> receipt(JobId id) const override {
        return memory_->receipt(id);
    }

 private:
    static constexpr std::size_t commits_between_upkeep = 40;

    Watchers watchers_;
    std::unique_ptr<store::MemoryJobStore> memory_ = std::make_unique<store::MemoryJobStore>();
    std::vector<store::Record> log_;  ///< All that was ever committed.
    std::size_t safe_count_ = 0;      ///< Of log_: what a power cut leaves.
    bool forgets_flushes_ = false;
    std::size_t commits_until_upkeep_ = commits_between_upkeep;
    bool upkeep_holds_ = false;
    bool is_late_ = false;
    bool loses_blobs_ = false;
    bool spares_children_ = false;
    std::vector<store::Record> late_;  ///< Said to be committed.
};

}  // namespace netcompute::sim
