#include "simulation.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace netcompute::sim {
namespace {

using namespace std::chrono_literals;

constexpr Instant start = VirtualHost::clock_start;
constexpr std::size_t broken_max = 5;
constexpr std::uint32_t liars_percent_max = 30;
constexpr Duration settling_max = 200s;  ///< For backoffs, leases and silences to end.
constexpr double endless = 1e6;          ///< Of a task: times as long as it takes others.

// Of an ordeal.
constexpr Duration ordeal_max = 3600s;
constexpr std::size_t ordeal_workers = 4;

// What no run needs; more would be a queue that grows.
constexpr std::size_t inbox_max = 2000;
constexpr std::size_t events_max = 20'000;
constexpr std::size_t leases_held_max = 40;
constexpr std::uint64_t steps_max = 2'000'000;

core::SchedulerLimits draw_limits(Dice& dice, std::uint64_t seed) {
    core::SchedulerLimits limits;
    limits.rounds_kept = 1 + static_cast<std::uint32_t>(seed % 3);  // Jobs have up to nine rounds.
    // With a low limit jobs may fail, with this one they must not.
    limits.infrastructure_failures_max = dice.chance(0.2) ? 5 : 250;
    if (dice.chance(0.2)) limits.lost_kept = 15s;
    return limits;
}

}  // namespace

Simulation::Simulation(SimulationOptions options, JobCatalog& catalog)
    : options_{options},
      catalog_{catalog},
      dice_{options.seed, DiceOf::World},
      later_dice_{options.seed, DiceOf::LaterFaults},
      stranger_dice_{options.seed, DiceOf::Strangers},
      queue_{start},
      trace_{options.print},
      faults_{options.crowd    ? FaultPlan{}
              : options.ordeal ? FaultPlan{.end = start + ordeal_max}
                               : FaultPlan::draw(dice_, start, options.worlds)} {
    const bool is_chance = !options.ordeal && !options.crowd;
    if (is_chance) faults_.add_later_faults(later_dice_, options.worlds);
    ordinary_count_ = draw_worker_count();
    const std::size_t worker_count =
        ordinary_count_ +
        (options.worlds.strangers == Occurs::Always ? stranger_dice_.between(1, 4) : 0);
    network_ =
        std::make_unique<FaultyNetwork>(options_.seed, queue_, trace_, faults_, worker_count);
    master_ = std::make_unique<SimulatedMaster>(
        options_.seed, draw_limits(dice_, options_.seed), options_.sabotage,
        SimulatedMaster::Surroundings{
            queue_, trace_, catalog_, [this](std::string what) { report(std::move(what)); },
            [this](bool power_cut) { network_->master_died(power_cut, dice_); },
            [this](std::size_t worker) -> const WorkerTraits& {
                return workers_[worker]->traits();
            }});
    network_->set_ends(
        {[this](const protocol::WireMessage& message) { return master_->may_send(message); },
         [this](const net::SessionPtr& from, std::string header, Bytes payload) {
             master_->receive(from, std::move(header), std::move(payload));
         },
         [this](const net::SessionPtr& session) { master_->closed(session); },
         [this](const ConnectionPointer& connection, std::string header, Bytes payload) {
             workers_[connection->worker]->receive(connection, std::move(header),
                                                   std::move(payload));
         },
         [this](const ConnectionPointer& connection, std::string reason) {
             workers_[connection->worker]->connection_closed(connection, std::move(reason));
         }});
    workers_.resize(worker_count);
    if (options.ordeal) {
        begin_ordeal(*options.ordeal);
        return;
    }
    if (options.crowd) {
        begin_crowd(*options.crowd);
        return;
    }
    add_workers();
    add_strangers();
    add_jobs();
    if (faults_.end > start) queue_.after(1s, [this] { trouble(); });
    queue_.at(std::max(faults_.end, start), [this] { calm(); });
}

std::size_t Simulation::draw_worker_count() {
    if (options_.ordeal) return ordeal_workers;
    if (options_.crowd) return later_dice_.between(1, 4);
    return faults_.liars ? dice_.between(4, 12) : dice_.between(1, 6);
}

