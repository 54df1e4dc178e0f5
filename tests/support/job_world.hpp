#pragma once

#include "data/dataset_catalog.hpp"
#include "jobs/job_type.hpp"
#include "store/blob_store.hpp"
#include "temporary_folder.hpp"
#include <netcompute/programs/program.hpp>

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace netcompute::test_support {

/// The params of a job that shows what its type does: those that must be given, by their examples.
inline nlohmann::json example_params(const jobs::JobType& type) {
    nlohmann::json params = nlohmann::json::object();
    for (const jobs::Param& param : type.params.common) {
        const nlohmann::json document = jobs::param_document(param);
        if (document["required"]) params[std::string{document["name"]}] = document["example"];
    }
    return params;
}

/// A folder as a master has it, with tables in Data/, where one process runs jobs from end to end.
class JobWorld {
 public:
    /// `tables`: a folder whose files are copied to Data/; empty: none.
    explicit JobWorld(const std::filesystem::path& tables = {}) {
        std::filesystem::create_directory(root() / "Data");
        if (!tables.empty()) std::filesystem::copy(tables, root() / "Data");
        blobs_ = store::BlobStore::open(root() / "blobs").value();
        datasets_ = data::DatasetCatalog::open(root() / "datasets").value();
        held_.emplace(*blobs_);
    }

    [[nodiscard]] const std::filesystem::path& root() const { return folder_.path(); }

    /// Its paths may lead anywhere, as those of the master's own command line may.
    [[nodiscard]] jobs::JobContext context() {
        return {
            .root = root(), .blobs = &*held_, .paths_anywhere = true, .datasets = datasets_.get()};
    }

    /// Throws what the type refuses.
    [[nodiscard]] jobs::PreparedJob prepare(const jobs::JobType& type,
                                            const nlohmann::json& params) {
        return result_of(type, type.prepare(params, context()));
    }

    [[nodiscard]] programs::BlobSource blobs() const {
        return [this](const Sha256& sha256) -> std::optional<ByteSpan> {
            const auto file = blobs_->find(sha256);
            if (file == nullptr) return std::nullopt;
            return file->bytes();  // The store keeps the mapping for as long as it is held.
        };
    }

    /// Runs the program here. Throws what a kernel or a fold refuses.
    void run(programs::Program& program) const {
        const auto ran = programs::run_in_process(program, blobs());
        if (!ran) throw std::runtime_error(ran.error().message);
    }

    /// The result of a job, and of every job that it submits. Throws what one of them refuses.
    [[nodiscard]] nlohmann::json run_job(const jobs::JobType& type, const nlohmann::json& params) {
        const jobs::PreparedJob job = prepare(type, params);
        if (!job.next_jobs) {
            run(*job.program);
            return result_of(type, job.finish());
        }
        for (std::vector<std::string> results;;) {
            const auto next = result_of(type, job.next_jobs(results));
            if (next.jobs.empty()) return next.result;
            for (const jobs::JobRequest& child : next.jobs) {
                results.push_back(run_job(*jobs::find_job_type(child.type), child.params).dump());
            }
        }
    }

 private:
    template <typename T>
    static T result_of(const jobs::JobType& type, Result<T> result) {
        if (!result) {
            throw std::runtime_error(std::string{type.name} + ": " + result.error().message);
        }
        return std::move(*result);
    }

    TemporaryFolder folder_;
    std::unique_ptr<store::BlobStore> blobs_;
    std::unique_ptr<data::DatasetCatalog> datasets_;
    std::optional<store::BlobHolder> held_;
};

}  // namespace netcompute::test_support
