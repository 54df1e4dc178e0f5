#include "engine/engine.hpp"

#include <netcompute/assert.hpp>
#include <netcompute/sha256.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>

namespace netcompute::engine {
namespace {

constexpr Duration upkeep_interval = std::chrono::seconds{1};

}  // namespace

Engine::Engine(EngineHost& host, EngineOptions options, store::JobStore& jobs)
    : host_{host},
      options_{std::move(options)},
      jobs_{jobs},
      scheduler_{options_.limits},
      gateway_{options_.gateway, *this},
      last_job_{jobs.next_job_id().value - 1} {
    arm_timer();
}

Engine::~Engine() {
    host_.close();
}

// ---- Turns --------------------------------------------------------------------------------------

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
        core::Effects effects = options_.step_scheduler
                                    ? options_.step_scheduler(scheduler_, instant, item.event)
                                    : scheduler_.step(instant, item.event);
        for (core::Effect& effect : effects) {
            std::visit([&](auto& one) { carry_out(item, one); }, effect);
        }
    }
    if (std::exchange(upkeep_is_due_, false)) forget_lost_workers();
    if (!records_.empty()) {
        const auto committed = jobs_.commit(records_, store::Durability::Power);
        if (!committed) spdlog::error("the job record: {}", committed.error().message);
        records_.clear();
    }
    for (const auto& send : std::exchange(outbox_, {})) send();
    arm_timer();
}

/// Follows the scheduler, which forgets a worker some minutes after it was lost. Only once the
/// inbox is empty: a worker that has just joined is known to the scheduler from then on.
void Engine::forget_lost_workers() {
    std::erase_if(workers_, [this](const auto& entry) {
        if (scheduler_.worker(entry.first)) return false;
        gateway_.forget(entry.first);
        return true;
    });
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
    enqueue({core::ClockTicked{}, {}, nullptr});
}

void Engine::put_record(const store::JobRecord& record) {
    records_.push_back(store::PutJob{record});
}

// ---- Jobs ---------------------------------------------------------------------------------------

Result<JobId> Engine::submit(JobRequest request) {
    const JobType* const type = options_.find_job_type(request.type);
    if (type == nullptr) {
        return unexpected(ErrorCode::InvalidArgument, "type: \"" + request.type + "\" is unknown");
    }
    if (live_.size() >= options_.live_jobs_max) {
        return unexpected(ErrorCode::LimitExceeded,
                          "there are " + std::to_string(live_.size()) +
                              " jobs already; wait for some to end, or cancel them");
    }
    JobContext context = options_.context;
    context.paths_anywhere = request.from_command_line;
    if (auto checked = type->check(request.params, context); !checked) {
        return unexpected(checked.error());
    }
    const JobId id{++last_job_};
    store::JobRecord record;
    record.id = id;
    record.type = request.type;
    record.name = request.name.empty() ? request.type : request.name;
    record.priority = request.priority;
    record.params = request.params.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    record.submitted_unix_ms = host_.unix_ms();
    live_.emplace(id, JobRun{record, now()});
    put_record(record);
    spdlog::info("job {} ({}) submitted", id.value, record.name);
    prepare(id, *type, std::move(request.params), std::move(context));
    enqueue({core::ClockTicked{}, {}, nullptr});
    return id;
}

/// Makes the job ready for its rounds, on the pool unless that is quick.
void Engine::prepare(JobId id, const JobType& type, nlohmann::json params, JobContext context) {
    if (type.is_quick) return begin(id, type.prepare(params, context));
    live_.at(id).phase = "reading data";
    host_.run_slow([this, id, &type, context = std::move(context),
                    params = std::move(params)]() -> EngineHost::Work {
        auto prepared = std::make_shared<Result<PreparedJob>>(type.prepare(params, context));
        return [this, id, prepared] {
            if (live_.contains(id)) begin(id, std::move(*prepared));
            // Else it was cancelled meanwhile.
        };
    });
}

void Engine::begin(JobId id, Result<PreparedJob> prepared) {
    JobRun& job = live_.at(id);
    job.phase.clear();
    if (!prepared) {
        end_job(id, store::JobState::Failed, {}, prepared.error());
        return enqueue({core::ClockTicked{}, {}, nullptr});
    }
    job.begin(std::move(*prepared));
    for (const std::string& note : job.notes) spdlog::info("job {}: {}", id.value, note);
    job.record.state = store::JobState::Running;
    put_record(job.record);
    if (scheduler_.available_worker_count() == 0) {
        spdlog::info("job {} waits for workers", id.value);
    }
    start_round(job);
}

void Engine::start_round(JobRun& job) {
    const auto round = job.start_round();
    if (!round) return finish(job);
    enqueue({core::RoundStarted{job.record.id, job.round_index, round->task_count, job.task_bytes(),
                                job.record.priority},
             {},
             nullptr});
}

