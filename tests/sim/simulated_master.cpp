#include "master_life.hpp"
#include "step_trace.hpp"
#include "table_kernel.hpp"
#include "worker_key.hpp"
#include <netcompute/protocol/frame.hpp>

#include <algorithm>
#include <utility>

namespace netcompute::sim {
namespace {

using namespace std::chrono_literals;

std::string name_of(JobId id) {
    return "job " + std::to_string(id.value);
}

std::string_view name_of(DeathPoint point) {
    switch (point) {
        case DeathPoint::Anywhere:
            return "killed between turns";
        case DeathPoint::BeforeCommit:
            return "killed before a commit";
        case DeathPoint::AfterCommit:
            return "killed after a commit";
        case DeathPoint::BetweenSends:
            return "killed while sending";
    }
    return "killed";
}

}  // namespace

SimulatedMaster::SimulatedMaster(std::uint64_t seed, core::SchedulerLimits limits,
                                 Sabotage sabotage, Surroundings surroundings)
    : around_{std::move(surroundings)},
      sabotage_{sabotage},
      saboteur_{sabotage},
      seed_{seed},
      dice_{seed, DiceOf::Master},
      limits_{limits},
      store_{{[this] { return life_->mortality.may_commit(); },
              [this] { return around_.queue.now() < disk_full_until_; },
              [this](std::span<const store::Record> records) { has_committed(records); }}},
      accepted_{around_.report},
      disk_dice_{seed, DiceOf::Disk} {
    if (sabotage == Sabotage::SendBeforeCommit) store_.procrastinate();
    if (sabotage == Sabotage::LoseBlobs) store_.lose_blobs();
    if (sabotage == Sabotage::SpareChildren) store_.spare_children();
    if (sabotage == Sabotage::PromiseBeforeFlush) store_.forget_flushes();
    start();
}

SimulatedMaster::~SimulatedMaster() = default;

engine::EngineOptions SimulatedMaster::engine_options() {
    engine::EngineOptions options;
    options.limits = saboteur_.limits(limits_);
    options.gateway.new_session_key = [this] {
        return "session-" + std::to_string(++last_session_);
    };
    options.seed = seed_;
    options.blobs = &around_.catalog.blobs();
    options.trial_deaths_max = 0;  // Here masters die of no job.
    // The rounds here are small; this way each path is taken.
    options.quick_fold_tasks_max = 8;
    options.quick_bytes_max = 256;
    options.load_outputs_max = 5;
    options.find_job_type = [this](std::string_view name) {
        return saboteur_.job_type(around_.catalog.find_job_type(name));
    };
    options.compute.find_kernel = test_support::find_kernel_or_table_sums;
    options.step_scheduler = [this](core::Scheduler& scheduler, Instant now,
                                    const core::Event& event) {
        return step(scheduler, now, event);
    };
    return options;
}

void SimulatedMaster::trace(std::string_view what, std::initializer_list<Trace::Number> numbers) {
    around_.trace.add(around_.queue.now(), "master", 0, what, numbers);
}

// ---- Life and death -----------------------------------------------------------------------------

void SimulatedMaster::start() {
    if (runs()) return;
    trace("master starts", {{"life", ++life_number_}});
    reckon_downtime();
    last_lease_of_former_lives_ = last_sent_lease_;
    life_ = std::make_unique<Life>(*this);
    life_->host.slow_disk_until(disk_slow_until_);
    store_.open();
    life_->engine.emplace(life_->host, engine_options(), store_);
    life_->engine->resume();
    take_up_jobs();
}

/// As the next master does, from the last reading of the clocks that is written down, by the time
/// of day. Where none is, no master was up for long enough to promise anything.
void SimulatedMaster::reckon_downtime() {
    const auto last = store_.last_clock();
    const auto noted = last ? times_noted_.find(last->steady_ms) : times_noted_.end();
    if (noted == times_noted_.end()) {
        time_lost_ += 24h;
        return;
    }
    const VirtualHost host{around_.queue, dice_, time_of_day_offset_};
    const Duration believed = std::chrono::milliseconds{host.unix_ms() - last->unix_ms};
    const Duration true_time = around_.queue.now() - noted->second;
    time_lost_ += std::max(believed - true_time, 0ns);
}

void SimulatedMaster::kill(bool power_cut) {
    if (!runs() || !life_->mortality.alive()) return;
    life_->power_cut = power_cut;
    life_->mortality.die();
}

void SimulatedMaster::kill_at(DeathPoint point, std::uint32_t sends_left, bool power_cut) {
    if (point == DeathPoint::Anywhere) return kill(power_cut);
    if (!runs() || !life_->mortality.alive()) return;
    life_->power_cut = power_cut;
    life_->mortality.doom(point, sends_left);
    around_.queue.after(1s, [this, number = life_number_, power_cut] {
        if (number == life_number_) kill(power_cut);
    });
}

bool SimulatedMaster::may_send(const protocol::WireMessage& message) {
    if (!runs() || !life_->mortality.may_send()) return false;
    if (message.header.find(R"("type":"lease")") == std::string::npos) return true;
    const auto lease = protocol::decode_header(message.header)->at("lease").get<std::uint64_t>();
    last_sent_lease_ = std::max(last_sent_lease_, LeaseId{lease});
    if (LeaseId{lease} <= last_lease_of_former_lives_) {
        around_.report("lease " + std::to_string(lease) +
                       " may be one that a former master has given out");
    }
    if (message.header.find("table_sums") != std::string::npos) check_blobs(message);
    if (!accepted_.has_lease(LeaseId{lease})) {
        around_.report("lease " + std::to_string(lease) + " was sent before it was written down");
    }
    return true;
}

/// Whoever gets the lease can fetch what it names, unless its round was over, and the lease
/// revoked, while the message waited for the disk.
void SimulatedMaster::check_blobs(const protocol::WireMessage& message) {
    const auto decoded =
        protocol::decode_master_message(*protocol::decode_header(message.header), message.payload);
    const auto& lease = std::get<protocol::Lease>(*decoded);
    const engine::JobRun* const job = life_->engine->live_job(lease.job);
    if (job == nullptr || job->round_index != lease.round || job->is_away) return;
    const auto check = [this](const std::vector<protocol::WireInput>& inputs) {
        for (const protocol::WireInput& input : inputs) {
            const auto* const blob = std::get_if<protocol::BlobInput>(&input);
            if (blob == nullptr || around_.catalog.blobs().find(blob->sha256) != nullptr) continue;
            around_.report("a lease names a blob that is not there");
        }
    };
    check(lease.shared_inputs);
    for (const protocol::LeasedTask& task : lease.tasks) check(task.inputs);
}

void SimulatedMaster::bury() {
    trace(name_of(life_->mortality.death_point()));
    if (life_->power_cut) trace("power cut at the master");
    proven_.clear();
    ++death_count_;
    for (const auto& [id, job] : life_->engine->live_jobs()) {
        const auto round = life_->engine->scheduler().round(id);
        if (!round) continue;
        in_flight_at_deaths_ += round->task_count - round->succeeded_count - round->pending_count;
    }
    const bool power_cut = life_->power_cut;
    life_ = nullptr;
    if (power_cut) {
        store_.cut_power();
        accepted_.start_again(store_.log());
        forget_unwritten_quarantines();
    }
    if (sabotage_ == Sabotage::WipeStore) store_.wipe();
    around_.on_death(power_cut);
}

/// After a restart: whoever waits for a job asks for it again. What the master has written down,
/// it must know, and what it has told must stay true.
void SimulatedMaster::take_up_jobs() {
    for (const auto& [id, told] : told_) {
        if (store_.job(id) != told) around_.report(name_of(id) + " is over, and now it is not so");
    }
    std::vector<OpenJob> lost;
    for (auto entry = open_jobs_.begin(); entry != open_jobs_.end();) {
        const auto record = store_.job(entry->first);
        const bool is_live = life_->engine->live_job(entry->first) != nullptr;
        if (record && (is_live || store::is_final(record->state))) {
            watch((entry++)->first);
            continue;
        }
        if (entry->second.written) {
            around_.report(name_of(entry->first) + " was forgotten when the master died");
        }
        lost.push_back(std::move(entry->second));
        entry = open_jobs_.erase(entry);
    }
    for (OpenJob& job : lost) submit(std::move(job.submission));
}

// ---- The world ----------------------------------------------------------------------------------

void SimulatedMaster::jump(Duration by) {
    if (!runs()) return;
    trace(by > 0ns ? "clock forward" : "clock back",
          {{"ms", static_cast<std::uint64_t>(std::chrono::abs(by) / 1ms)}});
    life_->host.jump(by);
    time_lost_ += std::max(by, 0ns);
}

void SimulatedMaster::set_time_of_day(Duration by) {
    trace(by > 0ns ? "time of day forward" : "time of day back",
          {{"s", static_cast<std::uint64_t>(std::chrono::abs(by) / 1s)}});
    time_of_day_offset_ += by;
    if (sabotage_ == Sabotage::FollowTimeOfDay && runs()) life_->host.jump(by);
}

void SimulatedMaster::stall_until(Instant when) {
    if (!runs()) return;
    trace("stall", {{"ms", static_cast<std::uint64_t>((when - around_.queue.now()) / 1ms)}});
    life_->host.stall_until(when);
}

void SimulatedMaster::slow_disk_until(Instant when) {
    disk_slow_until_ = std::max(disk_slow_until_, when);
    if (runs()) life_->host.slow_disk_until(disk_slow_until_);
}

void SimulatedMaster::receive(const net::SessionPtr& from, std::string header, Bytes payload) {
    if (!runs()) return;
    life_->host.enter([this, from, header = std::move(header),
                       payload = std::make_shared<const Bytes>(std::move(payload))] {
        life_->engine->gateway().on_frame(from, header, payload);
    });
}

void SimulatedMaster::closed(const net::SessionPtr& session) {
    if (!runs()) return;
    life_->host.enter([this, session] { life_->engine->gateway().on_close(session); });
}

// ---- The scheduler's steps ----------------------------------------------------------------------

core::Effects SimulatedMaster::step(core::Scheduler& scheduler, Instant now,
                                    const core::Event& event) {
    ++step_count_;
    inbox_max_ = std::max(inbox_max_, life_->engine->inbox_size());
    const core::Event said = saboteur_.said(event);
    trace_event(around_.trace, around_.queue.now(), said);
    const Instant told_now = saboteur_.clock(now);
    core::Effects effects = scheduler.step(told_now, saboteur_.told(said));
    for (const core::Effect& effect : effects) {
        trace_effect(around_.trace, around_.queue.now(), now, effect);
    }
    life_->ledger.check_step(told_now, said, effects, scheduler);
    note(said, effects);
    check_drains(said);
    return saboteur_.effects(said, std::move(effects));
}

/// Keeps what outlives the master.
void SimulatedMaster::note(const core::Event& event, const core::Effects& effects) {
    if (const auto* restored = std::get_if<core::WorkerRestored>(&event)) {
        if (quarantined_.contains(restored->worker) && !restored->quarantined) {
            around_.report("worker " + std::to_string(restored->worker.value) +
                           " was proven wrong before the master died, and now is not");
        }
    }
    for (const core::Effect& effect : effects) {
        if (const auto* failed = std::get_if<core::FailJob>(&effect)) {
            const auto job = open_jobs_.find(submitted_as(failed->job));
            if (job != open_jobs_.end()) job->second.given_up = true;
        } else if (const auto* recorded = std::get_if<core::RecordOutputs>(&effect)) {
            effort_.outputs += recorded->positions.size();
        } else if (const auto* given = std::get_if<core::AssignTasks>(&effect)) {
            if (given->is_check) effort_.checks += given->tasks.size();
        } else if (std::holds_alternative<core::AuditTask>(effect)) {
            ++effort_.audits;
        } else if (const auto* liar = std::get_if<core::QuarantineWorker>(&effect)) {
            // Two commits may wait, and its own comes after them.
            proven_.try_emplace(liar->worker, 3U);
            if (const auto number = number_of(liar->worker)) named_.insert(*number);
        }
    }
}

std::optional<std::size_t> SimulatedMaster::number_of(WorkerId worker) {
    const auto found = life_->engine->workers().find(worker);
    if (found == life_->engine->workers().end()) return std::nullopt;
    // A stranger is on a PC of its own, which has its number, whatever key it goes by.
    const std::size_t pc = std::stoul(found->second.address.substr(pc_address_start.size()));
    return around_.traits(pc).is_stranger ? pc : worker_number(found->second.key);
}

/// Nobody is drained because somebody else was.
void SimulatedMaster::check_drains(const core::Event& event) {
    const auto* const drained = std::get_if<core::WorkerDrained>(&event);
    if (drained == nullptr || !drained->drained) return;
    const auto number = number_of(drained->worker);
    if (!number || ever_drained_.contains(*number)) return;
    around_.report("worker " + std::to_string(*number) + " is drained in another's stead");
}

bool SimulatedMaster::is_honest(WorkerId worker) {
    const auto number = number_of(worker);
    return !number || around_.traits(*number).is_honest();
}

bool SimulatedMaster::is_liar(WorkerId worker) {
    const auto number = number_of(worker);
    return number && around_.traits(*number).runner.lies > 0;
}

}  // namespace netcompute::sim
