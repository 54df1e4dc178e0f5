#include "simulation.hpp"

#include <algorithm>

/// Many jobs of one priority, and how they share the workers.
namespace netcompute::sim {

using namespace std::chrono_literals;

void Simulation::begin_crowd(const Crowd& crowd) {
    std::uint32_t slot_count = 0;
    for (std::size_t number = 0; number < workers_.size(); ++number) {
        const std::uint32_t slots = later_dice_.one_of({1U, 4U, 16U});
        slot_count += slots;
        add_worker(number, {.pc = number, .slots = slots, .runner = {}}, 0s);
    }
    const JobTemplate* const big = catalog_.find("noop 1000");
    // Together twice as much as there is time for, so that none is over.
    const double share = 2.0 * to_seconds(crowd.time) * slot_count / crowd.jobs;
    for (std::uint32_t i = 0; i < crowd.jobs; ++i) {
        const double seconds = share / big->task_count * later_dice_.magnitude(1, 3);
        longest_task_seconds_ = std::max(longest_task_seconds_, seconds);
        ++jobs_to_submit_;
        queue_.after(1s, [this, big, seconds] {
            submit({.what = big, .validation = "none", .accepted = {}}, seconds);
        });
    }
    ++jobs_to_submit_;
    queue_.after(1s + crowd.time / 2, [this] {
        submit({.what = catalog_.find("noop 5"), .validation = "none", .accepted = {}}, 0.01);
    });
    queue_.after(1s + crowd.time, [this] { judge_crowd(); });
}

/// Equal jobs have had equal shares of the workers' time, and the small one did not wait for them.
void Simulation::judge_crowd() {
    crowd_is_judged_ = true;
    judge_small_job();
    double least = spent_[accepted_.front()];
    double most = least;
    for (std::size_t big = 0; big < options_.crowd->jobs; ++big) {
        least = std::min(least, spent_[accepted_[big]]);
        most = std::max(most, spent_[accepted_[big]]);
    }
    if (most - least <= 0.2 * most) return;
    report("equal jobs have had from " + std::to_string(least) + " to " + std::to_string(most) +
           " slot-seconds");
}

void Simulation::judge_small_job() {
    // Where a task takes longer than a batch, a batch is a task; and some take longer than others.
    const double batch_seconds =
        std::max(core::SchedulerLimits{}.batch_seconds, 1.5 * longest_task_seconds_);
    const store::JobRecord* const told = master_->told(accepted_.back());
    if (told != nullptr && told->elapsed_seconds <= 2 * batch_seconds) return;
    report("a small job beside big ones was not over within two batches");
}

}  // namespace netcompute::sim