void Simulation::report(std::string what) {
    if (broken_.size() >= broken_max) return;
    trace_.remark("BROKEN: " + what);
    broken_.push_back(std::move(what));
}

void Simulation::add_workers() {
    auto workers_left = static_cast<std::uint32_t>(ordinary_count_);
    std::uint32_t liars_left =
        faults_.liars ? dice_.between(1, workers_left * liars_percent_max / 100) : 0;
    for (std::size_t number = 0; number < ordinary_count_; ++number) {
        WorkerTraits traits = draw_traits(number);
        // Of those that are left, as many as must still be liars.
        if (liars_left > 0 && dice_.between(1, workers_left) <= liars_left) {
            --liars_left;
            traits.runner.lies = dice_.between(20, 100) / 100.0;
        }
        --workers_left;
        if (faults_.floods && dice_.chance(0.3)) {
            traits.floods_per_second = dice_.magnitude(0.05, 2);
        }
        if (faults_.leaseless_floods && later_dice_.chance(0.3)) {
            traits.leaseless_floods_per_second = later_dice_.magnitude(0.05, 0.5);
        }
        const bool is_late = dice_.chance(0.3);
        add_worker(number, traits, is_late ? dice_.between(1s, 30s) : dice_.between(0s, 500ms));
    }
}

WorkerTraits Simulation::draw_traits(std::size_t number) {
    WorkerTraits traits;
    traits.kind = dice_.chance(0.5) ? TransportKind::Native : TransportKind::Browser;
    const bool shares = number > 0 && dice_.chance(0.15);
    traits.pc = shares ? dice_.between(0, static_cast<std::uint32_t>(number - 1)) : number;
    traits.slots = dice_.between(1, 4);
    if (dice_.chance(0.2)) traits.runner.slowness = dice_.magnitude(2, 30);
    traits.runner.lacks_memory = number == 1 && dice_.chance(0.3);
    traits.runner.lies_about_time = dice_.chance(0.3);
    return traits;
}

/// Each is on a PC of its own, and comes by the native ports without a token: one takes leases and
/// hangs up, without end; others say that they are one of the ordinary workers, and lie, or are
/// honest and a copy of its PC. Some of those that hang up have the token, and never delivered
/// anything.
void Simulation::add_strangers() {
    Dice newcomer_dice{options_.seed, DiceOf::Newcomers};
    for (std::size_t number = ordinary_count_; number < workers_.size(); ++number) {
        WorkerTraits traits;
        traits.pc = number;
        traits.is_stranger = true;
        traits.slots = stranger_dice_.between(1, 8);
        const std::uint32_t drawn = stranger_dice_.between(1, 3);
        if (drawn == 1) {
            traits.vanishes = true;
            traits.is_stranger = newcomer_dice.chance(0.5);
            if (!traits.is_stranger) traits.runner.slowness = endless;
            queue_.after(1s, [this, number] { haunt(number); });
        } else {
            const auto last = static_cast<std::uint32_t>(ordinary_count_ - 1);
            traits.claims = stranger_dice_.between(0, last);
            const bool is_clone = drawn == 2;
            traits.knows_secret = is_clone || options_.sabotage == Sabotage::LeakSecrets;
            traits.has_its_machine = options_.sabotage == Sabotage::LeakSecrets;
            if (!is_clone) traits.runner.lies = stranger_dice_.between(20, 100) / 100.0;
        }
        add_worker(number, traits, stranger_dice_.between(0s, 5s));
    }
}

/// A stranger hangs up with what it has taken, and comes again.
void Simulation::haunt(std::size_t number) {
    workers_[number]->crash(stranger_dice_.chance(0.2));
    workers_[number]->start();
    queue_.after(stranger_dice_.between(50ms, 2s), [this, number] { haunt(number); });
}

