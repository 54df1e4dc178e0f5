#pragma once

#include <netcompute/ids.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace netcompute::store {

enum class JobState { Queued, Running, Paused, Succeeded, Failed, Cancelled };
[[nodiscard]] std::string_view job_state_name(JobState state);
[[nodiscard]] bool is_final(JobState state);

/// A job as it was submitted and, once it is over, how it ended.
struct JobRecord {
    JobId id;
    std::string type;
    std::string name;
    std::int32_t priority = 0;
    std::string params;  ///< JSON.
    std::int64_t submitted_unix_ms = 0;
    JobState state = JobState::Queued;
    double elapsed_seconds = 0;  ///< From submission to its end; once over.
    std::uint64_t tasks_done = 0;
    std::string result;          ///< JSON; empty unless Succeeded.
    std::optional<Error> error;  ///< Once Failed.
};

/// Replaces what is known of the job.
struct PutJob {
    JobRecord job;
};

using Record = std::variant<PutJob>;

/// The record of jobs. The engine commits everything that one of its turns decided at once, and
/// before it tells anybody.
class JobStore {
 public:
    JobStore() = default;
    JobStore(const JobStore&) = delete;
    JobStore& operator=(const JobStore&) = delete;
    virtual ~JobStore() = default;

    /// All of the records, or none. Errors: Unavailable when the store cannot be written.
    [[nodiscard]] virtual Result<void> commit(std::span<const Record> records) = 0;
    [[nodiscard]] virtual std::optional<JobRecord> job(JobId id) const = 0;
    /// In order of their ids.
    [[nodiscard]] virtual std::vector<JobRecord> jobs() const = 0;
    /// Of the jobs that are over, the newest ones, newest first.
    [[nodiscard]] virtual std::vector<JobRecord> newest_ended(std::size_t count_max) const = 0;
    /// The id to give to the next job.
    [[nodiscard]] virtual JobId next_job_id() const = 0;
};

/// Keeps the record for as long as the process lives; of jobs that are over, the newest 1000.
class MemoryJobStore final : public JobStore {
 public:
    static constexpr std::size_t ended_jobs_max = 1000;

    [[nodiscard]] Result<void> commit(std::span<const Record> records) override;
    [[nodiscard]] std::optional<JobRecord> job(JobId id) const override;
    [[nodiscard]] std::vector<JobRecord> jobs() const override;
    [[nodiscard]] std::vector<JobRecord> newest_ended(std::size_t count_max) const override;
    [[nodiscard]] JobId next_job_id() const override;

 private:
    std::map<JobId, JobRecord> jobs_;
    std::deque<JobId> ended_;  ///< Oldest first.
    std::uint64_t last_id_ = 0;
};

}  // namespace netcompute::store
