#include "engine/engine.hpp"
#include "engine/within_memory.hpp"
#include <netcompute/sha256.hpp>

#include <spdlog/spdlog.h>

namespace netcompute::engine {

void Engine::carry_out(const InboxItem&, core::AssignTasks& effect) {
    const auto found = live_.find(effect.job);
    if (found == live_.end()) return;  // Its end is in the inbox and revokes this.
    spdlog::debug("job {} round {}: {} tasks to {} (lease {})", effect.job.value, effect.round,
                  effect.tasks.size(), worker_name(effect.worker), effect.lease.value);
    if (const auto worker = workers_.find(effect.worker); worker != workers_.end()) {
        LeaseId& first = worker->second.first_lease;
        if (first == LeaseId{}) first = effect.lease;
        worker->second.last_lease = effect.lease;
    }
    // Encoded here, while the round is what it was; sent when the turn is committed.
    auto message = std::make_shared<protocol::WireMessage>(found->second.lease_message(
        effect.lease, effect.tasks, to_seconds(effect.deadline - now())));
    put(store::PutLease{{effect.lease, effect.worker, effect.job, effect.round, effect.is_check,
                         std::move(effect.tasks)}});
    send([this, worker = effect.worker, message] {
        gateway_.send_encoded(worker, std::move(*message));
    });
}

void Engine::carry_out(const InboxItem&, core::RevokeLease& effect) {
    send([this, effect] {
        gateway_.send(
            effect.worker,
            protocol::Revoke{effect.lease, std::string{revoke_reason_name(effect.reason)}});
    });
}

void Engine::carry_out(const InboxItem& item, core::RecordOutputs& effect) {
    const auto found = live_.find(effect.job);
    if (found == live_.end()) return;
    const auto& results = std::get<core::ResultsReceived>(item.event);
    store::PutOutputs outputs{effect.job, effect.round, effect.worker, {}, item.owner};
    outputs.outputs.reserve(effect.positions.size());
    for (const std::uint32_t position : effect.positions) {
        const TaskIndex index = results.outcomes[position].index;
        found->second.keep_output(index, item.output_bytes[position], item.owner);
        outputs.outputs.push_back({index, item.output_bytes[position]});
    }
    put(std::move(outputs));
    const auto count = static_cast<double>(effect.positions.size());
    const Instant instant = now();
    tasks_done_ += effect.positions.size();
    rate_.add(instant, count);
    found->second.rate.add(instant, count);
    if (const auto worker = workers_.find(effect.worker); worker != workers_.end()) {
        // For a master that comes after this one: it can work.
        if (worker->second.tasks_done == 0) put_worker(effect.worker);
        worker->second.tasks_done += effect.positions.size();
        worker->second.rate.add(instant, count);
    }
}

void Engine::carry_out(const InboxItem&, core::ConfirmOutputs& effect) {
    const auto found = live_.find(effect.job);
    if (found == live_.end()) return;
    for (const TaskIndex index : effect.tasks) {
        put(store::ConfirmOutput{effect.job, effect.round, index, effect.confirmer});
    }
}

void Engine::carry_out(const InboxItem&, core::AuditTask& effect) {
    const auto found = live_.find(effect.job);
    if (found == live_.end()) return;
    ++found->second.record.audits;
    EngineHost::SlowWork work = [this, effect,
                                 audit = found->second.audit(effect.index, options_.compute)] {
        auto output = std::make_shared<Result<Bytes>>(within_memory(audit));
        return [this, effect, output] {
            if (effect.may_crash) dangerous_task_is_over(effect.job);
            core::TaskAudited event{effect.job, effect.round, effect.visit, effect.index, {}, false,
                                    {}};
            if (!*output) {
                event.failed = true;
                event.error = output->error();
                return enqueue(std::move(event));
            }
            auto owner = std::make_shared<const Bytes>(std::move(**output));
            event.sha256 = sha256(*owner);
            enqueue({std::move(event), {ByteSpan{*owner}}, owner});
        };
    };
    if (!effect.may_crash) return host_.run_slow(std::move(work));
    ++found->second.dangerous_tasks;
    run_heavy(effect.job, store::HeavyStep::Computing, std::move(work));
}

void Engine::carry_out(const InboxItem& item, core::RecordAudit& effect) {
    const auto found = live_.find(effect.job);
    if (found == live_.end()) return;
    found->second.keep_output(effect.index, item.output_bytes.front(), item.owner);
    put(store::PutOutputs{effect.job,
                          effect.round,
                          WorkerId{},
                          {{effect.index, item.output_bytes.front()}},
                          item.owner});
    put(store::ConfirmOutput{effect.job, effect.round, effect.index, WorkerId{}});
}

void Engine::carry_out(const InboxItem&, core::QuarantineWorker& effect) {
    WorkerInfo& worker = workers_[effect.worker];
    worker.validated = 0;
    worker.quarantined = fmt::format(
        "its result for task {} of round {} of job {} was wrong: the master computed another one",
        effect.index, effect.round, effect.job.value);
    put_worker(effect.worker);
    spdlog::error("{} is in quarantine: {}", worker_name(effect.worker), worker.quarantined);
    promise([this, id = effect.worker, key = worker.key, address = worker.address,
             why = worker.quarantined] {
        if (options_.gateway.audit != nullptr) {
            options_.gateway.audit->write({.action = "worker quarantined",
                                           .who = audit_by::master,
                                           .address = address,
                                           .worker = key,
                                           .detail = why});
        }
        gateway_.ban(key, why);
        gateway_.close(id, "quarantined", why, false);
    });
}

void Engine::carry_out(const InboxItem&, core::ContestJob& effect) {
    const auto found = live_.find(effect.job);
    if (found == live_.end()) return;
    JobRun& job = found->second;
    job.record.liars.push_back(workers_[effect.worker].key);
    put_record(job.record);
    spdlog::warn("job {}: {} had results in it; each stranger's result is checked from now on",
                 effect.job.value, worker_name(effect.worker));
}

void Engine::carry_out(const InboxItem&, core::PublishTrust& effect) {
    const auto found = workers_.find(effect.worker);
    if (found == workers_.end()) return;
    found->second.validated = effect.validated;
    put_worker(effect.worker);
}

void Engine::carry_out(const InboxItem&, core::VisitRound& effect) {
    const auto found = live_.find(effect.job);
    if (found == live_.end()) return;
    spdlog::info("job {} goes back to round {}: some of its results are checked once more",
                 effect.job.value, effect.round);
    go_back_[effect.job] = effect.round;
}

void Engine::carry_out(const InboxItem&, core::ForgetRounds& effect) {
    const auto found = live_.find(effect.job);
    if (found == live_.end()) return;
    JobRun& job = found->second;
    std::vector<Bytes> told;
    RoundIndex round = effect.first;
    for (const core::RoundTasks& tasks : effect.rounds) {
        told.push_back(encode_told_round(
            tell_round(round, tasks, job.kernels().at(round), job.states().at(round))));
        put(store::ForgetRound{effect.job, round++, told.back()});
    }
    for (const RoundIndex useless : job.forget_rounds(std::move(told))) {
        put(store::DropCheckpoint{effect.job, useless});
    }
    promise([] {});  // Files that no row names any more go with a flush.
}

void Engine::carry_out(const InboxItem&, core::CompleteRound& effect) {
    const auto found = live_.find(effect.job);
    if (found != live_.end()) fold(found->second);
}

void Engine::carry_out(const InboxItem&, core::FinishJob& effect) {
    const auto found = live_.find(effect.job);
    if (found != live_.end()) finish(found->second);
}

void Engine::carry_out(const InboxItem&, core::FailJob& effect) {
    if (live_.contains(effect.job)) {
        end_job(effect.job, store::JobState::Failed, {}, std::move(effect.error));
    }
}

void Engine::carry_out(const InboxItem&, core::CloseSession& effect) {
    auto close = [this, effect] {
        gateway_.close(effect.worker, std::string{error_code_name(effect.error.code)},
                       effect.error.message);
    };
    // It promises nothing: who is to go does not stay, and misbehave, for as long as the store
    // stalls.
    if (store_trouble().empty())
        send(std::move(close));
    else
        close();
}

void Engine::carry_out(const InboxItem&, core::PublishWorker& effect) {
    spdlog::debug("{} is {}", worker_name(effect.worker), worker_state_name(effect.state));
}

}  // namespace netcompute::engine