void Simulation::add_worker(std::size_t number, WorkerTraits traits, Duration delay) {
    workers_[number] = std::make_unique<SimulatedWorker>(
        options_.seed, number, traits,
        SimulatedWorker::Surroundings{
            queue_, trace_, *network_, catalog_, faults_,
            [this](JobId id) { return task_seconds_.at(master_->submitted_as(id)); },
            [this](JobId id, double seconds) { spent_[id] += seconds; },
            options_.sabotage == Sabotage::MixUpMemo});
    queue_.after(delay, [this, number] { workers_[number]->start(); });
}

void Simulation::add_jobs() {
    const std::size_t count = dice_.between(1, 3);
    double slowness = 1;
    for (const auto& worker : workers_) {
        if (worker->traits().vanishes) continue;
        slowness = std::max(slowness, worker->traits().runner.slowness);
    }
    for (std::size_t i = 0; i < count; ++i) {
        const JobTemplate& drawn =
            catalog_
                .jobs()[dice_.between(0, static_cast<std::uint32_t>(catalog_.jobs().size() - 1))];
        const std::deque<JobTemplate>& families = catalog_.families();
        const JobTemplate& what = options_.worlds.families == Occurs::Always
                                      ? families[(options_.seed + i) % families.size()]
                                      : drawn;
        const double job_seconds = dice_.magnitude(0.05, 200);
        const double seconds_per_task = job_seconds / what.task_count;
        work_max_ += from_seconds(4 * job_seconds * slowness);
        const Submission submission{
            .what = &what,
            .priority = dice_.chance(0.2) ? 1 : 0,
            .validation = draw_validation(),
            .deadline_seconds = dice_.chance(0.05) ? dice_.magnitude(2, 200) : 0,
            .accepted = {}};
        ++jobs_to_submit_;
        queue_.after(
            dice_.chance(0.5) ? dice_.between(0s, 1s) : dice_.between(0s, 40s),
            [this, submission, seconds_per_task] { submit(submission, seconds_per_task); });
    }
}

void Simulation::begin_ordeal(const Ordeal& ordeal) {
    for (std::size_t number = 0; number < workers_.size(); ++number) {
        add_worker(number, {.pc = number, .slots = 2, .runner = {}}, dice_.between(0s, 100ms));
    }
    ++jobs_to_submit_;
    work_max_ = ordeal_max;
    queue_.after(1s, [this, what = catalog_.find(ordeal.job), seconds = ordeal.seconds_per_task] {
        submit({.what = what, .validation = "none", .accepted = {}}, seconds);
    });
    queue_.after(2s, [this, deaths = ordeal.deaths] { suffer(deaths); });
    queue_.at(faults_.end, [this] { calm(); });
}

/// The master is killed, comes back, works a while, and is killed again.
void Simulation::suffer(std::uint32_t deaths_left) {
    if (deaths_left == 0) return;
    const Duration down = dice_.between(50ms, 2s);
    master_->kill_at(dice_.one_of({DeathPoint::Anywhere, DeathPoint::BeforeCommit,
                                   DeathPoint::AfterCommit, DeathPoint::BetweenSends}),
                     dice_.between(0, 5), false);
    // It dies within a second.
    queue_.after(1s + down, [this] { start_master(); });
    queue_.after(1s + down + dice_.between(100ms, 8s),
                 [this, deaths_left] { suffer(deaths_left - 1); });
}

/// One under which the job's result must be right, and can be had.
std::string Simulation::draw_validation() {
    const auto is_liar = [](const auto& worker) { return worker->traits().runner.lies > 0; };
    const auto liar_count = std::ranges::count_if(workers_, is_liar);
    const bool natives_are_honest = std::ranges::none_of(workers_, [&](const auto& worker) {
        return is_liar(worker) && worker->traits().kind == TransportKind::Native &&
               !worker->traits().is_stranger;
    });
    const std::uint32_t drawn = dice_.between(1, 10);
    // So many liars may agree.
    if (drawn <= 2 && honest_pc_count() >= 2 && liar_count < 2) return "quorum:2";
    if (drawn <= 3 && liar_count == 0) return "none";
    if (drawn <= 6 && natives_are_honest) return dice_.chance(0.5) ? "" : "default";
    return "adaptive";
}

