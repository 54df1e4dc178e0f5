#pragma once

#include "engine/receipt_reader.hpp"
#include <netcompute/result.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace netcompute::server {

struct VerifyOptions {
    std::filesystem::path receipt;
    std::filesystem::path root = ".";  ///< The folder that holds Data/.
    /// So many tasks, drawn at random, or nothing for all of them.
    std::optional<std::uint64_t> sample = 20;
    std::optional<std::uint64_t> seed;  ///< Of the draw; otherwise one that nobody can foresee.
};

/// What came of a receipt whose job could be computed again.
struct Verification {
    std::uint64_t tasks_total = 0;
    std::uint64_t tasks_computed = 0;
    std::uint64_t seed = 0;                ///< Of the draw, where tasks were drawn.
    std::vector<std::string> differences;  ///< A sentence each; none: all agrees.
};

/// Computes tasks of the receipt's job again, in this process, one after another, and compares
/// their hashes. With all tasks it also folds every round and compares each state, and then the
/// result document but for its file names. Nothing is written but in a temporary folder.
/// Errors: InvalidArgument for a receipt of a job that did not succeed or whose kernels this build
/// does not have; NotFound for an input that is not there, InvalidArgument for one that is another
/// file; those of preparing the job.
[[nodiscard]] Result<Verification> verify(const engine::Receipt& receipt,
                                          const VerifyOptions& options);

/// The command: reads the receipt, verifies it and prints a report.
/// Returns the exit status: 0 if all agrees, 1 if something differs, 2 if it cannot be told.
[[nodiscard]] int run_verify(const VerifyOptions& options);

}  // namespace netcompute::server
