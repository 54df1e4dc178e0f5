#pragma once

#include "jobs/job_type.hpp"
#include <netcompute/programs/program.hpp>
#include <netcompute/protocol/messages.hpp>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace netcompute::sim {

/// A job that runs can ask for, and what it must give.
struct JobTemplate {
    jobs::JobType type;            ///< Takes no parameters.
    std::string expected;          ///< The result document where one process computes it all.
    std::uint32_t task_count = 0;  ///< Of all rounds.
};

/// The jobs, their blobs, and the real kernels' outputs: made once, shared by every run, because a
/// kernel's output depends on its inputs alone.
class JobCatalog {
 public:
    /// Blobs lie in `folder`, which is removed in the end. Throws if it cannot be written.
    explicit JobCatalog(std::filesystem::path folder);
    JobCatalog(const JobCatalog&) = delete;
    JobCatalog& operator=(const JobCatalog&) = delete;
    ~JobCatalog();

    /// Those that a world of chance draws from.
    [[nodiscard]] const std::deque<JobTemplate>& jobs() const { return jobs_; }
    /// Jobs that are made of those.
    [[nodiscard]] const std::deque<JobTemplate>& families() const { return families_; }
    /// Null if there is none of this name.
    [[nodiscard]] const JobTemplate* find(std::string_view name) const;
    [[nodiscard]] const jobs::JobType* find_job_type(std::string_view name) const;
    [[nodiscard]] store::BlobStore& blobs() { return *blobs_; }

    /// Runs the kernel of one leased task, or knows what it gave for these inputs; one that
    /// remembers, by this memo, is run each time. It may refuse inputs that were made of lies.
    [[nodiscard]] Result<Bytes> run(const protocol::Lease& lease, const protocol::LeasedTask& task,
                                    kernels::MemoValues& memo);

 private:
    using MakeProgram = std::function<std::unique_ptr<programs::Program>()>;

    void add(std::string name, const MakeProgram& make) { add_to(jobs_, std::move(name), make); }
    void add_tables();
    void add_family(std::string name, std::vector<std::vector<std::string>> batches);
    void add_to(std::deque<JobTemplate>& jobs, std::string name, const MakeProgram& make);
    [[nodiscard]] Result<void> run_alone(programs::Program& program);
    [[nodiscard]] std::optional<ByteSpan> find_blob(const Sha256& sha256) const;
    /// Nothing for a blob that is not there.
    [[nodiscard]] std::optional<ByteSpan> bytes_of(const protocol::WireInput& input) const;
    [[nodiscard]] std::uint64_t key_of(const protocol::Lease& lease,
                                       const protocol::LeasedTask& task) const;

    std::filesystem::path folder_;
    std::unique_ptr<store::BlobStore> blobs_;
    store::BlobHolder held_{*blobs_};
    std::deque<std::string> names_;
    std::deque<JobTemplate> jobs_;
    std::deque<JobTemplate> crowd_jobs_;  ///< To be asked for by name.
    std::deque<JobTemplate> families_;
    std::unordered_map<std::uint64_t, Result<Bytes>> outputs_;
    /// What jobs without lies publish. A worker has it from when it got its lease, also when the
    /// master is dead by the time at which it computes here.
    std::map<Sha256, Bytes> published_;
};

}  // namespace netcompute::sim
