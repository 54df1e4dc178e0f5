#include "run_options.hpp"
#include "simulation.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace netcompute::sim {
namespace {

JobCatalog& catalog() {
    return *run_options().catalog;
}

RunReport run(std::uint64_t seed, Sabotage sabotage = Sabotage::None) {
    return Simulation{{seed, false, sabotage}, catalog()}.run();
}

void expect_all_is_well(const RunReport& report) {
    for (const std::string& what : report.broken) {
        ADD_FAILURE() << "seed " << report.seed << ": " << what << "\n  replay: sim_test --seed "
                      << report.seed;
    }
}

std::vector<std::uint64_t> kept_seeds() {
    const std::string path = NETCOMPUTE_SOURCE_DIR "/tests/sim/kept_seeds.txt";
    std::ifstream file{path};
    EXPECT_TRUE(file) << path << " cannot be read";
    std::vector<std::uint64_t> seeds;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words{line.substr(0, line.find('#'))};
        for (std::uint64_t seed = 0; words >> seed;) seeds.push_back(seed);
    }
    return seeds;
}

// Whatever goes wrong, every job ends once, and with the bytes that one process gives.
TEST(SimulationTest, EveryRunKeepsEveryPromise) {
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::uint64_t steps = 0;
    int bad_runs = 0;
    for (std::uint64_t i = 0; i < run_options().runs && bad_runs < 10; ++i) {
        const RunReport report = run(run_options().first_seed + i);
        expect_all_is_well(report);
        bad_runs += report.broken.empty() ? 0 : 1;
        succeeded += report.jobs_succeeded;
        failed += report.jobs_failed;
        steps += report.steps;
    }
    std::printf("%llu runs: %llu jobs succeeded, %llu failed with good reason, %llu steps\n",
                static_cast<unsigned long long>(run_options().runs),
                static_cast<unsigned long long>(succeeded), static_cast<unsigned long long>(failed),
                static_cast<unsigned long long>(steps));
    EXPECT_GT(succeeded, run_options().runs);
    EXPECT_LT(failed, succeeded / 5);
}

// What once went wrong must not come back.
TEST(SimulationTest, SeedsThatOnceFailedPass) {
    for (const std::uint64_t seed : kept_seeds()) expect_all_is_well(run(seed));
}

// A run can be replayed: the same seed gives the same events and effects at the same instants.
TEST(SimulationTest, OneSeedGivesOneTrace) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        const RunReport first = run(seed);
        const RunReport second = run(seed);
        EXPECT_EQ(first.trace_hash, second.trace_hash) << "seed " << seed;
        EXPECT_EQ(first.steps, second.steps) << "seed " << seed;
        EXPECT_NE(first.trace_hash, run(seed + 1000).trace_hash) << "seed " << seed;
    }
}

/// Whether one of the first runs tells of a broken promise whose words these are.
bool is_caught(Sabotage sabotage, std::string_view words) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        for (const std::string& what : run(seed, sabotage).broken) {
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
    EXPECT_TRUE(is_caught(Sabotage::PreferNewestJob, "whose turn it was"));
}

}  // namespace
}  // namespace netcompute::sim
