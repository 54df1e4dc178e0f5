#include "engine/engine.hpp"
#include <netcompute/logging.hpp>
#include <netcompute/printable.hpp>

#include <spdlog/spdlog.h>

/// If a job crashes the master, it would crash it again after each restart. So each heavy step of a
/// job (see store::HeavyStep) is written down before it begins, and again when it is over. Where
/// masters have died in the same step several times in a row, the next one holds the job back.
namespace netcompute::engine {
namespace {

std::string_view name_of(store::HeavyStep step) {
    switch (step) {
        case store::HeavyStep::Preparing:
            return "prepared it";
        case store::HeavyStep::Folding:
            return "folded its outputs";
        case store::HeavyStep::Finishing:
            return "made its result";
        case store::HeavyStep::Computing:
            return "computed a task of it with which workers were lost";
        case store::HeavyStep::None:
            break;
    }
    return "worked on it";
}

}  // namespace

void Engine::put_trial(store::JobTrial trial) {
    put(store::PutTrial{trial});
    if (trial.says_nothing())
        trials_.erase(trial.job);
    else
        trials_[trial.job] = std::move(trial);
}

void Engine::begin_step(JobId id, store::HeavyStep step) {
    store::JobTrial trial = trials_[id];
    trial.job = id;
    trial.step = step;
    put_trial(std::move(trial));
}

/// The job's heavy step is over: it cannot have crashed a master.
void Engine::step_is_over(JobId id) {
    const auto found = trials_.find(id);
    if (found == trials_.end()) return;
    store::JobTrial trial = found->second;
    if (trial.step == trial.suspect) {
        trial.suspect = store::HeavyStep::None;
        trial.deaths = 0;
    }
    trial.step = store::HeavyStep::None;
    put_trial(std::move(trial));
}

/// Does it on the pool, once it is written down that it begins.
void Engine::run_heavy(JobId id, store::HeavyStep step, EngineHost::SlowWork work) {
    begin_step(id, step);
    send([this, id, work = std::move(work)]() mutable {
        if (live_.contains(id)) host_.run_slow(std::move(work));
    });
    be_due();
}

/// Several tasks of one job may be computed at a time: the step is over with the last of them.
void Engine::dangerous_task_is_over(JobId id) {
    const auto found = live_.find(id);
    if (found == live_.end() || --found->second.dangerous_tasks > 0) return;
    const auto trial = trials_.find(id);
    // The round may have been left meanwhile, for another step.
    const bool is_in_it =
        trial != trials_.end() && trial->second.step == store::HeavyStep::Computing;
    if (!is_in_it) return;
    step_is_over(id);
    be_due();
}

/// At the start, for all live jobs: holds those that would crash the master again.
void Engine::judge_former_masters() {
    for (store::JobTrial trial : jobs_.trials()) {
        const auto found = live_.find(trial.job);
        if (found == live_.end()) continue;
        JobRun& job = found->second;
        if (!trial.held.empty()) {
            job.held = trial.held;
        } else if (const auto step = std::exchange(trial.step, store::HeavyStep::None);
                   step != store::HeavyStep::None) {
            trial.deaths = trial.suspect == step ? trial.deaths + 1 : 1;
            trial.suspect = step;
        }
        put_trial(trial);
        const bool is_suspect =
            options_.trial_deaths_max > 0 && trial.deaths >= options_.trial_deaths_max;
        if (!is_suspect || !job.held.empty()) continue;
        hold(job, fmt::format("the master ended unexpectedly {} times while it {}; resume the job "
                              "to try it again, or cancel it",
                              trial.deaths, name_of(trial.suspect)));
    }
    const std::uint32_t starts = jobs_.unready_starts() + 1;
    if (options_.trial_deaths_max > 0 && starts > options_.unready_starts_max) {
        for (auto& [id, job] : live_) {
            if (!job.held.empty()) continue;
            hold(job, fmt::format("the master ended unexpectedly {} times before it had taken up "
                                  "all jobs; resume them one by one, or cancel them",
                                  starts - 1));
        }
    }
    put(store::PutUnreadyStarts{starts});
    starts_unready_ = true;
}

void Engine::hold(JobRun& job, const std::string& why) {
    const JobId id = job.record.id;
    spdlog::error("job {} ({}) is held back: {}", id.value, printable(job.record.name), why);
    job.held = why;
    job.record.state = store::JobState::Paused;
    put_record(job.record);
    put_trial({id, store::HeavyStep::None, store::HeavyStep::None, 0, why});
    be_due();
}

/// A user resumes the job, so it is tried again.
void Engine::release(JobRun& job) {
    const JobId id = job.record.id;
    log_within_budget("job that is held back", "", spdlog::level::info, "job {} ({}) goes on",
                      id.value, printable(job.record.name));
    job.held.clear();
    job.record.state = store::JobState::Queued;
    put_record(job.record);
    put_trial({id, store::HeavyStep::None, store::HeavyStep::None, 0, {}});
    if (!job.waits_for.empty()) return be_due();
    resuming_.insert(id);
    to_resume_.push_back(id);
    resume_next();
    be_due();
}

/// An orderly stop: no step is to blame.
void Engine::end_in_order() {
    for (auto& [id, trial] : trials_) {
        trial.step = store::HeavyStep::None;
        put(store::PutTrial{trial});
    }
    if (starts_unready_) put(store::PutUnreadyStarts{0});
    hand_in();
}

}  // namespace netcompute::engine
