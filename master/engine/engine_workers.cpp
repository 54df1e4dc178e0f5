#include "engine/engine.hpp"
#include <netcompute/logging.hpp>
#include <netcompute/printable.hpp>
#include <netcompute/sha256.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace netcompute::engine {
namespace {

constexpr std::size_t error_bytes_max = 1000;     ///< Of the error message of a failed task.
constexpr std::size_t away_workers_max = 10'000;  ///< Whose ids stay reserved.

}  // namespace

std::string Engine::worker_name(WorkerId id) const {
    if (id == WorkerId{}) return "the master";
    const auto found = workers_.find(id);
    if (found == workers_.end()) return "worker " + std::to_string(id.value);
    const WorkerInfo& worker = found->second;
    return std::string{protocol::worker_kind_name(worker.kind)} + " worker " +
           printable(worker.name) + " (" + worker.key + ", " + worker.address + ")";
}

std::string Engine::address_of(WorkerId id) const {
    const auto found = workers_.find(id);
    return found == workers_.end() ? "an unknown address" : found->second.address;
}

/// Workers of one address count as one PC. On this PC itself, which includes tunnels that end here,
/// each worker counts as its own. All workers behind one untrusted proxy count as one PC, because
/// they may be one.
std::uint64_t Engine::pc_of(const std::string& address, WorkerId worker) {
    const bool is_loopback = address.starts_with("127.") || address == "::1";
    const std::string key = is_loopback ? "worker " + std::to_string(worker.value) : address;
    return pcs_.try_emplace(key, pcs_.size() + 1).first->second;
}

/// A name for people, which the workers here have each for itself: PCs that were installed from
/// one image give the same one.
std::string Engine::name_for(const JoinedWorker& joined) const {
    const std::string& wanted = joined.hello.name.empty() ? joined.key : joined.hello.name;
    const bool is_taken = std::ranges::any_of(workers_, [&](const auto& entry) {
        return entry.first != joined.id && entry.second.name == wanted;
    });
    const bool has_number = joined.key != joined.hello.worker;
    return is_taken && has_number ? wanted + joined.key.substr(joined.key.rfind('-')) : wanted;
}

/// Whether somebody here has drained another worker of this owner: its process of before, maybe,
/// of which the master does not know yet that it is gone.
bool Engine::is_drained(const std::string& owner) const {
    const auto drained_too = [&](const auto& entry) {
        return entry.second.drained && entry.second.owner == owner;
    };
    return std::ranges::any_of(workers_, drained_too) || std::ranges::any_of(away_, drained_too);
}

void Engine::on_joined(const JoinedWorker& joined) {
    const bool is_new = !workers_.contains(joined.id) && !away_.contains(joined.id);
    const bool starts_drained = is_new && is_drained(joined.owner);
    WorkerInfo& worker = workers_[joined.id];
    if (starts_drained) worker.drained = true;
    const bool resumed = !joined.hello.resume.empty();
    worker.id = joined.id;
    worker.key = joined.key;
    worker.session = joined.session;
    worker.name = name_for(joined);
    worker.kind = joined.hello.kind;
    worker.is_native = !joined.is_web;
    worker.is_believed = joined.is_believed;
    worker.owner = joined.owner;
    worker.version = joined.hello.version;
    worker.address = joined.is_forwarded ? "proxy " + joined.address : joined.address;
    worker.joined = now();
    if (const auto kept = away_.extract(joined.id)) {
        worker.drained = kept.mapped().drained;
        worker.tasks_done = kept.mapped().tasks_done;
    }
    if (!resumed) worker.validated = 0;
    waiting_heartbeats_.erase(joined.id);  // That was of a former session.
    put_worker(joined.id);
    log_within_budget("worker joined", joined.address, spdlog::level::info, "{} {} with {} slots",
                      worker_name(joined.id), resumed ? "is back" : "joined", joined.hello.slots);
    if (options_.gateway.audit != nullptr) {
        options_.gateway.audit->write({.action = "worker joined",
                                       .who = gateway_.right_to_join(),
                                       .address = joined.address,
                                       .worker = joined.key,
                                       .detail = resumed ? "it resumed its session" : "",
                                       .is_budgeted = true});
    }
    if (joined.key != joined.hello.worker) {
        log_within_budget("worker with another's id", joined.address, spdlog::level::info,
                          "{} asked for the id {}, which is another worker's",
                          worker_name(joined.id), printable(joined.hello.worker));
    }
    enqueue(joined.id,
            core::WorkerJoined{joined.id, joined.hello.slots, resumed,
                               pc_of(worker.address, joined.id), worker.is_believed,
                               std::hash<std::string>{}(joined.address), worker.tasks_done > 0});
    if (worker.drained) enqueue(joined.id, core::WorkerDrained{joined.id, true});
}

