#pragma once

#include "dice.hpp"
#include <netcompute/instant.hpp>

#include <cstdint>

namespace netcompute::sim {

enum class Occurs { Never, Sometimes, Always };

/// Which of the worst faults there are. Where one occurs sometimes, the seed decides.
struct Worlds {
    Occurs master_deaths = Occurs::Sometimes;
    Occurs liars = Occurs::Sometimes;
    Occurs floods = Occurs::Sometimes;
    Occurs full_disks = Occurs::Sometimes;
    Occurs clock_steps = Occurs::Sometimes;
    Occurs slow_disks = Occurs::Sometimes;
    Occurs leaseless_floods = Occurs::Sometimes;
    /// Those that vanish, clones, and those that go by another's id. They draw their chances from a
    /// stream of their own, and only where they are asked for, so that seeds keep their meaning.
    Occurs strangers = Occurs::Never;
    /// Jobs that submit other jobs; likewise only where they are asked for.
    Occurs families = Occurs::Never;
};

/// How bad the world of one run is. Drawn from the seed; nothing of it happens after `end`.
struct FaultPlan {
    Instant end;

    // Of each message.
    double loss = 0;
    double replay = 0;
    double reorder = 0;
    Duration delay_max{};

    // How often, per worker and second.
    double breaks_per_second = 0;      ///< The connection ends, and one side may not hear of it.
    double partitions_per_second = 0;  ///< One way or both, for a while.
    double crashes_per_second = 0;
    double sleeps_per_second = 0;   ///< SIGSTOP, or a suspended laptop.
    double pauses_per_second = 0;   ///< Its owner wants the PC back for a while.
    double resizes_per_second = 0;  ///< Another number of slots.
    double leaves_per_second = 0;

    // Of each task.
    double blob_failure = 0;     ///< A blob that could not be fetched.
    double own_failure = 0;      ///< Only on the one worker that is short of memory.
    double lies_about_time = 0;  ///< Of each batch of outcomes: an absurd busy_seconds.
    double collusion = 0;        ///< Of each lie: it is the one that all liars tell.

    // Of the workers.
    bool liars = false;             ///< At most 30 % of them, for as long as they live.
    bool floods = false;            ///< Some send what no honest worker does.
    bool leaseless_floods = false;  ///< And some results and heartbeats about what they never had.

    // Of the master.
    double clock_jumps_per_second = 0;
    double stalls_per_second = 0;
    double master_deaths_per_second = 0;
    double full_disks_per_second = 0;
    double clock_steps_per_second = 0;  ///< Of the time of day, by hours.
    double slow_disks_per_second = 0;   ///< What is to be on the disk takes long to get there.

    // Of the users.
    double whims_per_second = 0;  ///< They pause, go on, hurry or drain something.

    [[nodiscard]] static FaultPlan draw(Dice& dice, Instant start, const Worlds& worlds) {
        FaultPlan plan;
        if (dice.chance(0.05)) return plan;  // A quiet world, for comparison.
        plan.end = start + dice.between(std::chrono::seconds{5}, std::chrono::seconds{50});
        // Each fault is off in half of the runs, so that every mix of them occurs.
        const auto rate = [&](double low, double high) {
            return dice.chance(0.5) ? 0.0 : dice.magnitude(low, high);
        };
        plan.loss = rate(0.002, 0.2);
        plan.replay = rate(0.005, 0.2);
        plan.reorder = rate(0.01, 0.5);
        plan.delay_max = from_seconds(dice.magnitude(0.0002, 3));
        plan.breaks_per_second = rate(0.01, 0.3);
        plan.partitions_per_second = rate(0.01, 0.1);
        plan.crashes_per_second = rate(0.005, 0.2);
        plan.sleeps_per_second = rate(0.01, 0.1);
        plan.pauses_per_second = rate(0.01, 0.1);
        plan.resizes_per_second = rate(0.01, 0.2);
        plan.leaves_per_second = rate(0.005, 0.05);
        plan.blob_failure = rate(0.005, 0.2);
        plan.own_failure = rate(0.05, 1);
        plan.lies_about_time = rate(0.05, 1);
        plan.clock_jumps_per_second = rate(0.01, 0.2);
        plan.stalls_per_second = rate(0.01, 0.2);
        plan.whims_per_second = rate(0.02, 0.5);
        const auto occurs = [&](Occurs wanted) {
            const bool drawn = dice.chance(0.25);
            return wanted == Occurs::Always || (wanted == Occurs::Sometimes && drawn);
        };
        plan.floods = occurs(worlds.floods);
        plan.liars = occurs(worlds.liars);
        if (plan.liars) plan.collusion = rate(0.1, 1);
        if (occurs(worlds.master_deaths)) plan.master_deaths_per_second = dice.magnitude(0.01, 0.3);
        if (occurs(worlds.full_disks)) plan.full_disks_per_second = dice.magnitude(0.01, 0.1);
        return plan;
    }

    /// Faults that were thought of later, by dice of their own: the seeds keep their other faults.
    void add_later_faults(Dice& dice, const Worlds& worlds) {
        if (end == Instant{}) return;
        const auto occurs = [&](Occurs wanted) {
            const bool drawn = dice.chance(0.2);
            return wanted == Occurs::Always || (wanted == Occurs::Sometimes && drawn);
        };
        if (occurs(worlds.clock_steps)) clock_steps_per_second = dice.magnitude(0.02, 0.3);
        if (occurs(worlds.slow_disks)) slow_disks_per_second = dice.magnitude(0.02, 0.2);
        leaseless_floods = occurs(worlds.leaseless_floods);
    }
};

}  // namespace netcompute::sim
