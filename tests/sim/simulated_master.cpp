#include "simulated_master.hpp"

#include "step_trace.hpp"
#include "worker_key.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace netcompute::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration ask_again_after = 500ms;

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

/// What dies with the process, in the order in which it is made.
struct SimulatedMaster::Life {
    explicit Life(SimulatedMaster& master)
        : mortality{[this, &master] {
              host.close();
              master.around_.queue.after(0ns, [&master] { master.bury(); });
          }},
          host{master.around_.queue, master.dice_},
          ledger{master.limits_, master.around_.report,
                 [&master](WorkerId worker) { return master.is_honest(worker); }} {}

    Mortality mortality;
    bool power_cut = false;
    VirtualHost host;
    Ledger ledger;
    std::optional<engine::Engine> engine;  ///< Made once the rest is in its place.
};

SimulatedMaster::SimulatedMaster(std::uint64_t seed, core::SchedulerLimits limits,
                                 Sabotage sabotage, Surroundings surroundings)
    : around_{std::move(surroundings)},
      sabotage_{sabotage},
      saboteur_{sabotage},
      dice_{seed, DiceOf::Master},
      limits_{limits},
      store_{{[this] { return life_->mortality.may_commit(); },
              [this](std::span<const store::Record> records) { has_committed(records); }}} {
    start();
}

SimulatedMaster::~SimulatedMaster() = default;

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

// ---- Life and death -----------------------------------------------------------------------------

void SimulatedMaster::start() {
    if (runs()) return;
    trace("master starts", {{"life", ++life_number_}});
    life_ = std::make_unique<Life>(*this);
    life_->engine.emplace(life_->host, engine_options(), store_);
    take_up_jobs();
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

bool SimulatedMaster::may_send() {
    return runs() && life_->mortality.may_send();
}

void SimulatedMaster::bury() {
    trace(name_of(life_->mortality.death_point()));
    if (life_->power_cut) trace("power cut at the master");
    check_end();
    const bool power_cut = life_->power_cut;
    life_ = nullptr;
    if (power_cut) store_.cut_power();
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
    for (OpenJob& job : lost) submit(*job.what, job.priority, std::move(job.accepted));
}

// ---- The world ----------------------------------------------------------------------------------

void SimulatedMaster::jump(Duration by) {
    if (!runs()) return;
    trace(by > 0ns ? "clock forward" : "clock back",
          {{"ms", static_cast<std::uint64_t>(std::chrono::abs(by) / 1ms)}});
    life_->host.jump(by);
}

void SimulatedMaster::stall_until(Instant when) {
    if (!runs()) return;
    trace("stall", {{"ms", static_cast<std::uint64_t>((when - around_.queue.now()) / 1ms)}});
    life_->host.stall_until(when);
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

// ---- Jobs ---------------------------------------------------------------------------------------

void SimulatedMaster::submit(const JobTemplate& what, std::int32_t priority,
                             std::function<void(JobId)> accepted) {
    const std::uint64_t submission = ++last_submission_;
    unanswered_[submission] = {&what, priority, std::move(accepted)};
    ask(submission);
}

/// Until there is an answer: the master may be down, or die while it is stalled.
void SimulatedMaster::ask(std::uint64_t submission) {
    if (runs()) life_->host.enter([this, submission] { answer(submission); });
    if (!unanswered_.contains(submission)) return;
    around_.queue.after(ask_again_after, [this, submission] { ask(submission); });
}

void SimulatedMaster::answer(std::uint64_t submission) {
    const auto found = unanswered_.find(submission);
    if (found == unanswered_.end()) return;
    const OpenJob job = std::move(found->second);
    unanswered_.erase(found);
    engine::JobRequest request;
    request.type = job.what->type.name;
    request.priority = job.priority;
    const auto id = life_->engine->submit(std::move(request));
    if (!id) return around_.report("a job was refused: " + id.error().message);
    trace("submit", {{"job", id->value}, {"priority", static_cast<std::uint64_t>(job.priority)}});
    around_.trace.remark(name_of(*id) + " is " + std::string{job.what->type.name});
    open_jobs_[*id] = job;
    watch(*id);
    job.accepted(*id);
}

void SimulatedMaster::has_committed(std::span<const store::Record> records) {
    for (const store::Record& record : records) {
        const auto* const put = std::get_if<store::PutJob>(&record);
        if (put == nullptr) continue;
        const auto job = open_jobs_.find(put->job.id);
        if (job != open_jobs_.end()) job->second.written = true;
    }
    life_->mortality.has_committed();
}

void SimulatedMaster::watch(JobId id) {
    life_->engine->when_over(id, [this](const store::JobRecord& record) {
        // A dead master tells nobody; after its restart it does.
        if (life_->mortality.alive()) job_over(record);
    });
}

void SimulatedMaster::cancel(JobId id) {
    if (!runs()) return;
    life_->host.enter([this, id] {
        const auto found = open_jobs_.find(id);
        if (found == open_jobs_.end()) return;
        found->second.cancelled = life_->engine->cancel(id).has_value();
    });
}

void SimulatedMaster::job_over(const store::JobRecord& record) {
    const OpenJob job = open_jobs_.at(record.id);
    open_jobs_.erase(record.id);
    told_[record.id] = record;
    trace(store::job_state_name(record.state), {{"job", record.id.value}});
    const std::string name = name_of(record.id) + " (" + std::string{job.what->type.name} + ")";
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
    inbox_max_ = std::max(inbox_max_, life_->engine->inbox_size());
    trace_event(around_.trace, around_.queue.now(), event);
    const Instant told_now = saboteur_.clock(now);
    core::Effects effects = scheduler.step(told_now, saboteur_.event(event));
    life_->ledger.check_step(told_now, event, effects, scheduler);
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

bool SimulatedMaster::is_honest(WorkerId worker) {
    const auto found = life_->engine->workers().find(worker);
    if (found == life_->engine->workers().end()) return true;
    const std::string_view key = found->second.key;
    return around_.is_honest(worker_number(key));
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
                around_.report("task " + std::to_string(index) + " of " + name_of(record->job) +
                               " was recorded twice");
            }
            is_recorded = true;
        }
    }
}

void SimulatedMaster::check_end() const {
    if (runs() && life_->engine->contradiction_count() > 0) {
        around_.report("two honest workers gave different bytes for one task");
    }
}

}  // namespace netcompute::sim