/// Makes the result document, on the pool unless that is quick.
void Engine::finish(JobRun& job) {
    const JobId id = job.record.id;
    const bool is_quick = options_.find_job_type(job.record.type)->is_quick;
    if (is_quick) return finished(id, job.take_finish()());
    job.phase = "writing results";
    host_.run_slow([this, id, finish = job.take_finish()]() -> EngineHost::Work {
        auto result = std::make_shared<Result<nlohmann::json>>(finish());
        return [this, id, result] {
            if (live_.contains(id)) finished(id, std::move(*result));
            // Else it was cancelled meanwhile.
        };
    });
}

void Engine::finished(JobId id, Result<nlohmann::json> result) {
    if (result)
        end_job(id, store::JobState::Succeeded, std::move(*result), {});
    else
        end_job(id, store::JobState::Failed, {}, result.error());
    enqueue({core::ClockTicked{}, {}, nullptr});
}

/// Takes a job out of the running ones; the caller sees to a turn, which commits and tells.
void Engine::end_job(JobId id, store::JobState state, nlohmann::json result,
                     std::optional<Error> error) {
    const auto found = live_.find(id);
    JobRun job = std::move(found->second);
    live_.erase(found);
    store::JobRecord record = job.record;
    record.state = state;
    record.elapsed_seconds = to_seconds(now() - job.submitted);
    record.tasks_done = job.tasks_done;
    if (!result.is_null()) record.result = result.dump();
    record.error = std::move(error);
    put_record(record);
    inbox_.push_back({core::JobEnded{id}, {}, nullptr});
    outbox_.push_back([this, record] {
        spdlog::info("job {} ({}): {} after {:.3f} s{}", record.id.value, record.name,
                     store::job_state_name(record.state), record.elapsed_seconds,
                     record.error ? ": " + record.error->message : "");
        const auto watching = watchers_.find(record.id);
        if (watching == watchers_.end()) return;
        const auto callbacks = std::move(watching->second);
        watchers_.erase(watching);
        for (const auto& callback : callbacks) callback(record);
    });
}

Result<void> Engine::cancel(JobId id) {
    if (live_.contains(id)) {
        end_job(id, store::JobState::Cancelled, {}, {});
        enqueue({core::ClockTicked{}, {}, nullptr});
        return {};
    }
    const auto record = jobs_.job(id);
    const std::string name = "job " + std::to_string(id.value);
    if (!record) return unexpected(ErrorCode::NotFound, name + ": there is no such job");
    return unexpected(
        ErrorCode::InvalidArgument,
        name + ": it is over already: " + std::string{store::job_state_name(record->state)});
}

void Engine::when_over(JobId id, std::function<void(const store::JobRecord&)> callback) {
    const auto record = live_.contains(id) ? std::nullopt : jobs_.job(id);
    if (record) return callback(*record);
    watchers_[id].push_back(std::move(callback));
}

const JobRun* Engine::live_job(JobId id) const {
    const auto found = live_.find(id);
    return found == live_.end() ? nullptr : &found->second;
}

void Engine::stop(const std::string& reason) {
    gateway_.close_all(reason);
}

// ---- Effects ------------------------------------------------------------------------------------

void Engine::carry_out(const InboxItem&, core::AssignTasks& effect) {
    const auto found = live_.find(effect.job);
    if (found == live_.end()) return;  // Its end is in the inbox and revokes this.
    spdlog::debug("job {} round {}: {} tasks to {} (lease {})", effect.job.value, effect.round,
                  effect.tasks.size(), worker_name(effect.worker), effect.lease.value);
    // Encoded here, while the round is what it was; sent when the turn is committed.
    auto message = std::make_shared<protocol::WireMessage>(found->second.lease_message(
        effect.lease, effect.tasks, to_seconds(effect.deadline - now()), blobs()));
    outbox_.push_back([this, worker = effect.worker, message] {
        gateway_.send_encoded(worker, std::move(*message));
    });
}

void Engine::carry_out(const InboxItem&, core::RevokeLease& effect) {
    outbox_.push_back([this, effect] {
        gateway_.send(
            effect.worker,
            protocol::Revoke{effect.lease, std::string{revoke_reason_name(effect.reason)}});
    });
}

void Engine::carry_out(const InboxItem& item, core::RecordOutputs& effect) {
    const auto found = live_.find(effect.job);
    if (found == live_.end()) return;
    const auto& results = std::get<core::ResultsReceived>(item.event);
    for (const std::uint32_t position : effect.positions) {
        found->second.keep_output(results.outcomes[position].index, item.output_bytes[position],
                                  item.owner);
    }
    const auto count = static_cast<double>(effect.positions.size());
    const Instant instant = now();
    tasks_done_ += effect.positions.size();
    rate_.add(instant, count);
    found->second.rate.add(instant, count);
    if (const auto worker = workers_.find(effect.worker); worker != workers_.end()) {
        worker->second.tasks_done += effect.positions.size();
        worker->second.rate.add(instant, count);
    }
}

