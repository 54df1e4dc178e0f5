#include "master_life.hpp"

#include <utility>

/// What users ask the simulated master for, and what they are told.
namespace netcompute::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration ask_again_after = 500ms;

std::string name_of(JobId id) {
    return "job " + std::to_string(id.value);
}

}  // namespace

// ---- Submissions --------------------------------------------------------------------------------

void SimulatedMaster::submit(Submission submission) {
    const std::uint64_t number = ++last_submission_;
    unanswered_[number] = std::move(submission);
    ask(number);
}

/// Until there is an answer: the master may be down, its disk full, or it may die while it is
/// stalled.
void SimulatedMaster::ask(std::uint64_t submission) {
    enter([this, submission](engine::Engine& engine) { answer(engine, submission); });
    if (!unanswered_.contains(submission)) return;
    around_.queue.after(ask_again_after, [this, submission] { ask(submission); });
}

void SimulatedMaster::answer(engine::Engine& engine, std::uint64_t submission) {
    const auto found = unanswered_.find(submission);
    if (found == unanswered_.end()) return;
    const Submission& wanted = found->second;
    jobs::JobRequest request;
    request.type = wanted.what->type.name;
    request.priority = wanted.priority;
    request.validation = wanted.validation;
    request.deadline_seconds = wanted.deadline_seconds;
    const auto id = engine.submit(std::move(request));
    if (!id) {
        // Also for a while after the disk was full: until that is tried again.
        const bool is_full = !engine.store_trouble().empty();
        if (!is_full || id.error().code != ErrorCode::Unavailable) {
            around_.report("a job was refused: " + id.error().message);
        }
        return;
    }
    trace("submit",
          {{"job", id->value}, {"priority", static_cast<std::uint64_t>(wanted.priority)}});
    around_.trace.remark(name_of(*id) + " is " + std::string{wanted.what->type.name} + " " +
                         wanted.validation);
    OpenJob& job = open_jobs_[*id];
    job.submission = std::move(found->second);
    job.submitted = around_.queue.now();
    job.time_lost = time_lost_;
    unanswered_.erase(found);
    watch(*id);
    job.submission.accepted(*id);
    engine.when_written([this, id = *id](const Result<void>& written) {
        const auto open = open_jobs_.find(id);
        if (!life_->mortality.alive() || open == open_jobs_.end()) return;
        if (written) {
            open->second.written = true;
            return;
        }
        // It was not taken. Its submitter tries again.
        Submission again = std::move(open->second.submission);
        open_jobs_.erase(open);
        around_.queue.after(ask_again_after, [this, again] { submit(again); });
    });
}

/// No job outlives the one that has submitted it: their ends are written down together.
void SimulatedMaster::check_families(std::span<const store::Record> records) {
    std::set<JobId> over;
    for (const store::Record& record : records) {
        const auto* const put = std::get_if<store::PutJob>(&record);
        if (put == nullptr) continue;
        const store::JobRecord& job = put->job;
        if (job.parent != JobId{})
            parents_[job.id] = job.parent;
        else
            parents_.erase(job.id);  // After a power cut an id may be given again.
        if (store::is_final(job.state)) over.insert(job.id);
    }
    for (const auto& [child, parent] : parents_) {
        if (!over.contains(parent)) continue;
        const auto record = store_.job(child);
        if (!record || store::is_final(record->state)) continue;
        around_.report(name_of(child) + " outlives " + name_of(parent) + ", which submitted it");
    }
}

void SimulatedMaster::has_committed(std::span<const store::Record> records) {
    check_families(records);
    accepted_.add(records);
    for (auto proven = proven_.begin(); proven != proven_.end();) {
        const auto [worker, commits_left] = *proven;
        if (commits_left == 1) {
            quarantined_.insert(worker);
            proven = proven_.erase(proven);
        } else {
            (proven++)->second = commits_left - 1;
        }
    }
    for (const store::Record& record : records) {
        if (const auto* const put = std::get_if<store::PutClock>(&record)) {
            times_noted_[put->reading.steady_ms] = around_.queue.now();
        }
    }
    // Most of what is slow about a disk is waited for elsewhere; but not all of it.
    if (around_.queue.now() < disk_slow_until_ && disk_dice_.chance(0.2)) {
        trace("slow commit");
        life_->host.stall_until(around_.queue.now() + disk_dice_.between(1ms, 3s));
    }
    life_->mortality.has_committed();
}

