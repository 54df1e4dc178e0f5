#include "simulated_master.hpp"

#include "step_trace.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::sim {

using namespace std::chrono_literals;

SimulatedMaster::SimulatedMaster(std::uint64_t seed, core::SchedulerLimits limits,
                                 Sabotage sabotage, Surroundings surroundings)
    : around_{std::move(surroundings)},
      saboteur_{sabotage},
      dice_{seed, DiceOf::Master},
      limits_{limits},
      ledger_{limits, around_.report},
      host_{around_.queue, dice_},
      engine_{host_, engine_options(), store_} {}

engine::EngineOptions SimulatedMaster::engine_options() {
    engine::EngineOptions options;
    options.limits = saboteur_.limits(limits_);
    options.gateway.new_session_key = [this] {
        return "session-" + std::to_string(++last_session_);
    };
    options.context.blobs = &around_.catalog.blobs();
    options.find_job_type = [this](std::string_view name) {
        return saboteur_.job_type(around_.catalog.find_job_type(name));
    };
    options.step_scheduler = [this](core::Scheduler& scheduler, Instant now,
                                    const core::Event& event) {
        return step(scheduler, now, event);
    };
    return options;
}

void SimulatedMaster::trace(std::string_view what, std::initializer_list<Trace::Number> numbers) {
    around_.trace.add(around_.queue.now(), "master", 0, what, numbers);
}

// ---- The world ----------------------------------------------------------------------------------

void SimulatedMaster::jump(Duration by) {
    trace(by > 0ns ? "clock forward" : "clock back",
          {{"ms", static_cast<std::uint64_t>(std::chrono::abs(by) / 1ms)}});
    host_.jump(by);
}

void SimulatedMaster::stall_until(Instant when) {
    trace("stall", {{"ms", static_cast<std::uint64_t>((when - around_.queue.now()) / 1ms)}});
    host_.stall_until(when);
}

void SimulatedMaster::receive(const net::SessionPtr& from, std::string header, Bytes payload) {
    host_.enter([this, from, header = std::move(header),
                 payload = std::make_shared<const Bytes>(std::move(payload))] {
        engine_.gateway().on_frame(from, header, payload);
    });
}

void SimulatedMaster::closed(const net::SessionPtr& session) {
    host_.enter([this, session] { engine_.gateway().on_close(session); });
}

// ---- Jobs ---------------------------------------------------------------------------------------

void SimulatedMaster::submit(const JobTemplate& what, std::int32_t priority,
                             std::function<void(JobId)> accepted) {
    host_.enter([this, &what, priority, accepted = std::move(accepted)] {
        engine::JobRequest request;
        request.type = what.type.name;
        request.priority = priority;
        const auto id = engine_.submit(std::move(request));
        if (!id) return around_.report("a job was refused: " + id.error().message);
        trace("submit", {{"job", id->value}, {"priority", static_cast<std::uint64_t>(priority)}});
        around_.trace.remark("job " + std::to_string(id->value) + " is " +
                             std::string{what.type.name});
        open_jobs_[*id] = {&what};
        engine_.when_over(*id, [this](const store::JobRecord& record) { job_over(record); });
        accepted(*id);
    });
}

void SimulatedMaster::cancel(JobId id) {
    host_.enter([this, id] {
        const auto found = open_jobs_.find(id);
        if (found == open_jobs_.end()) return;
        found->second.cancelled = engine_.cancel(id).has_value();
    });
}

void SimulatedMaster::job_over(const store::JobRecord& record) {
    const OpenJob job = open_jobs_.at(record.id);
    open_jobs_.erase(record.id);
    trace(store::job_state_name(record.state), {{"job", record.id.value}});
    const std::string name =
        "job " + std::to_string(record.id.value) + " (" + std::string{job.what->type.name} + ")";
    const std::string why = record.error ? record.error->message : "";
    switch (record.state) {
        case store::JobState::Succeeded:
            ++succeeded_count_;
            if (record.result != job.what->expected) {
                around_.report(name + " gave other bytes than one process does");
            }
            return;
        case store::JobState::Failed:
            ++failed_count_;
            if (!job.given_up) around_.report(name + " failed by itself: " + why);
            return;
        case store::JobState::Cancelled:
            if (!job.cancelled) around_.report(name + " was cancelled, but nobody asked for it");
            return;
        default:
            around_.report(name + " is said to be over, but it is not");
    }
}

// ---- The scheduler's steps ----------------------------------------------------------------------

core::Effects SimulatedMaster::step(core::Scheduler& scheduler, Instant now,
                                    const core::Event& event) {
    ++step_count_;
    inbox_max_ = std::max(inbox_max_, engine_.inbox_size());
    trace_event(around_.trace, around_.queue.now(), event);
    const Instant told_now = saboteur_.clock(now);
    core::Effects effects = scheduler.step(told_now, saboteur_.event(event));
    ledger_.check_step(told_now, event, effects, scheduler);
    for (const core::Effect& effect : effects) {
        trace_effect(around_.trace, around_.queue.now(), now, effect);
        const auto* const failed = std::get_if<core::FailJob>(&effect);
        if (failed == nullptr) continue;
        const auto job = open_jobs_.find(failed->job);
        if (job != open_jobs_.end()) job->second.given_up = true;
    }
    effects = saboteur_.effects(std::move(effects));
    check_recorded_once(event, effects);
    return effects;
}

/// Of what the engine is told to keep.
void SimulatedMaster::check_recorded_once(const core::Event& event, const core::Effects& effects) {
    if (const auto* round = std::get_if<core::RoundStarted>(&event)) {
        recorded_[round->job].assign(round->task_count, false);
    }
    for (const core::Effect& effect : effects) {
        const auto* const record = std::get_if<core::RecordOutputs>(&effect);
        if (record == nullptr) continue;
        const auto& outcomes = std::get<core::ResultsReceived>(event).outcomes;
        for (const std::uint32_t position : record->positions) {
            const TaskIndex index = outcomes.at(position).index;
            auto is_recorded = recorded_.at(record->job).at(index);
            if (is_recorded) {
                around_.report("task " + std::to_string(index) + " of job " +
                               std::to_string(record->job.value) + " was recorded twice");
            }
            is_recorded = true;
        }
    }
}

void SimulatedMaster::check_end() const {
    if (engine_.contradiction_count() > 0) {
        around_.report("two honest workers gave different bytes for one task");
    }
}

}  // namespace netcompute::sim
