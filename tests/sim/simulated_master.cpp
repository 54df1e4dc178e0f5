#include "simulated_master.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration upkeep_interval = 1s;

core::SchedulerLimits limits_given(core::SchedulerLimits limits, Sabotage sabotage) {
    if (sabotage == Sabotage::GiveTooMuch) ++limits.leases_per_worker_max;
    return limits;
}

}  // namespace

SimulatedMaster::SimulatedMaster(std::uint64_t seed, core::SchedulerLimits limits,
                                 Sabotage sabotage, Surroundings surroundings)
    : around_{std::move(surroundings)},
      sabotage_{sabotage},
      dice_{seed, DiceOf::Master},
      scheduler_{limits_given(limits, sabotage)},
      ledger_{limits, around_.report},
      gateway_{{}, *this} {
    arm_timer();
}

void SimulatedMaster::trace(std::string_view what, std::initializer_list<Trace::Number> numbers) {
    around_.trace.add(around_.queue.now(), "master", 0, what, numbers);
}

// ---- The world ----------------------------------------------------------------------------------

void SimulatedMaster::jump(Duration by) {
    trace(by > 0ns ? "clock forward" : "clock back",
          {{"ms", static_cast<std::uint64_t>(std::chrono::abs(by) / 1ms)}});
    clock_offset_ += by;
    arm_timer();
}

void SimulatedMaster::stall_until(Instant when) {
    trace("stall", {{"ms", static_cast<std::uint64_t>((when - around_.queue.now()) / 1ms)}});
    stalled_until_ = std::max(stalled_until_, when);
}

void SimulatedMaster::receive(const net::SessionPtr& from, std::string header, Bytes payload) {
    if (around_.queue.now() < stalled_until_) {
        around_.queue.at(stalled_until_, [this, from, header = std::move(header),
                                          payload = std::move(payload)]() mutable {
            receive(from, std::move(header), std::move(payload));
        });
        return;
    }
    gateway_.on_frame(from, header, std::make_shared<const Bytes>(std::move(payload)));
}

void SimulatedMaster::closed(const net::SessionPtr& session) {
    if (around_.queue.now() < stalled_until_) {
        around_.queue.at(stalled_until_, [this, session] { closed(session); });
        return;
    }
    gateway_.on_close(session);
}

// ---- Turns --------------------------------------------------------------------------------------

void SimulatedMaster::enqueue(InboxItem item) {
    inbox_.push_back(std::move(item));
    inbox_max_ = std::max(inbox_max_, inbox_.size());
    schedule_turn();
}

void SimulatedMaster::schedule_turn() {
    if (std::exchange(turn_is_due_, true)) return;
    // A busy master takes several events in one turn.
    const Duration delay = dice_.chance(0.1) ? dice_.between(0ms, 20ms) : 0ms;
    around_.queue.at(std::max(around_.queue.now() + delay, stalled_until_), [this] { turn(); });
}

void SimulatedMaster::turn() {
    turn_is_due_ = false;
    const Instant instant = now();
    while (!inbox_.empty()) {
        const InboxItem item = std::move(inbox_.front());
        inbox_.pop_front();
        step(item, instant);
    }
    for (const auto& send : std::exchange(outbox_, {})) send();
    arm_timer();
}

void SimulatedMaster::step(const InboxItem& item, Instant instant) {
    ++step_count_;
    trace_event(item.event);
    core::Event told = item.event;
    if (sabotage_ == Sabotage::FreezeTime) {
        instant = Instant{};
        if (std::holds_alternative<core::WorkerDisconnected>(told)) told = core::ClockTicked{};
    }
    if (auto* beat = std::get_if<core::HeartbeatReceived>(&told);
        beat != nullptr && sabotage_ == Sabotage::RenewEverything) {
        beat->leases = leases_given_[beat->worker];
    }
    if (auto* joined = std::get_if<core::WorkerJoined>(&told);
        joined != nullptr && sabotage_ == Sabotage::HideResumptions) {
        joined->resumed = false;
    }
    if (auto* round = std::get_if<core::RoundStarted>(&told);
        round != nullptr && sabotage_ == Sabotage::PreferNewestJob) {
        round->priority = static_cast<std::int32_t>(round->job.value);
    }
    if (sabotage_ == Sabotage::RenewEverything) forget_ended_leases(item.event);
    const core::Effects effects = scheduler_.step(instant, told);
    ledger_.check_step(instant, item.event, effects, scheduler_);
    for (const core::Effect& effect : effects) {
        std::visit([&](const auto& one) { carry_out(item, one); }, effect);
    }
}

