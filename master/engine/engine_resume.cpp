#include "engine/engine.hpp"
#include "engine/within_memory.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <set>

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
    for (const store::JobRecord& record : records) {
        if (record.parent == JobId{} || record.state != store::JobState::Succeeded) continue;
        former_results_[record.parent][record.child_index] = record.result;
    }
    std::erase_if(records, [](const auto& record) { return store::is_final(record.state); });
    if (records.empty()) return;
    for (const store::JobRecord& record : records) {
        const Instant submitted = steady_time_.instant_of(record.submitted_steady_ms, now());
        JobRun& job =
            live_.emplace(record.id, JobRun{record, submitted, *options_.blobs}).first->second;
        recall_files(job);
    }
    std::erase_if(former_results_, [&](const auto& one) { return !live_.contains(one.first); });
    for (auto& [id, job] : live_) {
        for (const JobId before : job.record.after) {
            if (live_.contains(before)) job.waits_for.insert(before);
        }
        link(job);
    }
    judge_former_masters();
    for (const auto& [id, job] : live_) {
        if (!job.held.empty() || !job.waits_for.empty()) continue;
        resuming_.insert(id);
        to_resume_.push_back(id);
    }
    spdlog::info("{} jobs of the former master go on", to_resume_.size());
    be_due();
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

/// Which files it reads and writes; one that it cannot use is told of when it is prepared.
void Engine::recall_files(JobRun& job) {
    const JobType* const type = options_.find_job_type(job.record.type);
    if (type == nullptr) return;
    JobContext context = context_of(job);
    context.names = &job.file_names;
    const auto params = nlohmann::json::parse(job.record.params);
    if (auto from_jobs = inputs_from_jobs(*type, params, job.record.inputs)) {
        context.from_jobs = std::move(*from_jobs);
    }
    std::ignore = type->check(params, context);
}

/// Takes up the next job, if none is being taken up now.
void Engine::resume_next() {
    if (resumes_ && resuming_.contains(*resumes_)) return;
    resumes_.reset();
    while (!to_resume_.empty() && !resumes_) {
        if (resuming_.contains(to_resume_.front())) resumes_ = to_resume_.front();
        to_resume_.pop_front();
    }
    if (!resumes_) return;
    begin_step(*resumes_, store::HeavyStep::Preparing);
    send([this, id = *resumes_] {
        if (resuming_.contains(id)) resume_job(id);
    });
    be_due();
}

void Engine::resume_job(JobId id) {
    const store::JobRecord& record = live_.at(id).record;
    const JobType* const type = options_.find_job_type(record.type);
    if (type != nullptr) return prepare(id, *type, nlohmann::json::parse(record.params));
    end_job(
        id, store::JobState::Failed, {},
        Error{ErrorCode::NotFound, "type \"" + record.type + "\" is not one of this program's"});
}

/// Takes a prepared job to where the former master had it.
Result<void> Engine::take_up(JobRun& job) {
    const JobId id = job.record.id;
    auto plan = jobs_.plan(id);
    if (!plan) return unexpected(plan.error());
    if (plan->checkpoints.empty()) {
        begin_fresh(job);
        return {};
    }
    const auto read = [&](RoundIndex round) { return jobs_.checkpoint(id, round); };
    if (auto restored = job.restore(std::move(*plan), read); !restored) return restored;
    if (auto fits = check_live_tasks(0); !fits) {
        // It was taken by a master with more room, and must not be lost.
        job = JobRun{job.record, job.submitted, *options_.blobs};
        recall_files(job);
        hold(job, fits.error().message);
        resuming_.erase(id);
        job_is_ready();
        return {};
    }
    if (job.record.state == store::JobState::Queued) {
        job.record.state = store::JobState::Running;
        put_record(job.record);
    }
    fetch_blobs(job, [this](JobRun& ready) {
        load_outputs(ready, {ready.first_kept(), 0, true, {}});
    });
    return {};
}

// ---- Outputs that the store has -----------------------------------------------------------------

/// Has the job get what the store has of its rounds, from one on up to that in progress, which is
/// then announced. Millions of outputs take their time, so it is done in pieces.
void Engine::load_outputs(JobRun& job, Load load) {
    const JobId id = job.record.id;
    loads_[id] = std::move(load);
    // Some of these outputs may still wait to be committed; when this is sent, they have been.
    send([this, id] { load_more(id); });
    be_due();
}

void Engine::load_more(JobId id) {
    const auto found = loads_.find(id);
    if (found == loads_.end()) return;  // The job is over.
    JobRun& job = live_.at(id);
    const auto is_done = within_memory([&] { return load_piece(job, found->second); });
    if (!is_done) return end_job(id, store::JobState::Failed, {}, is_done.error());
    if (*is_done) return loaded(id);
    host_.post([this, id] { load_more(id); });
}

