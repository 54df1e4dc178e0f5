#pragma once

#include "store/job_store.hpp"
#include "store/sqlite_job_store.hpp"

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

/// Records as tests write them.
namespace netcompute::store::testing {

inline JobRecord job_record(std::uint64_t id, JobState state) {
    JobRecord job;
    job.id = JobId{id};
    job.type = "noop";
    job.state = state;
    return job;
}

inline Record put_job(std::uint64_t id, JobState state) {
    return PutJob{job_record(id, state)};
}

inline WorkerRecord worker_record(std::uint64_t id, std::string name) {
    WorkerRecord worker;
    worker.id = WorkerId{id};
    worker.name = std::move(name);
    return worker;
}

/// Outputs of the job's round, from one worker, as if they had come in one frame.
inline Record put_outputs(std::uint64_t job, RoundIndex round, std::uint64_t worker,
                          std::initializer_list<std::pair<TaskIndex, std::string_view>> outputs) {
    auto owner = std::make_shared<Bytes>();
    for (const auto& [index, text] : outputs) {
        const ByteSpan bytes = as_byte_span(text);
        owner->insert(owner->end(), bytes.begin(), bytes.end());
    }
    PutOutputs put{JobId{job}, round, WorkerId{worker}, {}, owner};
    std::size_t at = 0;
    for (const auto& [index, text] : outputs) {
        put.outputs.push_back({index, ByteSpan{*owner}.subspan(at, text.size())});
        at += text.size();
    }
    return put;
}

/// One output of this size, in the job's first round.
inline Record put_sized_output(std::uint64_t job, TaskIndex index, std::size_t size) {
    auto owner = std::make_shared<const Bytes>(size, static_cast<std::byte>(index));
    return PutOutputs{JobId{job}, 0, WorkerId{1}, {{index, *owner}}, owner};
}

inline Record confirm(std::uint64_t job, RoundIndex round, TaskIndex index,
                      std::uint64_t confirmer = 0) {
    return ConfirmOutput{JobId{job}, round, index, WorkerId{confirmer}};
}

inline LeaseRecord lease_record(std::uint64_t id, std::uint64_t job, RoundIndex round,
                                std::vector<TaskIndex> tasks) {
    return {LeaseId{id}, WorkerId{1}, JobId{job}, round, false, std::move(tasks)};
}

inline Bytes bytes_of(std::string_view text) {
    const ByteSpan bytes = as_byte_span(text);
    return {bytes.begin(), bytes.end()};
}

inline Record put_checkpoint(std::uint64_t job, RoundIndex round, std::string_view state) {
    const auto bytes = std::make_shared<const Bytes>(bytes_of(state));
    return PutCheckpoint{JobId{job}, round, sha256(*bytes), bytes};
}

inline Record put_receipt(std::uint64_t job, std::string_view text) {
    return PutReceipt{JobId{job}, bytes_of(text)};
}

/// A failed commit is the end of the test that expects it to succeed.
inline void commit(JobStore& store, const std::vector<Record>& records,
                   Durability durability = Durability::Power) {
    const auto committed = store.commit(records, durability);
    if (!committed) throw std::runtime_error(committed.error().message);
}

/// What the engine does after commits.
inline void keep_up(JobStore& store) {
    if (const auto upkeep = store.upkeep()) std::ignore = upkeep->work();
}

/// Throws where there is a store that cannot be opened.
inline std::unique_ptr<SqliteJobStore> open_store(const std::filesystem::path& folder,
                                                  JobStoreLimits limits = {}) {
    auto opened = SqliteJobStore::open(folder, limits);
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
}

/// "0=zero 3=three": a round's outputs, for people to compare.
inline std::string outputs_text(const JobStore& store, std::uint64_t job, RoundIndex round) {
    const auto outputs = store.outputs(JobId{job}, round);
    if (!outputs) return outputs.error().message;
    std::string text;
    for (const StoredOutput& output : *outputs) {
        text += (text.empty() ? "" : " ") + std::to_string(output.index) + "=";
        text += as_text(output.bytes);
    }
    return text;
}

/// "0/3 by 2 confirmed by 4": whose output counts, for people to compare.
inline std::string votes_text(const JobWork& work) {
    std::string text;
    for (const StoredVote& vote : work.votes) {
        text += (text.empty() ? "" : ", ") + std::to_string(vote.round) + "/" +
                std::to_string(vote.index) + " by " + std::to_string(vote.worker.value) +
                (vote.confirmed ? " confirmed" : "") +
                (vote.confirmer.value > 0 ? " by " + std::to_string(vote.confirmer.value) : "");
    }
    return text;
}

}  // namespace netcompute::store::testing