/// Leaves those of which nothing was ever heard: their frames may be lost.
void SimulatedMaster::forget_ended_leases(const core::Event& event) {
    if (const auto* results = std::get_if<core::ResultsReceived>(&event)) {
        std::erase(leases_given_[results->worker], results->lease);
    } else if (const auto* gone = std::get_if<core::WorkerDisconnected>(&event)) {
        leases_given_.erase(gone->worker);
    } else if (const auto* left = std::get_if<core::WorkerLeft>(&event)) {
        leases_given_.erase(left->worker);
    }
}

void SimulatedMaster::arm_timer() {
    const Instant due = std::min(scheduler_.next_deadline(), now() + upkeep_interval);
    const Instant at = std::max(due - clock_offset_, around_.queue.now());
    if (timer_at_ <= at) return;
    timer_at_ = at;
    around_.queue.at(at, [this, at] {
        if (timer_at_ == at) timer_fired();
    });
}

void SimulatedMaster::timer_fired() {
    timer_at_ = instant_never;
    std::erase_if(known_workers_, [this](WorkerId worker) {
        if (scheduler_.worker(worker)) return false;
        gateway_.forget(worker);
        return true;
    });
    enqueue({core::ClockTicked{}, {}, nullptr});
}

// ---- Jobs ---------------------------------------------------------------------------------------

JobId SimulatedMaster::submit(const JobTemplate& what, std::int32_t priority) {
    const JobId id{++last_job_};
    trace("submit", {{"job", id.value}, {"priority", static_cast<std::uint64_t>(priority)}});
    around_.trace.remark("job " + std::to_string(id.value) + " is " + what.name);
    store::JobRecord record;
    record.id = id;
    record.priority = priority;
    LiveJob& job =
        live_.emplace(id, LiveJob{&what, engine::JobRun{std::move(record), now()}, nullptr, {}})
            .first->second;
    engine::PreparedJob prepared;
    prepared.program = what.make();
    job.program = prepared.program.get();
    job.run.begin(std::move(prepared));
    start_round(job);
    return id;
}

void SimulatedMaster::cancel(JobId id) {
    if (!live_.contains(id)) return;
    end_job(id, "cancelled");
    schedule_turn();
}

void SimulatedMaster::start_round(LiveJob& job) {
    const JobId id = job.run.record.id;
    const auto round = job.run.start_round();
    if (!round) {
        // Writing results takes a while.
        around_.queue.after(dice_.between(0ms, 10ms), [this, id] { finish(id); });
        return;
    }
    job.recorded.assign(round->task_count, false);
    enqueue({core::RoundStarted{id, job.run.round_index, round->task_count, job.run.task_bytes(),
                                job.run.record.priority},
             {},
             nullptr});
}

void SimulatedMaster::finish(JobId id) {
    const auto found = live_.find(id);
    if (found == live_.end()) return;  // Cancelled meanwhile.
    const LiveJob& job = found->second;
    if (job.program->result_bytes() != job.what->expected) {
        around_.report("job " + std::to_string(id.value) + " (" + job.what->name +
                       ") gave other bytes than one process does");
    }
    ++succeeded_count_;
    end_job(id, "succeeded");
    schedule_turn();
}

void SimulatedMaster::end_job(JobId id, std::string_view how) {
    trace(how, {{"job", id.value}});
    live_.erase(id);
    inbox_.push_back({core::JobEnded{id}, {}, nullptr});
}

// ---- Effects ------------------------------------------------------------------------------------

