#include "run_options.hpp"
#include "simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <numeric>
#include <sstream>

namespace netcompute::sim {
namespace {

JobCatalog& catalog() {
    return *run_options().catalog;
}

RunReport run(std::uint64_t seed, Sabotage sabotage = Sabotage::None, Worlds worlds = {}) {
    try {
        return Simulation{{seed, false, sabotage, worlds}, catalog()}.run();
    } catch (const std::exception& thrown) {
        RunReport report;
        report.seed = seed;
        report.broken.push_back(std::string{"an exception got out: "} + thrown.what());
        return report;
    }
}

void expect_all_is_well(const RunReport& report) {
    for (const std::string& what : report.broken) {
        ADD_FAILURE() << "seed " << report.seed << ": " << what << "\n  replay: sim_test --seed "
                      << report.seed << " and the flags of this test, if any";
    }
}

struct KeptSeed {
    std::uint64_t seed = 0;
    Worlds worlds;
};

/// Lines of seeds; words before them say what occurs in every run, as the flags of this program do.
std::vector<KeptSeed> kept_seeds() {
    const std::string path = NETCOMPUTE_SOURCE_DIR "/tests/sim/kept_seeds.txt";
    std::ifstream file{path};
    EXPECT_TRUE(file) << path << " cannot be read";
    std::vector<KeptSeed> seeds;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words{line.substr(0, line.find('#'))};
        KeptSeed kept;
        for (std::string word; words >> word;) {
            if (std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; })) {
                kept.seed = std::stoull(word);
                seeds.push_back(kept);
            } else {
                const auto occurs = worst_faults().find(word);
                EXPECT_NE(occurs, worst_faults().end()) << word << " is no flag of this program";
                if (occurs != worst_faults().end()) kept.worlds.*occurs->second = Occurs::Always;
            }
        }
    }
    return seeds;
}

/// All runs together.
struct Totals {
    std::uint64_t runs = 0;
    std::uint64_t broken_runs = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::uint64_t steps = 0;
    std::size_t inbox_max = 0;
    std::size_t leases_held_max = 0;
    std::size_t liars = 0;
    std::size_t liars_that_lied = 0;
    std::size_t liars_named = 0;
    Effort effort;
    Trace::Counts happened;

    void add(const RunReport& report) {
        ++runs;
        if (!report.broken.empty()) ++broken_runs;
        succeeded += report.jobs_succeeded;
        failed += report.jobs_failed;
        steps += report.steps;
        inbox_max = std::max(inbox_max, report.inbox_max);
        leases_held_max = std::max(leases_held_max, report.leases_held_max);
        liars += report.liars;
        liars_that_lied += report.liars_that_lied;
        liars_named += report.liars_named;
        effort.outputs += report.effort.outputs;
        effort.checks += report.effort.checks;
        effort.audits += report.effort.audits;
        for (const auto& [what, count] : report.happened) happened[what] += count;
    }
    void print_validation() const {
        std::cout << liars << " workers were liars, " << liars_that_lied << " of them lied, and "
                  << liars_named << " were named; for " << effort.outputs
                  << " outputs of workers there were " << effort.checks << " checks by others and "
                  << effort.audits << " audits by the master: "
                  << 100 * (effort.checks + effort.audits) /
                         std::max<std::uint64_t>(effort.outputs, 1)
                  << " % more\n";
    }
    void print() const {
        std::cout << runs << " runs, " << steps << " steps of the scheduler: " << succeeded
                  << " jobs succeeded, " << failed << " failed with good reason; at most "
                  << inbox_max << " events waited for the master, and a worker held at most "
                  << leases_held_max << " leases, ended ones included\n";
        print_validation();
        for (const auto& [what, count] : happened)
            std::cout << "  " << what << ": " << count << '\n';
    }
};