/// After a power cut.
void SimulatedMaster::forget_unwritten_quarantines() {
    std::set<WorkerId> written;
    for (const store::Record& record : store_.log()) {
        const auto* const put = std::get_if<store::PutWorker>(&record);
        if (put != nullptr && !put->worker.quarantined.empty()) written.insert(put->worker.id);
    }
    std::erase_if(quarantined_, [&](WorkerId worker) { return !written.contains(worker); });
}

void SimulatedMaster::watch(JobId id) {
    life_->engine->when_over(id, [this](const store::JobRecord& record) {
        // A dead master tells nobody; after its restart it does.
        if (life_->mortality.alive()) job_over(record);
    });
}

void SimulatedMaster::job_over(const store::JobRecord& record) {
    // One that could not be written down when it was submitted is cancelled by the master.
    const bool was_refused = record.state == store::JobState::Cancelled;
    if (was_refused && !open_jobs_.contains(record.id)) return;
    const OpenJob job = open_jobs_.at(record.id);
    open_jobs_.erase(record.id);
    told_[record.id] = record;
    trace(store::job_state_name(record.state), {{"job", record.id.value}});
    const JobTemplate& what = *job.submission.what;
    const std::string name = name_of(record.id) + " (" + std::string{what.type.name} + ")";
    if (store_.job(record.id) != record) around_.report(name + ": its end is not written down");
    const std::string why = record.error ? record.error->message : "";
    const double deadline_seconds = job.submission.deadline_seconds;
    const bool is_late = deadline_seconds > 0 && record.elapsed_seconds >= 0 &&
                         around_.queue.now() - job.submitted + (time_lost_ - job.time_lost) + 2ms >=
                             from_seconds(deadline_seconds);
    switch (record.state) {
        case store::JobState::Succeeded:
            ++succeeded_count_;
            if (record.result != what.expected) {
                around_.report(name + " gave other bytes than one process does");
            }
            return;
        case store::JobState::Failed:
            ++failed_count_;
            if (is_late && why.starts_with("its deadline")) return trace("deadline");
            if (!job.given_up) around_.report(name + " failed by itself: " + why);
            return;
        case store::JobState::Cancelled:
            if (!job.cancelled) around_.report(name + " was cancelled, but nobody asked for it");
            return;
        default:
            around_.report(name + " is said to be over, but it is not");
    }
}

// ---- Wishes -------------------------------------------------------------------------------------

void SimulatedMaster::enter(std::function<void(engine::Engine&)> ask) {
    if (!runs()) return;
    life_->host.enter([this, ask = std::move(ask)] { ask(*life_->engine); });
}

void SimulatedMaster::cancel(JobId id) {
    enter([this, id](engine::Engine& engine) {
        const auto found = open_jobs_.find(id);
        if (found == open_jobs_.end()) return;
        found->second.cancelled = true;  // It hears of the end before the answer.
        std::ignore = engine.cancel(id);
    });
}

void SimulatedMaster::pause(JobId id, bool paused) {
    enter([id, paused](engine::Engine& engine) { std::ignore = engine.pause(id, paused); });
}

void SimulatedMaster::prioritize(JobId id, std::int32_t priority) {
    enter(
        [id, priority](engine::Engine& engine) { std::ignore = engine.prioritize(id, priority); });
}

void SimulatedMaster::drain(std::size_t worker, bool drained) {
    enter([this, worker, drained](engine::Engine& engine) {
        std::vector<WorkerId> its;
        for (const auto& [id, info] : engine.workers()) {
            if (number_of(id) == worker) its.push_back(id);
        }
        if (drained) ever_drained_.insert(worker);
        for (const WorkerId id : its) std::ignore = engine.drain(id, drained);
    });
}

void SimulatedMaster::let_everything_go_on() {
    enter([](engine::Engine& engine) {
        std::vector<JobId> paused;
        for (const auto& [id, job] : engine.live_jobs()) {
            if (job.record.state == store::JobState::Paused) paused.push_back(id);
        }
        for (const JobId id : paused) std::ignore = engine.pause(id, false);
        std::vector<WorkerId> drained;
        for (const auto& [id, worker] : engine.workers()) {
            if (worker.drained) drained.push_back(id);
        }
        for (const WorkerId id : drained) std::ignore = engine.drain(id, false);
    });
}

void SimulatedMaster::fill_disk_until(Instant when) {
    trace("disk full", {{"ms", static_cast<std::uint64_t>((when - around_.queue.now()) / 1ms)}});
    disk_full_until_ = std::max(disk_full_until_, when);
}

}  // namespace netcompute::sim
