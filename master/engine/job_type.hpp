#pragma once

#include "data/written_files.hpp"
#include "store/blob_store.hpp"
#include <netcompute/programs/program.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::engine {

/// The files of a job, as "Data/x.csv".
struct FileNames {
    std::set<std::string> reads;
    std::set<std::string> writes;
};

/// What a job may use besides its parameters.
struct JobContext {
    std::filesystem::path root;  ///< The folder that holds Data/; paths in jobs stay below that.
    store::BlobHolder* blobs = nullptr;     ///< The job's own.
    bool paths_anywhere = false;            ///< Inputs of jobs from this PC's own command line.
    bool writes_files = true;               ///< Otherwise what it would write is dropped.
    data::WrittenFiles* written = nullptr;  ///< What former jobs wrote; nullptr: nothing.
    FileNames* names = nullptr;             ///< Takes the files' names, when the job is checked.
};

/// A file that a job read when it was prepared.
struct JobInput {
    std::string name;  ///< The parameter that named it: "data".
    std::string path;  ///< "Data/x.csv", or the bare name of a file that lies elsewhere.
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
};

[[nodiscard]] std::span<const JobType> job_types();
[[nodiscard]] const JobType* find_job_type(std::string_view name);

/// The most tasks that one round may have.
inline constexpr std::uint32_t tasks_per_round_max = 10'000'000;

}  // namespace netcompute::engine