/// From --first on, so many where there are 10,000 --runs, and in proportion where there are not.
std::vector<std::uint64_t> seeds_of(std::uint64_t of_ten_thousand) {
    std::vector<std::uint64_t> seeds(
        std::max<std::uint64_t>(run_options().runs * of_ten_thousand / 10'000, 1));
    std::iota(seeds.begin(), seeds.end(), run_options().first_seed);
    return seeds;
}

// Whatever goes wrong, every job ends once, and with the bytes that one process gives.
TEST(SimulationTest, EveryRunKeepsEveryPromise) {
    Totals totals;
    constexpr std::uint64_t broken_runs_max = 10;  // More say nothing more.
    while (totals.runs < run_options().runs && totals.broken_runs < broken_runs_max) {
        const std::uint64_t seed = run_options().first_seed + totals.runs;
        const RunReport report = run(seed, Sabotage::None, run_options().worlds);
        expect_all_is_well(report);
        totals.add(report);
    }
    totals.print();
    EXPECT_GT(totals.succeeded, totals.runs);
    EXPECT_LT(totals.failed, totals.succeeded / 5);
    if (totals.runs < 2000) return;  // Too few to say what is rare.
    // A world in which nothing goes wrong shows nothing.
    for (const std::string_view what : {"lost",
                                        "repeated",
                                        "may overtake",
                                        "break",
                                        "cut",
                                        "crash",
                                        "power cut",
                                        "sleep",
                                        "pause",
                                        "slots",
                                        "leave",
                                        "link full",
                                        "clock back",
                                        "clock forward",
                                        "stall",
                                        "resumed",
                                        "> left",
                                        "> disconnected",
                                        "Suspect",
                                        "Lost",
                                        "Draining",
                                        "close session",
                                        "revoke",
                                        "confirm",
                                        "check",
                                        "audit",
                                        "quarantine",
                                        "visit",
                                        "forget",
                                        "contest",
                                        "disk full",
                                        "> paused",
                                        "> drained",
                                        "deadline",
                                        "Cancelled",
                                        "Failed",
                                        "time of day back",
                                        "time of day forward",
                                        "slow commit",
                                        "flood: leaseless results",
                                        "flood: heartbeat of leases"}) {
        EXPECT_GT(totals.happened[what] * 200, totals.runs) << what << " is too rare";
    }
    if (run_options().worlds.master_deaths == Occurs::Never) return;
    for (const std::string_view what :
         {"killed between turns", "killed before a commit", "killed after a commit",
          "killed while sending", "power cut at the master"}) {
        EXPECT_GT(totals.happened[what] * 100, totals.runs) << what << " is too rare";
    }
}

// What once went wrong must not come back.
TEST(SimulationTest, SeedsThatOnceFailedPass) {
    const std::vector<KeptSeed> kept = kept_seeds();
    EXPECT_FALSE(kept.empty());
    for (const auto& [seed, worlds] : kept) {
        expect_all_is_well(run(seed, Sabotage::None, worlds));
    }
}

// A run can be replayed: the same seed gives the same events and effects at the same instants.
TEST(SimulationTest, OneSeedGivesOneTrace) {
    const auto any = [](std::uint64_t seed) {
        return run(seed, Sabotage::None,
                   {.master_deaths = Occurs::Always, .liars = Occurs::Sometimes});
    };
    for (const std::uint64_t seed : seeds_of(60)) {
        const RunReport first = any(seed);
        const RunReport second = any(seed);
        EXPECT_EQ(first.trace_hash, second.trace_hash) << "seed " << seed;
        EXPECT_EQ(first.steps, second.steps) << "seed " << seed;
        EXPECT_NE(first.trace_hash, any(seed + 1000).trace_hash) << "seed " << seed;
    }
}

// Up to 30 % of the workers lie at random: every result is right all the same, and nobody else is
// taken for a liar.
TEST(SimulationTest, LiarsChangeNoResult) {
    Totals totals;
    for (const std::uint64_t seed : seeds_of(1000)) {
        const RunReport report = run(seed, Sabotage::None, {.liars = Occurs::Always});
        expect_all_is_well(report);
        totals.add(report);
    }
    totals.print_validation();
    if (totals.runs < 100) return;  // Too few to say how often.
    EXPECT_GT(totals.liars, totals.runs);
    EXPECT_GT(totals.liars_that_lied * 3, totals.liars) << "too few got anything to lie about";
    // Who is not named has lied in a job that was cancelled, or too late for it.
    EXPECT_GT(totals.liars_named * 10, totals.liars_that_lied * 8);
}

// Strangers and believed newcomers that take leases and hang up without end, strangers that go by
// the ids of others and lie, and PCs that are copies of others: no job fails for it, no honest
// worker is shut out or drained for what another did, and every result is right.
TEST(SimulationTest, StrangersHarmNobody) {
    Totals totals;
    for (const std::uint64_t seed : seeds_of(1000)) {
        const RunReport report = run(seed, Sabotage::None, {.strangers = Occurs::Always});
        expect_all_is_well(report);
        totals.add(report);
    }
    totals.print_validation();
    if (totals.runs < 100) return;  // Too few to say how often.
    EXPECT_GT(totals.liars_named * 10, totals.liars_that_lied * 8);
}

// The master is killed fifty times while a job runs: the job ends with the same bytes, and no more
// is computed twice than was under way when it died.
TEST(SimulationTest, FiftyDeathsComputeNothingTwiceThatWasAccepted) {
    for (const auto& [name, seconds_per_task] : {std::pair{"train 8", 30.0}, {"noop 200", 12.0}}) {
        std::uint64_t twice = 0;
        std::uint64_t in_flight = 0;
        const std::vector<std::uint64_t> seeds = seeds_of(20);
        for (const std::uint64_t seed : seeds) {
            const RunReport report =
                Simulation{{.seed = seed, .ordeal = Ordeal{name, seconds_per_task, 50}}, catalog()}
                    .run();
            expect_all_is_well(report);
            EXPECT_EQ(report.jobs_succeeded, 1U) << name << ", seed " << seed;
            EXPECT_EQ(report.deaths, 50U) << name << ", seed " << seed;
            const std::uint64_t task_count = catalog().find(name)->task_count;
            EXPECT_GE(report.tasks_computed, task_count);
            EXPECT_LE(report.tasks_computed - task_count, report.in_flight_at_deaths)
                << name << ", seed " << seed;
            twice += report.tasks_computed - task_count;
            in_flight += report.in_flight_at_deaths;
        }
        std::cout << name << ": fifty deaths in each of " << seeds.size() << " runs; " << in_flight
                  << " tasks were under way when the master died, " << twice
                  << " were computed twice\n";
    }
}

// Jobs that are made of other jobs end once and with the right result, whatever goes wrong; and no
// job outlives the one that has submitted it.
TEST(SimulationTest, FamiliesOfJobsKeepEveryPromise) {
    Totals totals;
    for (const std::uint64_t seed : seeds_of(500)) {
        const RunReport report = run(seed, Sabotage::None, {.families = Occurs::Always});
        expect_all_is_well(report);
        totals.add(report);
    }
    EXPECT_GT(totals.succeeded, totals.runs / 2);
}

/// How many jobs of one priority share the workers, and what a run says of it.
RunReport run_crowd(std::uint64_t seed, Sabotage sabotage = Sabotage::None) {
    const std::uint32_t jobs = 2 + static_cast<std::uint32_t>(seed * 3 % 19);
    return Simulation{{.seed = seed, .sabotage = sabotage, .crowd = Crowd{.jobs = jobs}}, catalog()}
        .run();
}

// After a minute no two jobs of one priority differ by more than a fifth in slot-seconds.
TEST(SimulationTest, EqualJobsHaveEqualShares) {
    for (const std::uint64_t seed : seeds_of(40)) expect_all_is_well(run_crowd(seed));
}

/// Whether one of the first runs tells of a broken promise whose words these are.
bool is_caught(Sabotage sabotage, std::string_view words, Worlds worlds = {}) {
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        for (const std::string& what : run(seed, sabotage, worlds).broken) {
            if (what.find(words) != std::string::npos) return true;
        }
    }
    return false;
}

// The checkers are no decoration: a master that breaks a promise is caught by the one for it.
TEST(SimulationTest, ABrokenMasterIsCaught) {
    EXPECT_TRUE(is_caught(Sabotage::RecordSecondResults, "recorded twice"));
    EXPECT_TRUE(is_caught(Sabotage::FreezeTime, "leases, the scheduler thinks"));
    EXPECT_TRUE(is_caught(Sabotage::RenewEverything, "ran out and goes on"));
    EXPECT_TRUE(is_caught(Sabotage::GiveTooMuch, "more than the worker may hold"));
    EXPECT_TRUE(is_caught(Sabotage::DamageOutput, "other bytes than one process"));
    EXPECT_TRUE(is_caught(Sabotage::ForgetCompletion, "stuck"));
    EXPECT_TRUE(is_caught(Sabotage::MixUpMemo, "other bytes than one process"));
    EXPECT_TRUE(is_caught(Sabotage::PreferNewestJob, "whose turn it was"));
    EXPECT_TRUE(is_caught(Sabotage::HideResumptions, "leases, the scheduler thinks"));
    EXPECT_TRUE(is_caught(Sabotage::ServePausedJobs, "of a paused job"));
    EXPECT_FALSE(run_crowd(1, Sabotage::PreferNewestJob).broken.empty());
}

// So is one that forgets what it had written down, or does not write it down.
TEST(SimulationTest, AForgetfulMasterIsCaught) {
    const Worlds deadly{.master_deaths = Occurs::Always};
    EXPECT_TRUE(is_caught(Sabotage::WipeStore, "was forgotten", deadly));
    EXPECT_TRUE(is_caught(Sabotage::WipeStore, "now it is not so", deadly));
    EXPECT_TRUE(is_caught(Sabotage::LoseBlobs, "failed", deadly));
    EXPECT_TRUE(is_caught(Sabotage::ForgetAnother, "though nobody lied", deadly));
    EXPECT_TRUE(is_caught(Sabotage::RecomputeAfterRestart, "is computed again", deadly));
    EXPECT_TRUE(is_caught(Sabotage::SendBeforeCommit, "before it was written down", deadly));
    EXPECT_TRUE(is_caught(Sabotage::PromiseBeforeFlush, "was forgotten", deadly));
    EXPECT_TRUE(is_caught(Sabotage::PromiseBeforeFlush, "now it is not so", deadly));
    EXPECT_TRUE(is_caught(Sabotage::ServeWhileStalled, "though it cannot be written down",
                          {.full_disks = Occurs::Always}));
}

// So is one that does not cancel what a job has submitted, or loses a fold.
TEST(SimulationTest, AMasterThatLosesSightOfWorkIsCaught) {
    EXPECT_TRUE(
        is_caught(Sabotage::SpareChildren, "which submitted it", {.families = Occurs::Always}));
    EXPECT_TRUE(is_caught(Sabotage::LoseFolds, "stuck"));
}

// So is one that believes the clock on the wall, or its own memory of what it gave out.
TEST(SimulationTest, AMasterThatMistakesTheTimeIsCaught) {
    const Worlds timeless{.master_deaths = Occurs::Always, .clock_steps = Occurs::Always};
    EXPECT_TRUE(is_caught(Sabotage::FollowTimeOfDay, "its deadline has passed", timeless));
    EXPECT_TRUE(is_caught(Sabotage::ReuseLeaseIds, "a former master has given out", timeless));
}

// So is one that is wrong about who is who.
TEST(SimulationTest, AMasterThatTakesOneForAnotherIsCaught) {
    const Worlds strange{.strangers = Occurs::Always};
    // A full disk gives strangers the time for it. Even so it shows in few worlds, and another
    // compiler draws other worlds from a seed: not for the fewer runs of a build with sanitizers.
    if (run_options().runs >= 2000) {
        EXPECT_TRUE(is_caught(Sabotage::BelieveStrangers, "failed without reason",
                              {.full_disks = Occurs::Always, .strangers = Occurs::Always}));
    }
    EXPECT_TRUE(is_caught(Sabotage::BlameNewcomers, "failed without reason", strange));
    EXPECT_TRUE(is_caught(Sabotage::LeakSecrets, "shut out for what another did", strange));
    EXPECT_TRUE(is_caught(Sabotage::LeakSecrets, "in another's stead", strange));
}

// So is one that is wrong about who is wrong.
TEST(SimulationTest, AGullibleMasterIsCaught) {
    const Worlds mendacious{.master_deaths = Occurs::Always, .liars = Occurs::Always};
    EXPECT_TRUE(is_caught(Sabotage::BelieveLiars, "other bytes than one process", mendacious));
    EXPECT_TRUE(is_caught(Sabotage::ForgetQuarantine, "and now is not", mendacious));
    EXPECT_TRUE(is_caught(Sabotage::BlameTheHonest, "never lies", mendacious));
    EXPECT_TRUE(is_caught(Sabotage::CheckOnSamePc, "may not confirm it", mendacious));
}

}  // namespace
}  // namespace netcompute::sim
