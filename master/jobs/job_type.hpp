#pragma once

#include "data/dataset_catalog.hpp"
#include "data/written_files.hpp"
#include "jobs/job_request.hpp"
#include "params/params.hpp"
#include "store/blob_store.hpp"
#include "store/records.hpp"
#include <netcompute/programs/program.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::jobs {

// The kinds of parameters, and what reads them.
using params::CheckTogether;
using params::Choice;
using params::InputFile;
using params::Number;
using params::OutputFile;
using params::Param;
using params::param_document;
using params::param_name;
using params::ParamTable;
using params::ParamValues;
using params::read_params;
using params::Structured;
using params::Text;
using params::WholeNumber;

/// The files of a job, as "Data/x.csv".
struct FileNames {
    std::set<std::string> reads;
    std::set<std::string> writes;
};

/// The files of jobs that a job's parameters name, by their texts ("job:3/model"). One without a
/// value is not written yet: the job that writes it is not over.
using JobInputs = std::map<std::string, std::optional<store::JobOutput>>;

/// What a job has written so far. For any thread.
class WrittenOutputs {
 public:
    void put(const std::string& path, const Sha256& sha256) {
        const std::lock_guard lock{mutex_};
        hashes_.insert_or_assign(path, sha256);
    }
    /// Those that its result lists in "files", by their names there; the others are taken out of
    /// the list.
    [[nodiscard]] std::vector<store::JobOutput> listed(nlohmann::json& result) const;

 private:
    mutable std::mutex mutex_;
    std::map<std::string, Sha256> hashes_;  ///< By path.
};

/// What a job may use besides its parameters.
struct JobContext {
    std::filesystem::path root;  ///< The folder that holds Data/; paths in jobs stay below that.
    store::BlobHolder* blobs = nullptr;     ///< The job's own.
    bool paths_anywhere = false;            ///< Inputs of jobs from this PC's own command line.
    bool writes_files = true;               ///< Otherwise what it would write is dropped.
    data::WrittenFiles* written = nullptr;  ///< What former jobs wrote; nullptr: nothing.
    FileNames* names = nullptr;             ///< Takes the files' names, when the job is checked.
    /// What tables are read with, when the job is prepared.
    data::DatasetCatalog* datasets = nullptr;
    std::shared_ptr<const JobInputs> from_jobs = nullptr;  ///< What "job:3/model" means here.
    /// Files that jobs write which this one comes after: they need not be there yet.
    std::set<std::string> awaited_files = {};
    std::shared_ptr<WrittenOutputs> outputs = nullptr;  ///< Takes what the job writes.
    /// Outputs that its parameters do not name are not written, though they have a default: two
    /// jobs that one job has submitted must not replace each other's.
    bool only_named_outputs = false;
    std::set<std::string> dropped_outputs = {};  ///< Paths of those; set by JobType.

    /// The table that an input holds. Errors: those of DatasetCatalog::table().
    [[nodiscard]] Result<data::Table> table(const data::InputFile& file,
                                            const data::ReadingOptions& options,
                                            const data::HeaderCheck& check) const;
};

/// A file that a job read when it was prepared.
using JobInput = store::JobFile;

/// What a job that is made of other jobs does next: it submits these, or, if there are none, it is
/// over, with this result document.
struct JobsOrResult {
    std::vector<JobRequest> jobs = {};
    nlohmann::json result = nullptr;
};

/// Decides that from the results (JSON) of all jobs that it has submitted so far, in their order.
/// It is called first with none, and again whenever all of them have succeeded; from the same
/// results it gives the same, also after a restart. It may write files with its last call.
using NextJobs = std::function<Result<JobsOrResult>(std::span<const std::string> results)>;

/// A job that is ready for its rounds.
struct PreparedJob {
    std::unique_ptr<programs::Program> program;  ///< Null where there is `next_jobs`.
    /// Makes the result document once the program has finished: writes files, works out metrics.
    std::function<Result<nlohmann::json>()> finish;
    bool rounds_may_follow = false;  ///< The first round may not be the last.
    std::vector<std::string> notes;  ///< For people: "Name was dropped: 891 distinct values".
    /// The program depends on these and on the parameters alone.
    std::vector<JobInput> inputs = {};  ///< Set by JobType::prepare().
    /// Then it has no rounds of its own, and no `finish`.
    NextJobs next_jobs = {};
};

/// What users submit: the one description of a job type. Reading its parameters, refusing them, and
/// whatever lists job types (routes, documents, pages, tests) go by this.
struct JobType {
    std::string_view name;     ///< As a request says it: "monte_carlo_pi".
    std::string_view title;    ///< As people see it: "Monte Carlo pi".
    std::string_view summary;  ///< A sentence without its full stop.
    ParamTable params;
    /// Makes the job ready for its rounds: reads its files, cuts blobs, makes the program. It may
    /// take long.
    std::function<Result<PreparedJob>(const ParamValues& values, const JobContext& context)> make;
    CheckTogether check_together = {};  ///< Empty: the table says all.
    /// `make` and `finish` take microseconds and touch no file: they run on the engine's thread,
    /// which spares a small job four changes of threads.
    bool is_quick = false;
    /// Lines for who ran it at the command line, from its result; empty: the result is shown whole.
    std::function<std::vector<std::string>(const nlohmann::json& result)> report = {};

    /// Quick; at submission, so that a mistake is answered at once. Errors: those of read_params()
    /// and JobFiles::check_outputs().
    [[nodiscard]] Result<void> check(const nlohmann::json& given, const JobContext& context) const;

    /// Reads the parameters and makes the job. Errors: those of read_params() and of `make`;
    /// Unavailable for an input that changed meanwhile.
    [[nodiscard]] Result<PreparedJob> prepare(const nlohmann::json& given,
                                              const JobContext& context) const;
};

/// In the order in which people see them.
[[nodiscard]] std::span<const JobType> job_types();
[[nodiscard]] const JobType* find_job_type(std::string_view name);

/// What `GET /api/v1/job_types` answers: [{"name", "title", "summary", "params": […]}, …], each
/// parameter as param_document() says it.
[[nodiscard]] nlohmann::json job_types_document();

/// The most tasks that one round may have.
inline constexpr std::uint32_t tasks_per_round_max = 10'000'000;

}  // namespace netcompute::jobs
