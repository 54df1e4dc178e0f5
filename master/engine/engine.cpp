#include "engine/engine.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace netcompute::engine {
namespace {

constexpr Duration upkeep_interval = std::chrono::seconds{1};
/// Of readings of the clocks that are written down: with other records, and by themselves.
constexpr Duration time_noted_interval = std::chrono::seconds{1};
constexpr Duration time_noted_alone_interval = std::chrono::seconds{10};

}  // namespace

Engine::Engine(EngineHost& host, EngineOptions options, store::JobStore& jobs)
    : host_{host},
      options_{std::move(options)},
      jobs_{jobs},
      scheduler_{options_.limits, options_.seed},
      gateway_{options_.gateway, *this},
      steady_time_{jobs.last_clock(), host.now(), host.unix_ms()},
      last_job_{jobs.next_job_id().value - 1} {
    arm_timer();
}

Engine::~Engine() {
    host_.close();
}

void Engine::enqueue(InboxItem item) {
    inbox_.push_back(std::move(item));
    if (std::exchange(turn_is_due_, true)) return;
    host_.post([this] { turn(); });
}

void Engine::turn() {
    turn_is_due_ = false;
    const Instant instant = now();
    while (!inbox_.empty()) {
        // Carrying out an effect may add to the inbox: the next round, the end of a job.
        const InboxItem item = std::move(inbox_.front());
        inbox_.pop_front();
        if (const auto* beat = std::get_if<core::HeartbeatReceived>(&item.event)) {
            waiting_heartbeats_.erase(beat->worker);
        }
        core::Effects effects = options_.step_scheduler
                                    ? options_.step_scheduler(scheduler_, instant, item.event)
                                    : scheduler_.step(instant, item.event);
        count_extra_results(item.event, effects);
        for (core::Effect& effect : effects) {
            std::visit([&](auto& one) { carry_out(item, one); }, effect);
        }
    }
    const bool upkeep = std::exchange(upkeep_is_due_, false);
    if (upkeep) {
        forget_lost_workers();
        end_late_jobs();
    }
    note_time(upkeep);
    // While the store cannot be written it is tried once a second, not with each heartbeat.
    if (store_trouble_.empty() || upkeep) commit_and_send();
    arm_timer();
}

/// Results for tasks that had an output: checks, and copies of what a straggler was late with.
void Engine::count_extra_results(const core::Event& event, const core::Effects& effects) {
    const auto* const results = std::get_if<core::ResultsReceived>(&event);
    if (results == nullptr) return;
    const auto job = live_.find(results->job);
    if (job == live_.end()) return;
    if (const auto round = scheduler_.round(results->job)) {
        job->second.record.slot_seconds = round->slot_seconds;
    }
    auto extra = static_cast<std::size_t>(std::ranges::count_if(
        results->outcomes, [](const core::Outcome& outcome) { return !outcome.failed; }));
    for (const core::Effect& effect : effects) {
        if (const auto* const record = std::get_if<core::RecordOutputs>(&effect)) {
            extra -= record->positions.size();
        }
    }
    job->second.record.checks += extra;
}

/// The next master reckons what time went by from the last reading that is written down. While no
/// job is live, nothing needs it.
void Engine::note_time(bool upkeep) {
    if (!store_trouble_.empty() || live_.empty()) return;
    if (records_.empty() && !upkeep) return;
    const Duration interval = records_.empty() ? time_noted_alone_interval : time_noted_interval;
    const Instant instant = now();
    if (time_noted_ && std::chrono::abs(instant - *time_noted_) < interval) return;
    time_noted_ = instant;
    records_.push_back(store::PutClock{{steady_time_.ms(instant), host_.unix_ms()}});
}

/// Writes down all that was decided, and then tells of it. Where that cannot be done, everything
/// waits for the next try, and nothing new is begun.
void Engine::commit_and_send() {
    for (const WorkerId id : std::exchange(changed_workers_, {})) {
        const auto found = workers_.find(id);
        if (found == workers_.end()) continue;
        records_.push_back(store::PutWorker{record_of(found->second)});
    }
    if (!records_.empty()) {
        const auto durability = promises_ ? store::Durability::Power : store::Durability::Process;
        const auto committed = jobs_.commit(records_, durability);
        if (!committed) {
            if (!std::exchange(store_trouble_, committed.error().message).empty()) return;
            spdlog::error("jobs wait: {}", store_trouble_);
            return enqueue(core::StoreStalled{true});
        }
        records_.clear();
        promises_ = false;
    }
    if (!store_trouble_.empty()) {
        spdlog::info("the store can be written again: jobs go on");
        store_trouble_.clear();
        enqueue(core::StoreStalled{false});
    }
    for (const auto& send : std::exchange(outbox_, {})) send();
    go_back_where_asked();
}

void Engine::go_back_where_asked() {
    for (const auto& [id, round] : std::exchange(go_back_, {})) go_back(id, round);
}

/// Wakes at the scheduler's next deadline, and once a second for upkeep.
void Engine::arm_timer() {
    const Instant at = std::min(scheduler_.next_deadline(), now() + upkeep_interval);
    if (timer_at_ <= at && timer_at_ > now()) return;  // It wakes early enough as it is.
    timer_at_ = at;
    host_.wake_at(at, [this] { wake(); });
}

void Engine::wake() {
    timer_at_ = instant_never;
    gateway_.expire_greetings(now());
    upkeep_is_due_ = true;
    enqueue(core::ClockTicked{});
}

void Engine::when_over(JobId id, std::function<void(const store::JobRecord&)> callback) {
    const auto record = live_.contains(id) ? std::nullopt : jobs_.job(id);
    if (record && store::is_final(record->state)) return callback(*record);
    watchers_[id].push_back(std::move(callback));
}

const JobRun* Engine::live_job(JobId id) const {
    const auto found = live_.find(id);
    return found == live_.end() ? nullptr : &found->second;
}

double Engine::seconds_since_submission(const JobRun& job) const {
    return std::max(to_seconds(now() - job.submitted), 0.0);
}

void Engine::stop(const std::string& reason) {
    gateway_.close_all(reason);
    end_in_order();
}

}  // namespace netcompute::engine