void SimulatedMaster::carry_out(const InboxItem&, const core::AssignTasks& effect) {
    trace("assign", {{"lease", effect.lease.value},
                     {"worker", effect.worker.value},
                     {"job", effect.job.value},
                     {"round", effect.round},
                     {"first", effect.tasks.front()},
                     {"count", effect.tasks.size()},
                     {"seconds", static_cast<std::uint64_t>((effect.deadline - now()) / 1s)}});
    if (sabotage_ == Sabotage::RenewEverything) {
        leases_given_[effect.worker].push_back(effect.lease);
    }
    const auto found = live_.find(effect.job);
    if (found == live_.end()) return;  // Its end is in the inbox and revokes this.
    auto message = std::make_shared<protocol::WireMessage>(found->second.run.lease_message(
        effect.lease, effect.tasks, to_seconds(effect.deadline - now()), around_.catalog.blobs()));
    outbox_.push_back([this, worker = effect.worker, message] {
        gateway_.send_encoded(worker, std::move(*message));
    });
}

void SimulatedMaster::carry_out(const InboxItem&, const core::RevokeLease& effect) {
    trace("revoke", {{"lease", effect.lease.value},
                     {"worker", effect.worker.value},
                     {"reason", static_cast<std::uint64_t>(effect.reason)}});
    if (sabotage_ == Sabotage::RenewEverything) {
        std::erase(leases_given_[effect.worker], effect.lease);
    }
    outbox_.push_back([this, effect] {
        gateway_.send(
            effect.worker,
            protocol::Revoke{effect.lease, std::string{revoke_reason_name(effect.reason)}});
    });
}

void SimulatedMaster::record(const InboxItem& item, LiveJob& job, std::uint32_t position) {
    const auto& results = std::get<core::ResultsReceived>(item.event);
    const TaskIndex index = results.outcomes[position].index;
    if (job.recorded.at(index)) {
        around_.report("task " + std::to_string(index) + " of job " +
                       std::to_string(results.job.value) + " was recorded twice");
    }
    job.recorded[index] = true;
    const ByteSpan bytes = item.output_bytes[position];
    if (sabotage_ == Sabotage::DamageOutput && index == 0 && !bytes.empty()) {
        auto damaged = std::make_shared<Bytes>(bytes.begin(), bytes.end());
        damaged->back() ^= std::byte{1};
        job.run.keep_output(index, *damaged, damaged);
        return;
    }
    job.run.keep_output(index, bytes, item.owner);
}

void SimulatedMaster::carry_out(const InboxItem& item, const core::RecordOutputs& effect) {
    trace("record",
          {{"job", effect.job.value}, {"round", effect.round}, {"count", effect.positions.size()}});
    const auto found = live_.find(effect.job);
    if (found == live_.end()) return;
    for (const std::uint32_t position : effect.positions) record(item, found->second, position);
}

void SimulatedMaster::carry_out(const InboxItem& item, const core::CompareOutput& effect) {
    trace("compare", {{"job", effect.job.value}, {"position", effect.position}});
    const auto found = live_.find(effect.job);
    if (found == live_.end()) return;
    if (sabotage_ == Sabotage::RecordSecondResults) {
        return record(item, found->second, effect.position);
    }
    const auto& results = std::get<core::ResultsReceived>(item.event);
    const ByteSpan second = item.output_bytes[effect.position];
    const ByteSpan first = found->second.run.output(results.outcomes[effect.position].index);
    if (!std::ranges::equal(first, second) && sabotage_ != Sabotage::DamageOutput) {
        around_.report("two honest workers gave different bytes for one task");
    }
}

void SimulatedMaster::carry_out(const InboxItem&, const core::CompleteRound& effect) {
    trace("complete", {{"job", effect.job.value}, {"round", effect.round}});
    const auto found = live_.find(effect.job);
    if (found == live_.end() || sabotage_ == Sabotage::ForgetCompletion) return;
    if (const auto folded = found->second.run.fold(); !folded) {
        around_.report("a fold failed: " + folded.error().message);
        ++failed_count_;
        return end_job(effect.job, "fold failed");
    }
    start_round(found->second);
}

void SimulatedMaster::carry_out(const InboxItem&, const core::FailJob& effect) {
    around_.trace.remark(effect.error.message);
    if (!live_.contains(effect.job)) return;
    ++failed_count_;
    end_job(effect.job, "failed");
}

void SimulatedMaster::carry_out(const InboxItem&, const core::CloseSession& effect) {
    trace("close session", {{"worker", effect.worker.value}});
    outbox_.push_back([this, effect] {
        gateway_.close(effect.worker, std::string{error_code_name(effect.error.code)},
                       effect.error.message);
    });
}