std::size_t Simulation::honest_pc_count() const {
    std::set<std::size_t> pcs;
    for (const auto& worker : workers_) {
        if (worker->traits().runner.lies == 0 && !worker->traits().vanishes) {
            pcs.insert(worker->traits().pc);
        }
    }
    return pcs.size();
}

void Simulation::submit(Submission submission, double seconds_per_task) {
    --jobs_to_submit_;
    submission.accepted = [this, seconds_per_task](JobId id) {
        task_seconds_[id] = seconds_per_task;
        accepted_.push_back(id);
        const bool may_be_cancelled = queue_.now() < faults_.end && !options_.ordeal;
        if (may_be_cancelled && dice_.chance(0.05)) {
            queue_.after(dice_.between(0s, 20s), [this, id] { master_->cancel(id); });
        }
    };
    master_->submit(std::move(submission));
}

/// Once a virtual second: what goes wrong in it.
void Simulation::trouble() {
    if (queue_.now() >= faults_.end) return;
    for (std::size_t number = 0; number < workers_.size(); ++number) {
        trouble(*workers_[number], number);
    }
    trouble_master();
    if (dice_.chance(faults_.whims_per_second)) follow_a_whim();
    queue_.after(1s, [this] { trouble(); });
}

void Simulation::trouble(SimulatedWorker& worker, std::size_t number) {
    const Instant now = queue_.now();
    if (dice_.chance(faults_.breaks_per_second)) worker.break_connection();
    if (dice_.chance(faults_.partitions_per_second)) {
        const std::uint32_t ways = dice_.between(1, 3);
        const Instant until = std::min(now + dice_.between(1s, 30s), faults_.end);
        network_->cut(number, (ways & 1) != 0, (ways & 2) != 0, until);
    }
    if (dice_.chance(faults_.crashes_per_second)) {
        worker.crash(dice_.chance(0.3));
        queue_.after(dice_.between(10ms, 15s), [this, number] { workers_[number]->start(); });
    }
    if (dice_.chance(faults_.sleeps_per_second)) {
        worker.sleep_until(now + dice_.between(100ms, 30s));
    }
    if (dice_.chance(faults_.leaves_per_second)) {
        worker.leave();
        queue_.after(dice_.between(10ms, 30s), [this, number] { workers_[number]->start(); });
    }
    if (dice_.chance(faults_.pauses_per_second)) {
        worker.set_paused(true);
        queue_.after(dice_.between(1s, 20s),
                     [this, number] { workers_[number]->set_paused(false); });
    }
    const double floods_per_second = worker.traits().floods_per_second;
    if (floods_per_second > 0 && dice_.chance(floods_per_second)) worker.flood();
    const double leaseless_per_second = worker.traits().leaseless_floods_per_second;
    if (leaseless_per_second > 0 && later_dice_.chance(leaseless_per_second)) {
        worker.flood_leaseless();
    }
    if (dice_.chance(faults_.resizes_per_second)) worker.set_slots(dice_.between(1, 6));
}

void Simulation::trouble_master() {
    if (dice_.chance(faults_.clock_jumps_per_second)) {
        master_->jump(dice_.chance(0.5) ? dice_.between(10ms, 20s) : -dice_.between(10ms, 10s));
    }
    if (dice_.chance(faults_.stalls_per_second)) {
        master_->stall_until(queue_.now() + dice_.between(10ms, 15s));
    }
    if (dice_.chance(faults_.master_deaths_per_second)) kill_master();
    if (dice_.chance(faults_.full_disks_per_second)) {
        master_->fill_disk_until(std::min(queue_.now() + dice_.between(100ms, 15s), faults_.end));
    }
    if (later_dice_.chance(faults_.clock_steps_per_second)) {
        const Duration by = later_dice_.between(1min, 5h);
        master_->set_time_of_day(later_dice_.chance(0.5) ? by : -by);
    }
    if (later_dice_.chance(faults_.slow_disks_per_second)) {
        master_->slow_disk_until(
            std::min(queue_.now() + later_dice_.between(100ms, 15s), faults_.end));
    }
}

