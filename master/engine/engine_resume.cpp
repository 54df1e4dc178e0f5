#include "engine/engine.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

namespace netcompute::engine {

/// The former master may have ended between any two instructions. What it had told anybody is in
/// the store; what it had not is done again.
void Engine::resume() {
    // A power cut may take the last leases out of the record while workers still hold them, and no
    // other lease must be taken for one of those. So ids go on from the time of day, in
    // microseconds: no master grants as many, and they are exact in JSON for two centuries. Where
    // that was set back, they go on beyond all that the former master can have granted since its
    // last record that is on the disk. It was one at its start, as this is one.
    constexpr std::uint64_t unrecorded_leases_max = 1'000'000'000;
    const auto microseconds =
        static_cast<std::uint64_t>(std::max<std::int64_t>(host_.unix_ms(), 0)) * 1000;
    const LeaseId used{std::max(jobs_.last_lease_id().value + unrecorded_leases_max, microseconds)};
    put(store::UseLeaseIds{used});
    // Before any job is taken: without a reading, the next master would go by the time of day.
    put(store::PutClock{{steady_time_.ms(now()), host_.unix_ms()}});
    gateway_.hold(true);
    promise([this] {
        beginning_is_written_ = true;
        job_is_ready();
    });
    enqueue(core::LeaseIdsUsed{used});
    gateway_.skip_ids(jobs_.last_worker_id());
    for (const store::WrittenFileRecord& file : jobs_.written_files()) {
        written_files_.restore(file.name, {file.size, file.sha256});
    }
    for (const store::WorkerRecord& worker : jobs_.workers()) {
        gateway_.restore(worker.id, worker.key, worker.session, worker.owner);
        if (!worker.quarantined.empty()) gateway_.ban(worker.key, worker.quarantined);
        if (worker.away)
            away_[worker.id] = worker;
        else
            resume_worker(worker, used);
    }
    std::vector<store::JobRecord> records = jobs_.jobs();
    std::erase_if(records, [](const auto& record) { return store::is_final(record.state); });
    if (records.empty()) return;
    spdlog::info("{} jobs of the former master go on", records.size());
    for (const store::JobRecord& record : records) {
        const Instant submitted = steady_time_.instant_of(record.submitted_steady_ms, now());
        live_.emplace(record.id, JobRun{record, submitted});
        resuming_.insert(record.id);
    }
    for (const store::JobRecord& record : records) {
        const JobType* const type = options_.find_job_type(record.type);
        if (type == nullptr) {
            end_job(record.id, store::JobState::Failed, {},
                    Error{ErrorCode::NotFound,
                          "type \"" + record.type + "\" is not one of this program's"});
            continue;
        }
        nlohmann::json params = nlohmann::json::parse(record.params);
        // For the names of its files alone: one that it cannot use will be told of below.
        const JobContext context{options_.root, nullptr,         record.paths_anywhere,
                                 false,         &written_files_, &live_.at(record.id).file_names};
        std::ignore = type->check(params, context);
        prepare(record.id, *type, std::move(params));
    }
    job_is_ready();
}

void Engine::resume_worker(const store::WorkerRecord& record, LeaseId last_lease) {
    WorkerInfo& worker = workers_[record.id];
    worker.id = record.id;
    worker.key = record.key;
    worker.session = record.session;
    worker.name = record.name;
    worker.is_native = record.is_native;
    worker.is_believed = record.is_believed;
    worker.owner = record.owner;
    worker.drained = record.drained;
    worker.kind = record.is_native ? protocol::WorkerKind::Native : protocol::WorkerKind::Browser;
    worker.address = record.address;
    worker.validated = record.validated;
    worker.quarantined = record.quarantined;
    worker.tasks_done = record.tasks_done;
    worker.joined = now();
    // Whichever it had of former masters.
    worker.first_lease = LeaseId{1};
    worker.last_lease = last_lease;
    enqueue(core::WorkerRestored{record.id, pc_of(record.address, record.id), record.is_believed,
                                 record.validated, !record.quarantined.empty()});
    if (record.drained) enqueue(core::WorkerDrained{record.id, true});
}

/// Takes a prepared job to where the former master had it.
Result<void> Engine::take_up(JobRun& job) {
    const JobId id = job.record.id;
    auto work = jobs_.work(id);
    if (!work) return unexpected(work.error());
    if (work->checkpoints.empty()) {
        begin_fresh(job);
        return {};
    }
    std::vector<Bytes> states;
    for (store::StoredCheckpoint& checkpoint : work->checkpoints) {
        states.push_back(std::move(checkpoint.state));
    }
    if (auto restored = job.restore(std::move(states)); !restored) return restored;
    std::vector<std::vector<core::PastOutput>> rounds(job.states().size());
    for (const store::StoredVote& vote : work->votes) {
        if (vote.round >= rounds.size()) continue;
        rounds[vote.round].push_back(
            {vote.index, vote.worker, vote.sha256, vote.confirmed, vote.confirmer});
    }
    if (!job.record.liars.empty()) {
        job.liars = nlohmann::json::parse(job.record.liars).get<std::vector<std::string>>();
    }
    std::vector<core::PastLease> leases;
    for (store::LeaseRecord& lease : work->leases) {
        if (lease.round != job.round_index) continue;
        leases.push_back({lease.id, lease.worker, lease.is_check, std::move(lease.tasks)});
    }
    enqueue(core::JobRestored{id, std::move(rounds), !job.liars.empty(), job.record.slot_seconds});
    if (!start_round(job, false, std::move(leases))) return {};
    return load_outputs(job);
}

/// The bytes of the outputs that the store has for the round in progress.
Result<void> Engine::load_outputs(JobRun& job) {
    auto outputs = jobs_.outputs(job.record.id, job.round_index);
    if (!outputs) return unexpected(outputs.error());
    for (store::StoredOutput& output : *outputs) {
        if (output.index >= job.round_tasks()) continue;
        job.keep_output(output.index, output.bytes, std::move(output.owner));
    }
    return {};
}

/// Workers may come in when the last job of the former master can take their results, and when a
/// power cut cannot take back from where this master's lease ids go on.
void Engine::job_is_ready() {
    if (resuming_.empty() && beginning_is_written_) gateway_.hold(false);
}

}  // namespace netcompute::engine
