#pragma once

#include "store/blob_store.hpp"
#include <netcompute/programs/program.hpp>
#include <netcompute/protocol/messages.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace netcompute::sim {

/// A job that runs can ask for, and what it must give.
struct JobTemplate {
    std::string name;
    std::function<std::unique_ptr<programs::Program>()> make;
    Bytes expected;                ///< result_bytes() of run_in_process().
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

    [[nodiscard]] const std::vector<JobTemplate>& jobs() const { return jobs_; }
    [[nodiscard]] const store::BlobStore& blobs() const { return *blobs_; }

    /// Runs the kernel of one leased task, or remembers what it gave for these inputs.
    [[nodiscard]] const Bytes& run(const protocol::Lease& lease, const protocol::LeasedTask& task);

 private:
    void add(std::string name, std::function<std::unique_ptr<programs::Program>()> make);
    [[nodiscard]] ByteSpan bytes_of(const protocol::WireInput& input) const;
    [[nodiscard]] std::uint64_t key_of(const protocol::Lease& lease,
                                       const protocol::LeasedTask& task) const;

    std::filesystem::path folder_;
    std::unique_ptr<store::BlobStore> blobs_;
    store::BlobHolder held_{*blobs_};
    std::vector<JobTemplate> jobs_;
    std::unordered_map<std::uint64_t, Bytes> outputs_;
};

}  // namespace netcompute::sim