void Engine::carry_out(const InboxItem& item, core::CompareOutput& effect) {
    const auto found = live_.find(effect.job);
    if (found == live_.end()) return;
    const auto& results = std::get<core::ResultsReceived>(item.event);
    const TaskIndex index = results.outcomes[effect.position].index;
    const ByteSpan second = item.output_bytes[effect.position];
    const ByteSpan first = found->second.output(index);
    if (sha256(first) == sha256(second)) return;
    ++contradiction_count_;
    spdlog::error("job {} round {} task {}: {} gave another result than the one that counts",
                  effect.job.value, effect.round, index, worker_name(effect.worker));
}

void Engine::carry_out(const InboxItem&, core::CompleteRound& effect) {
    const auto found = live_.find(effect.job);
    if (found == live_.end()) return;
    JobRun& job = found->second;
    if (const auto folded = job.fold(); !folded) {
        return end_job(effect.job, store::JobState::Failed, {}, folded.error());
    }
    start_round(job);
}

void Engine::carry_out(const InboxItem&, core::FailJob& effect) {
    if (live_.contains(effect.job)) {
        end_job(effect.job, store::JobState::Failed, {}, std::move(effect.error));
    }
}

void Engine::carry_out(const InboxItem&, core::CloseSession& effect) {
    outbox_.push_back([this, effect] {
        gateway_.close(effect.worker, std::string{error_code_name(effect.error.code)},
                       effect.error.message);
    });
}

void Engine::carry_out(const InboxItem&, core::PublishWorker& effect) {
    spdlog::debug("{} is {}", worker_name(effect.worker), worker_state_name(effect.state));
}

// ---- Workers ------------------------------------------------------------------------------------

std::string Engine::worker_name(WorkerId id) const {
    const auto found = workers_.find(id);
    if (found == workers_.end()) return "worker " + std::to_string(id.value);
    const WorkerInfo& worker = found->second;
    return std::string{protocol::worker_kind_name(worker.kind)} + " worker " + worker.name + " (" +
           worker.key + ", " + worker.address + ")";
}

void Engine::on_joined(WorkerId id, const std::string& key, const protocol::Hello& hello,
                       const std::string& address) {
    WorkerInfo& worker = workers_[id];
    worker.id = id;
    worker.key = key;
    worker.name = hello.name.empty() ? key : hello.name;
    worker.kind = hello.kind;
    worker.version = hello.version;
    worker.address = address;
    worker.joined = now();
    spdlog::info("{} joined with {} slots", worker_name(id), hello.slots);
    enqueue({core::WorkerJoined{id, hello.slots, !hello.resume.empty()}, {}, nullptr});
}

void Engine::on_heartbeat(WorkerId id, const protocol::Heartbeat& heartbeat) {
    WorkerInfo& worker = workers_[id];
    worker.cpu = heartbeat.cpu;
    worker.memory_bytes = heartbeat.memory_bytes;
    worker.current = heartbeat.current;
    enqueue({core::HeartbeatReceived{id, heartbeat.leases, heartbeat.slots, heartbeat.paused},
             {},
             nullptr});
}

void Engine::on_results(WorkerId id, const protocol::Results& results,
                        std::shared_ptr<const Bytes> payload) {
    core::ResultsReceived event{id, results.lease, results.job, results.round, results.busy_seconds,
                                {}};
    std::vector<ByteSpan> output_bytes;
    event.outcomes.reserve(results.outcomes.size());
    output_bytes.reserve(results.outcomes.size());
    const auto job = live_.find(results.job);
    for (const protocol::TaskOutcome& outcome : results.outcomes) {
        core::Outcome& one = event.outcomes.emplace_back();
        one.index = outcome.index;
        one.failed = outcome.failed;
        output_bytes.push_back(outcome.bytes);
        if (!outcome.failed) continue;
        one.error = {outcome.code, std::string{as_text(outcome.bytes)}};
        spdlog::warn("job {} round {} task {} failed on {}: {}", results.job.value, results.round,
                     outcome.index, worker_name(id), one.error.message);
        if (job != live_.end()) ++job->second.tasks_failed;
    }
    enqueue({std::move(event), std::move(output_bytes), std::move(payload)});
}

void Engine::on_left(WorkerId id) {
    spdlog::info("{} left", worker_name(id));
    enqueue({core::WorkerLeft{id}, {}, nullptr});
}

void Engine::note_disconnection(WorkerId id, const std::string& reason) {
    spdlog::info("{} disconnected: {}", worker_name(id), reason);
    if (const auto worker = workers_.find(id); worker != workers_.end()) {
        worker->second.current.clear();
        worker->second.cpu = -1;
    }
}

void Engine::on_disconnected(WorkerId id, const std::string& reason) {
    note_disconnection(id, reason);
    enqueue({core::WorkerDisconnected{id}, {}, nullptr});
}

void Engine::on_expelled(WorkerId id, const std::string& reason) {
    note_disconnection(id, reason);
    enqueue({core::WorkerLeft{id}, {}, nullptr});
}

}  // namespace netcompute::engine