void SimulatedMaster::carry_out(const InboxItem&, const core::PublishWorker& effect) {
    trace(worker_state_name(effect.state), {{"worker", effect.worker.value}});
}

// ---- Workers ------------------------------------------------------------------------------------

void SimulatedMaster::on_joined(WorkerId worker, const std::string&, const protocol::Hello& hello,
                                const std::string&) {
    known_workers_.insert(worker);
    if (!hello.resume.empty()) trace("asked to resume", {{"worker", worker.value}});
    enqueue({core::WorkerJoined{worker, hello.slots, !hello.resume.empty()}, {}, nullptr});
}

void SimulatedMaster::on_heartbeat(WorkerId worker, const protocol::Heartbeat& heartbeat) {
    enqueue({core::HeartbeatReceived{worker, heartbeat.leases, heartbeat.slots, heartbeat.paused},
             {},
             nullptr});
}

void SimulatedMaster::on_results(WorkerId worker, const protocol::Results& results,
                                 std::shared_ptr<const Bytes> payload) {
    core::ResultsReceived event{worker,        results.lease,        results.job,
                                results.round, results.busy_seconds, {}};
    std::vector<ByteSpan> output_bytes;
    for (const protocol::TaskOutcome& outcome : results.outcomes) {
        core::Outcome& one = event.outcomes.emplace_back();
        one.index = outcome.index;
        one.failed = outcome.failed;
        if (outcome.failed) one.error = {outcome.code, std::string{as_text(outcome.bytes)}};
        output_bytes.push_back(outcome.bytes);
    }
    enqueue({std::move(event), std::move(output_bytes), std::move(payload)});
}

void SimulatedMaster::on_left(WorkerId worker) {
    enqueue({core::WorkerLeft{worker}, {}, nullptr});
}

void SimulatedMaster::on_disconnected(WorkerId worker, const std::string& reason) {
    around_.trace.remark("worker " + std::to_string(worker.value) + " disconnected: " + reason);
    enqueue({core::WorkerDisconnected{worker}, {}, nullptr});
}

void SimulatedMaster::on_expelled(WorkerId worker, const std::string& reason) {
    around_.trace.remark("worker " + std::to_string(worker.value) + " was sent away: " + reason);
    enqueue({core::WorkerLeft{worker}, {}, nullptr});
}

// ---- The trace ----------------------------------------------------------------------------------

void SimulatedMaster::trace_event(const core::Event& event) {
    if (const auto* joined = std::get_if<core::WorkerJoined>(&event)) {
        trace("> joined", {{"worker", joined->worker.value}, {"slots", joined->slots}});
    } else if (const auto* gone = std::get_if<core::WorkerDisconnected>(&event)) {
        trace("> disconnected", {{"worker", gone->worker.value}});
    } else if (const auto* left = std::get_if<core::WorkerLeft>(&event)) {
        trace("> left", {{"worker", left->worker.value}});
    } else if (const auto* beat = std::get_if<core::HeartbeatReceived>(&event)) {
        trace("> heartbeat", {{"worker", beat->worker.value},
                              {"leases", beat->leases.size()},
                              {"newest", beat->leases.empty() ? 0 : beat->leases.back().value},
                              {"slots", beat->slots},
                              {"paused", beat->paused ? 1U : 0U}});
    } else if (const auto* round = std::get_if<core::RoundStarted>(&event)) {
        trace("> round",
              {{"job", round->job.value}, {"round", round->round}, {"tasks", round->task_count}});
    } else if (const auto* ended = std::get_if<core::JobEnded>(&event)) {
        trace("> job ended", {{"job", ended->job.value}});
    } else if (const auto* results = std::get_if<core::ResultsReceived>(&event)) {
        trace("> results", {{"worker", results->worker.value},
                            {"lease", results->lease.value},
                            {"count", results->outcomes.size()},
                            {"first", results->outcomes.empty() ? 0 : results->outcomes[0].index},
                            {"failed", results->outcomes.empty()     ? 0U
                                       : results->outcomes[0].failed ? 1U
                                                                     : 0U}});
    } else {
        trace("> tick");
    }
}

}  // namespace netcompute::sim