void Engine::on_heartbeat(WorkerId id, const protocol::Heartbeat& heartbeat) {
    WorkerInfo& worker = workers_.at(id);
    worker.cpu = heartbeat.cpu;
    worker.memory_bytes = heartbeat.memory_bytes;
    worker.current = heartbeat.current;
    core::HeartbeatReceived event{id, heartbeat.leases, heartbeat.slots, heartbeat.paused};
    // It replaces the heartbeat before it, so a flood of heartbeats costs one event a turn.
    if (const auto waiting = waiting_heartbeats_.find(id); waiting != waiting_heartbeats_.end()) {
        *waiting->second = std::move(event);
        return;
    }
    InboxItem& waiting = enqueue(id, std::move(event));
    waiting_heartbeats_[id] = &std::get<core::HeartbeatReceived>(waiting.event);
}

/// A lease that is over stays known while its round lasts. One that is not known any more may have
/// been this worker's, if it was ever given such ones.
Result<bool> Engine::admit_results(WorkerId id, LeaseId lease, std::uint64_t outcome_count) {
    const auto refuse = [&](std::string_view what) {
        return unexpected(ErrorCode::ProtocolViolation,
                          fmt::format("it sent results for lease {}{}", lease.value, what));
    };
    const auto known = scheduler_.lease(lease);
    const WorkerInfo& worker = workers_.at(id);
    const bool may_be_its_own =
        known ? known->worker == id
              : lease != LeaseId{} && worker.first_lease <= lease && lease <= worker.last_lease;
    if (known && !may_be_its_own) return refuse(" of another worker");
    if (!may_be_its_own) return refuse(", which was never granted to it");
    if (!known) return false;  // Its round is over: too late to matter.
    if (outcome_count <= known->task_count) return true;
    return refuse(fmt::format(": {} outcomes for {} tasks", outcome_count, known->task_count));
}

void Engine::on_results(WorkerId id, const protocol::Results& results,
                        std::shared_ptr<const Bytes> payload) {
    core::ResultsReceived event{id, results.lease, results.job, results.round, results.busy_seconds,
                                {}};
    std::vector<ByteSpan> output_bytes;
    event.outcomes.reserve(results.outcomes.size());
    output_bytes.reserve(results.outcomes.size());
    for (const protocol::TaskOutcome& outcome : results.outcomes) {
        core::Outcome& one = event.outcomes.emplace_back();
        one.index = outcome.index;
        one.failed = outcome.failed;
        if (outcome.failed)
            one.error = {outcome.code, printable(as_text(outcome.bytes), error_bytes_max)};
        output_bytes.push_back(outcome.bytes);
    }
    // If not, the scheduler refuses them.
    const auto lease = scheduler_.lease(results.lease);
    if (lease && lease->job == results.job) note_failures(event);
    std::uint64_t bytes = 0;
    for (const ByteSpan output : output_bytes) bytes += output.size();
    InboxItem item{std::move(event), std::move(output_bytes), std::move(payload)};
    if (bytes > options_.quick_bytes_max)
        hash_on_pool(id, std::move(item));
    else
        enqueue(id, std::move(item));
}

/// What comes after these results of the worker waits for them.
void Engine::hash_on_pool(WorkerId id, InboxItem item) {
    item.is_ready = false;
    InboxItem& waiting = inbox_.add(id, std::move(item));
    host_.run_slow([this, id, &waiting, outputs = waiting.output_bytes,
                    owner = waiting.owner]() -> EngineHost::Work {
        std::vector<Sha256> hashes;
        hashes.reserve(outputs.size());
        for (const ByteSpan output : outputs) hashes.push_back(sha256(output));
        return [this, id, &waiting, hashes = std::move(hashes)]() mutable {
            waiting.output_hashes = std::move(hashes);
            inbox_.set_ready(id, waiting);
            be_due();
        };
    });
}

/// Logs one line a frame, whatever the number of failures in it.
void Engine::note_failures(const core::ResultsReceived& event) {
    const auto failed = [](const core::Outcome& outcome) { return outcome.failed; };
    const auto first = std::ranges::find_if(event.outcomes, failed);
    if (first == event.outcomes.end()) return;
    const auto count = std::ranges::count_if(event.outcomes, failed);
    log_within_budget("task failed", address_of(event.worker), spdlog::level::warn,
                      "job {} round {} task {} failed on {}: {}{}", event.job.value, event.round,
                      first->index, worker_name(event.worker), first->error.message,
                      count == 1 ? "" : fmt::format(" (and {} more with it)", count - 1));
    const auto job = live_.find(event.job);
    if (job != live_.end()) job->second.tasks_failed += static_cast<std::uint64_t>(count);
}