/// One piece of it; true if it was the last. After a restart the scheduler is told.
Result<bool> Engine::load_piece(JobRun& job, Load& load) {
    const JobId id = job.record.id;
    const auto nothing_yet = [&] {
        core::JobRestored event{id,
                                {},
                                !job.record.liars.empty(),
                                job.record.slot_seconds,
                                job.validation,
                                {},
                                job.first_kept(),
                                job.forgotten_words()};
        event.rounds.resize(job.states().size() - job.first_kept());
        return event;
    };
    core::JobRestored restored = nothing_yet();
    std::set<TaskIndex> confirmed;  // Of the round at hand, in `restored`.
    const auto is_confirmed = [&](const store::OutputView& output) {
        return confirmed.contains(output.index);
    };
    bool is_done = false;
    for (std::size_t taken = 0; taken < options_.load_outputs_max && !is_done;) {
        if (load.entries.empty() && load.all_read) {
            if (load.round == job.round_index) {
                const auto read = load.after_restart ? read_leases(job, load) : std::size_t{0};
                if (!read) return unexpected(read.error());
                taken += *read;
                is_done = *read == 0;
                continue;
            }
            ++load.round;
            load.place = 0;
            load.all_read = false;
            confirmed.clear();
            continue;
        }
        if (load.entries.empty()) {
            if (auto read = read_entries(id, load); !read) return unexpected(read.error());
            continue;
        }
        const store::RoundEntry entry = next_entry(load);
        // What takes the place of a confirmed output is not confirmed itself.
        if (!confirmed.empty() && std::ranges::any_of(entry.outputs, is_confirmed)) {
            enqueue(std::exchange(restored, nothing_yet()));
            confirmed.clear();
        }
        confirmed.insert(entry.confirmed.begin(), entry.confirmed.end());
        taken += take_entry(job, load, entry, restored);
    }
    if (load.after_restart) enqueue(std::move(restored));
    return is_done;
}

Result<void> Engine::read_entries(JobId id, Load& load) const {
    auto slice = jobs_.slice(id, load.round, load.place, 1);
    if (!slice) return unexpected(slice.error());
    std::ranges::move(slice->entries, std::back_inserter(load.entries));
    load.place = slice->next;
    load.all_read = slice->is_last;
    return {};
}

/// The leases of the round in progress that may still bring something. How much work it was; 0:
/// there are no more.
Result<std::size_t> Engine::read_leases(const JobRun& job, Load& load) const {
    constexpr std::size_t leases_max = 64;
    auto leases = jobs_.leases(job.record.id, load.next_lease, leases_max);
    if (!leases) return unexpected(leases.error());
    std::size_t work = 0;
    for (store::LeaseRecord& lease : *leases) {
        load.next_lease = LeaseId{lease.id.value + 1};
        work += 1 + lease.tasks.size();
        const auto is_done = [&](TaskIndex index) {
            return index < job.round_tasks() && job.outputs().has(index);
        };
        if (lease.round != job.round_index) continue;
        if (!lease.is_check && std::ranges::all_of(lease.tasks, is_done)) continue;
        load.leases.push_back({lease.id, lease.worker, lease.is_check, std::move(lease.tasks)});
    }
    return work;
}

/// Outputs that came together are many, so they may be taken in several pieces.
store::RoundEntry Engine::next_entry(Load& load) const {
    store::RoundEntry& first = load.entries.front();
    const auto count = static_cast<std::ptrdiff_t>(options_.load_outputs_max);
    if (std::ssize(first.outputs) <= count) {
        store::RoundEntry entry = std::move(first);
        load.entries.pop_front();
        return entry;
    }
    const auto end = first.outputs.begin() + count;
    store::RoundEntry entry{first.worker, {first.outputs.begin(), end}, first.owner, {}};
    first.outputs.erase(first.outputs.begin(), end);
    return entry;
}

/// How much work it was: outputs, and as much for each 256 bytes of them.
std::size_t Engine::take_entry(JobRun& job, const Load& load, const store::RoundEntry& entry,
                               core::JobRestored& restored) {
    std::size_t bytes = 0;
    for (const store::OutputView& output : entry.outputs) {
        bytes += output.bytes.size();
        if (load.round == job.round_index && output.index < job.round_tasks()) {
            job.keep_output(output.index, output.bytes, entry.owner);
        }
        if (!load.after_restart) continue;
        restored.rounds.at(load.round - job.first_kept())
            .push_back({output.index, entry.worker, sha256(output.bytes), false, {}});
    }
    if (load.after_restart && !entry.confirmed.empty()) {
        restored.confirmations.push_back({load.round, entry.worker, entry.confirmed});
    }
    return entry.outputs.size() + entry.confirmed.size() + bytes / 256;
}

void Engine::loaded(JobId id) {
    Load load = std::move(loads_.at(id));
    loads_.erase(id);
    JobRun& job = live_.at(id);
    if (load.after_restart) step_is_over(id);
    announce_round(job, false, std::move(load.leases));
    if (resuming_.erase(id) != 0) job_is_ready();
}

/// Workers may come in when the last job of the former master can take their results, and when a
/// power cut cannot take back from where this master's lease ids go on.
void Engine::job_is_ready() {
    resume_next();
    if (!resuming_.empty() || !beginning_is_written_) return;
    gateway_.hold(false);
    enqueue(core::RestorationEnded{});
    if (!std::exchange(starts_unready_, false)) return;
    put(store::PutUnreadyStarts{0});
    be_due();
}

}  // namespace netcompute::engine
