#pragma once

#include "store/blob_store.hpp"
#include <netcompute/programs/program.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::engine {

/// What a job may use besides its parameters.
struct JobContext {
    std::filesystem::path root;  ///< The folder that holds Data/; paths in jobs stay below it.
    store::BlobHolder* blobs = nullptr;  ///< The job's own.
    bool paths_anywhere = false;         ///< For jobs from this PC's own command line.
};

/// A file that a job read when it was prepared.
struct JobInput {
    std::string name;  ///< The parameter that named it: "data".
    std::string path;  ///< Relative to the root, where the file lies below it.
    Sha256 sha256;     ///< Of the file's bytes.
    friend bool operator==(const JobInput&, const JobInput&) = default;
};

/// A job that is ready for its rounds.
struct PreparedJob {
    std::unique_ptr<programs::Program> program;
    /// Makes the result document once the program has finished: writes files, works out metrics.
    std::function<Result<nlohmann::json>()> finish;
    bool rounds_may_follow = false;  ///< The first round may not be the last.
    std::vector<std::string> notes;  ///< For people: "Name was dropped: 891 distinct values".
    /// The program depends on these and on the parameters alone.
    std::vector<JobInput> inputs = {};
};

/// What users submit: the steps around a program. `check` is quick and runs at submission, so that
/// a mistake is answered at once; `prepare` and `finish` may take long and run on the pool.
struct JobType {
    std::string_view name;
    std::function<Result<void>(const nlohmann::json& params, const JobContext& context)> check;
    std::function<Result<PreparedJob>(const nlohmann::json& params, const JobContext& context)>
        prepare;
    /// `prepare` and `finish` take microseconds and touch no file: they run on the engine's thread,
    /// which spares a small job four changes of threads.
    bool is_quick = false;
    /// The parameters that name files which the job writes.
    std::vector<std::string_view> output_params = {};
};

[[nodiscard]] std::span<const JobType> job_types();
[[nodiscard]] const JobType* find_job_type(std::string_view name);

/// The most tasks that one round may have.
inline constexpr std::uint32_t tasks_per_round_max = 10'000'000;

}  // namespace netcompute::engine
