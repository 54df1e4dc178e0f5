#pragma once

#include "engine/receipt_reader.hpp"
#include "jobs/job_type.hpp"
#include "server/verify.hpp"
#include "store/blob_store.hpp"
#include <netcompute/programs/local_blobs.hpp>

#include <string>
#include <vector>

namespace netcompute::server {

/// Compares a receipt's rounds with those of its program, computed in this process.
class RoundVerifier {
 public:
    /// Both outlive it.
    RoundVerifier(const engine::Receipt& receipt, const store::BlobStore& blobs);

    /// As verify() says; `job` is the receipt's, prepared.
    [[nodiscard]] Result<Verification> verify(jobs::PreparedJob& job,
                                              std::optional<std::uint64_t> sample,
                                              std::uint64_t seed);

 private:
    /// What stands for a place in the receipt: a task's round and its index there.
    struct Place {
        std::size_t round = 0;
        TaskIndex index = 0;
    };
    [[nodiscard]] Result<void> verify_some(programs::Program& program, std::uint64_t sample,
                                           std::uint64_t seed);
    [[nodiscard]] Result<void> verify_all(jobs::PreparedJob& job);
    [[nodiscard]] Result<bool> check_round(const programs::Program& program, std::size_t number);
    [[nodiscard]] Result<bool> pass_round(programs::Program& program, std::size_t number);
    [[nodiscard]] Bytes compute(const programs::Program& program, Place place);
    [[nodiscard]] bool fold(programs::Program& program, std::size_t round,
                            const std::vector<Bytes>& outputs);
    void compare_result(jobs::PreparedJob& job);
    [[nodiscard]] std::string worker_name(WorkerId id) const;
    void differs(std::string what) { verification_.differences.push_back(std::move(what)); }

    const engine::Receipt& receipt_;
    programs::LocalBlobs blobs_;
    kernels::MemoStore memo_{std::size_t{256} << 20};  ///< A round needs what others did.
    Verification verification_;
};

}  // namespace netcompute::server