void Engine::on_left(WorkerId id) {
    log_within_budget("worker left", address_of(id), spdlog::level::info, "{} left",
                      worker_name(id));
    enqueue(id, core::WorkerLeft{id});
}

void Engine::note_disconnection(WorkerId id, const std::string& reason) {
    log_within_budget("worker disconnected", address_of(id), spdlog::level::info,
                      "{} disconnected: {}", worker_name(id), printable(reason));
    if (const auto worker = workers_.find(id); worker != workers_.end()) {
        worker->second.current.clear();
        worker->second.cpu = -1;
    }
}

void Engine::on_disconnected(WorkerId id, const std::string& reason) {
    note_disconnection(id, reason);
    enqueue(id, core::WorkerDisconnected{id});
}

void Engine::on_expelled(WorkerId id, const std::string& reason) {
    note_disconnection(id, reason);
    enqueue(id, core::WorkerLeft{id});
}

/// Follows the scheduler, which forgets a worker some minutes after it was lost; but not one in
/// quarantine. Only once the inbox is empty: a worker that has just joined is known to the
/// scheduler from then on.
void Engine::forget_lost_workers() {
    std::erase_if(workers_, [this](const auto& entry) {
        const auto& [id, worker] = entry;
        if (scheduler_.worker(id) || !worker.quarantined.empty()) return false;
        const bool is_kept = worker.drained || worker.is_believed || worker.tasks_done > 0;
        // The end of its session waits for the store, maybe.
        if (!gateway_.forget(id, is_kept)) return false;
        if (is_kept)
            keep_key(record_of(worker));
        else
            put(store::ForgetWorker{id});
        return true;
    });
}

/// The id of a worker that has done something here stays its own, and drained if it was, for as
/// long as not too many came after it.
void Engine::keep_key(store::WorkerRecord worker) {
    worker.away = true;
    worker.session.clear();
    put(store::PutWorker{worker});
    away_[worker.id] = std::move(worker);
    if (away_.size() <= away_workers_max) return;
    const auto oldest = std::ranges::min_element(away_, {}, [](const auto& entry) {
        return std::pair{entry.second.drained, entry.second.seen_unix_ms};
    });
    std::ignore = gateway_.forget(oldest->first, false);
    put(store::ForgetWorker{oldest->first});
    away_.erase(oldest);
}

store::WorkerRecord Engine::record_of(const WorkerInfo& worker) const {
    return {.id = worker.id,
            .key = worker.key,
            .session = worker.session,
            .name = worker.name,
            .is_native = worker.is_native,
            .address = worker.address,
            .validated = worker.validated,
            .quarantined = worker.quarantined,
            .tasks_done = worker.tasks_done,
            .seen_unix_ms = host_.unix_ms(),
            .is_believed = worker.is_believed,
            .owner = worker.owner,
            .drained = worker.drained};
}

Result<void> Engine::drain(WorkerId id, bool drained) {
    const auto found = workers_.find(id);
    if (found == workers_.end()) {
        return unexpected(ErrorCode::NotFound, "there is no such worker");
    }
    if (auto writable = check_store(); !writable) return writable;
    found->second.drained = drained;
    put_worker(id);
    log_within_budget("worker drained", "", spdlog::level::info, "{} {}", worker_name(id),
                      drained ? "is drained" : "takes tasks again");
    enqueue(id, core::WorkerDrained{id, drained});
    return {};
}

Result<void> Engine::readmit(WorkerId id) {
    const auto found = workers_.find(id);
    if (found == workers_.end()) {
        return unexpected(ErrorCode::NotFound, "there is no such worker");
    }
    WorkerInfo& worker = found->second;
    if (worker.quarantined.empty()) {
        return unexpected(ErrorCode::Conflict, "worker " + worker.key + " is not in quarantine");
    }
    if (auto writable = check_store(); !writable) return writable;
    worker.quarantined.clear();
    worker.validated = 0;
    gateway_.ban(worker.key, "");
    put_worker(id);
    spdlog::info("{} is let in again", worker_name(id));
    enqueue(id, core::WorkerReadmitted{id});
    return {};
}

}  // namespace netcompute::engine