/// Users act at random; a job that they pause, they resume later.
void Simulation::follow_a_whim() {
    const bool holds_back = dice_.chance(0.7);
    if (dice_.chance(0.3)) {
        const auto last = static_cast<std::uint32_t>(workers_.size() - 1);
        return master_->drain(dice_.between(0, last), holds_back);
    }
    if (accepted_.empty()) return;
    const JobId id = accepted_[dice_.between(0, static_cast<std::uint32_t>(accepted_.size() - 1))];
    if (dice_.chance(0.3)) {
        return master_->prioritize(id, static_cast<std::int32_t>(dice_.between(0, 3)));
    }
    master_->pause(id, holds_back);
}

void Simulation::kill_master() {
    master_->kill_at(dice_.one_of({DeathPoint::Anywhere, DeathPoint::BeforeCommit,
                                   DeathPoint::AfterCommit, DeathPoint::BetweenSends}),
                     dice_.between(0, 5), dice_.chance(0.3));
    queue_.after(dice_.between(2s, 15s), [this] { start_master(); });
}

void Simulation::start_master() {
    if (master_->runs()) return;
    network_->master_is_back();
    master_->start();
}

/// The faults are over: who is down comes back, also who was asked to leave while it slept.
void Simulation::calm() {
    trace_.add(queue_.now(), "world", 0, "calm");
    start_master();
    master_->let_everything_go_on();
    for (const auto& worker : workers_) {
        worker->set_paused(false);
        worker->start();
    }
    queue_.after(5s, [this] { calm(); });
}

void Simulation::check_end() {
    if (master_->inbox_max() > inbox_max) report("the master's inbox grew to more than it may");
    if (queue_.size() > events_max) report("the world's queue grew to more than it may");
    for (const auto& worker : workers_) {
        if (worker->leases_held_max() > leases_held_max) {
            report("a worker held " + std::to_string(worker->leases_held_max()) + " leases");
        }
        if (worker->was_shut_out() && worker->traits().runner.lies == 0) {
            report("a worker that never lied was shut out for what another did");
        }
    }
}

RunReport Simulation::run() {
    const Instant give_up = std::max(faults_.end, start + 60s) + settling_max + work_max_;
    const auto is_over = [this] {
        if (options_.crowd) return crowd_is_judged_;
        return jobs_to_submit_ == 0 && master_->open_job_count() == 0;
    };
    while (!is_over() && broken_.empty() && queue_.now() < give_up &&
           master_->step_count() < steps_max) {
        queue_.run_next();
    }
    if (!is_over() && broken_.empty()) {
        report(std::to_string(master_->open_job_count()) + " jobs are stuck " +
               std::to_string((queue_.now() - std::max(faults_.end, start)) / 1s) +
               " s after the last fault");
    }
    check_end();
    std::size_t leases_held = 0;
    for (const auto& worker : workers_) {
        leases_held = std::max(leases_held, worker->leases_held_max());
    }
    std::uint64_t computed = 0;
    for (const auto& worker : workers_) computed += worker->computed_count();
    const auto liars = [this](auto what) {
        return static_cast<std::size_t>(std::ranges::count_if(workers_, what));
    };
    return {.seed = options_.seed,
            .broken = broken_,
            .trace_hash = trace_.hash(),
            .steps = master_->step_count(),
            .jobs_succeeded = master_->succeeded_count(),
            .jobs_failed = master_->failed_count(),
            .liars = liars([](const auto& one) { return one->traits().runner.lies > 0; }),
            .liars_that_lied = liars([](const auto& one) { return one->has_lied(); }),
            .liars_named = master_->named_liars().size(),
            .effort = master_->effort(),
            .deaths = master_->death_count(),
            .in_flight_at_deaths = master_->in_flight_at_deaths(),
            .tasks_computed = computed,
            .virtual_seconds = to_seconds(queue_.now() - start),
            .happened = trace_.counts(),
            .inbox_max = master_->inbox_max(),
            .leases_held_max = leases_held};
}

}  // namespace netcompute::sim
