#include "engine/engine.hpp"

#include <netcompute/sha256.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>

namespace netcompute::engine {
namespace {

constexpr Duration upkeep_interval = std::chrono::seconds{1};
/// Of readings of the clocks that are written down: with other records, and by themselves.
constexpr Duration time_noted_interval = std::chrono::seconds{1};
constexpr Duration time_noted_alone_interval = std::chrono::seconds{10};
constexpr Duration turn_time_max = std::chrono::milliseconds{10};
constexpr std::size_t turn_events_max = 10'000;

void set_hashes(core::ResultsReceived& results, const InboxItem& item) {
    const bool are_known = !item.output_hashes.empty();
    for (std::size_t position = 0; position < results.outcomes.size(); ++position) {
        core::Outcome& outcome = results.outcomes[position];
        if (outcome.failed) continue;
        outcome.sha256 =
            are_known ? item.output_hashes[position] : sha256(item.output_bytes[position]);
    }
}

}  // namespace

Engine::Engine(EngineHost& host, EngineOptions options, store::JobStore& jobs)
    : host_{host},
      options_{std::move(options)},
      jobs_{jobs},
      scheduler_{options_.limits, options_.seed},
      gateway_{options_.gateway, *this},
      steady_time_{jobs.last_clock(), host.now(), host.unix_ms()},
      pipeline_{host, jobs, [this](bool stalled) { enqueue(core::StoreStalled{stalled}); }},
      last_job_{jobs.next_job_id().value - 1} {
    arm_timer();
}

Engine::~Engine() {
    host_.close();
}

void Engine::enqueue(InboxItem item) {
    inbox_.add(std::move(item));
    be_due();
}

InboxItem& Engine::enqueue(WorkerId worker, InboxItem item) {
    be_due();
    return inbox_.add(worker, std::move(item));
}

void Engine::be_due() {
    if (std::exchange(turn_is_due_, true)) return;
    host_.post([this] { turn(); });
}

/// The handlers of HTTP calls, on the same thread, run between two turns.
void Engine::turn() {
    const Instant instant = now();
    std::size_t taken = 0;
    // Carrying out an effect may add to the inbox: the next round, the end of a job.
    while (!inbox_.empty() && taken < turn_events_max && now() - instant < turn_time_max) {
        take(instant, inbox_.take());
        ++taken;
    }
    turn_is_due_ = false;
    if (!inbox_.empty()) be_due();
    const bool upkeep = std::exchange(upkeep_is_due_, false);
    if (upkeep) {
        if (inbox_.empty()) forget_lost_workers();
        end_late_jobs();
        submit_waiting_children();
    }
    settle_ends();
    note_time(upkeep);
    hand_in();
    // While the store cannot be written it is tried once a second, not with each heartbeat.
    if (upkeep) pipeline_.retry();
    arm_timer();
}

void Engine::take(Instant instant, InboxItem item) {
    if (const auto* beat = std::get_if<core::HeartbeatReceived>(&item.event)) {
        waiting_heartbeats_.erase(beat->worker);
    } else if (auto* const results = std::get_if<core::ResultsReceived>(&item.event)) {
        set_hashes(*results, item);
    }
    core::Effects effects = options_.step_scheduler
                                ? options_.step_scheduler(scheduler_, instant, item.event)
                                : scheduler_.step(instant, item.event);
    count_extra_results(item.event, effects);
    for (core::Effect& effect : effects) {
        std::visit([&](auto& one) { carry_out(item, one); }, effect);
    }
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

/// The next master computes the time that has passed from the last stored reading. Without live
/// jobs nothing needs it.
void Engine::note_time(bool upkeep) {
    if (!store_trouble().empty() || live_.empty()) return;
    if (turn_.records.empty() && !upkeep) return;
    const Duration interval =
        turn_.records.empty() ? time_noted_alone_interval : time_noted_interval;
    const Instant instant = now();
    if (time_noted_ && std::chrono::abs(instant - *time_noted_) < interval) return;
    time_noted_ = instant;
    put(store::PutClock{{steady_time_.ms(instant), host_.unix_ms()}});
}

/// Commits the decisions of this turn; messages follow the commit.
void Engine::hand_in() {
    for (const WorkerId id : std::exchange(changed_workers_, {})) {
        const auto found = workers_.find(id);
        if (found == workers_.end()) continue;
        put(store::PutWorker{record_of(found->second)});
    }
    if (jobs_.has_leftovers() && !is_erasing_) {
        is_erasing_ = true;
        put(store::EraseLeftovers{});
        send([this] {
            is_erasing_ = false;
            be_due();
        });
    }
    for (const auto& [id, round] : std::exchange(go_back_, {})) {
        send([this, id = id, round = round] { go_back(id, round); });
    }
    pipeline_.add(std::exchange(turn_, {}));
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

void Engine::when_written(std::function<void(Result<void>)> callback) {
    if (!turn_is_due_) return pipeline_.when_flushed(std::move(callback));
    turn_.answers.push_back(std::move(callback));
}

std::optional<store::JobRecord> Engine::record(JobId id) const {
    const auto ending = ending_.find(id);
    return ending == ending_.end() ? jobs_.job(id) : ending->second;
}

void Engine::when_over(JobId id, std::function<void(const store::JobRecord&)> callback) {
    const auto over = live_.contains(id) ? std::nullopt : record(id);
    if (over && store::is_final(over->state)) return callback(*over);
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
