#pragma once

#include "engine/receipt.hpp"
#include "jobs/job_type.hpp"
#include "store/blob_store.hpp"
#include <netcompute/programs/local_blobs.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace netcompute::test_support {

template <typename T>
T value_or_throw(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
}

/// A job computed here, and what its end leaves for a receipt: as if two workers, "lab-1" and
/// "tab-2", had taken every other task, and others had confirmed every third one.
struct ComputedJob {
    store::JobRecord record;
    engine::ReceiptWork work;

    [[nodiscard]] std::string receipt() const { return engine::receipt_text(record, work); }
};

/// One round of `program`, which it folds.
inline engine::ReceiptRound compute_round(programs::Program& program, programs::LocalBlobs& blobs) {
    const auto round = program.round();
    engine::ReceiptRound done;
    done.kernel = std::string{round->kernel};
    done.kernel_version = round->kernel_version;
    done.state = program.checkpoint();
    const auto find = blobs.source();
    std::vector<Bytes> outputs;
    for (TaskIndex index = 0; index < round->task_count; ++index) {
        outputs.push_back(value_or_throw(programs::run_task(program, *round, index, find)));
        done.outputs.push_back({WorkerId{1 + index % 2}, sha256(outputs.back()), index % 3 == 0});
    }
    const std::vector<ByteSpan> views(outputs.begin(), outputs.end());
    if (auto folded = blobs.fold(program, views); !folded) {
        throw std::runtime_error(folded.error().message);
    }
    engine::complete_first_version(done);
    done.state = {};
    return done;
}

/// `root` holds Data/; `scratch` takes the blobs.
inline ComputedJob compute_job(const std::string& type, const nlohmann::json& params,
                               const std::filesystem::path& root,
                               const std::filesystem::path& scratch) {
    const auto blobs = value_or_throw(store::BlobStore::open(scratch));
    store::BlobHolder held{*blobs};
    const auto datasets =
        value_or_throw(data::DatasetCatalog::open(scratch.parent_path() / "datasets"));
    auto prepared = value_or_throw(jobs::find_job_type(type)->prepare(
        params, {.root = root, .blobs = &held, .datasets = datasets.get()}));
    ComputedJob job;
    job.record.id = JobId{7};
    job.record.type = type;
    job.record.name = "a " + type;
    job.record.params = params.dump();
    job.record.submitted_unix_ms = 1'700'000'000'000;
    job.record.elapsed_seconds = 1.25;
    job.record.inputs = prepared.inputs;
    programs::LocalBlobs local{[&blobs](const Sha256& name) -> std::optional<ByteSpan> {
        const auto file = blobs->find(name);
        return file ? std::optional{file->bytes()} : std::nullopt;
    }};
    while (prepared.program->round()) {
        engine::ReceiptRound round = compute_round(*prepared.program, local);
        const auto number = static_cast<RoundIndex>(job.work.rounds.size());
        if (!engine::lists_tasks(number, round.task_count)) round.outputs = {};
        job.work.rounds.push_back(std::move(round));
    }
    job.record.state = store::JobState::Succeeded;
    job.record.result = value_or_throw(prepared.finish()).dump();
    job.work.software = "0.1.0";
    job.work.workers = {{WorkerId{1}, "key-1", "lab-1", "native", 0, 0},
                        {WorkerId{2}, "key-2", "tab-2", "browser", 0, 0}};
    return job;
}

}  // namespace netcompute::test_support
