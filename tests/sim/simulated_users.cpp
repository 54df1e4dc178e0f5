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
    engine::JobRequest request;
    request.type = wanted.what->type.name;
    request.priority = wanted.priority;
    request.validation = wanted.validation;
    request.deadline_seconds = wanted.deadline_seconds;
    const auto id = engine.submit(std::move(request));
    if (!id) {
        const bool is_full = around_.queue.now() < disk_full_until_;
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
    // The commit came before the answer.
    job.written = store_.job(*id).has_value();
    unanswered_.erase(found);
    watch(*id);
    job.submission.accepted(*id);
}

void SimulatedMaster::has_committed(std::span<const store::Record> records) {
    accepted_.add(records);
    // A submission is written down at once, before what a turn has decided.
    const bool is_submission =
        records.size() == 1 && std::holds_alternative<store::PutJob>(records.front());
    if (!is_submission) quarantined_.merge(proven_);
    for (const store::Record& record : records) {
        if (const auto* const put = std::get_if<store::PutClock>(&record)) {
            times_noted_[put->reading.steady_ms] = around_.queue.now();
        }
    }
    if (around_.queue.now() < disk_slow_until_) {
        trace("slow commit");
        life_->host.stall_until(around_.queue.now() + disk_dice_.between(1ms, 3s));
    }
    life_->mortality.has_committed();
}

void SimulatedMaster::watch(JobId id) {
    life_->engine->when_over(id, [this](const store::JobRecord& record) {
        // A dead master tells nobody; after its restart it does.
        if (life_->mortality.alive()) job_over(record);
    });
}

void SimulatedMaster::job_over(const store::JobRecord& record) {
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
