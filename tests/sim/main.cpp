#include "run_options.hpp"
#include "simulation.hpp"

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>

namespace netcompute::sim {

RunOptions& run_options() {
    static RunOptions options;
    return options;
}

const std::map<std::string_view, Occurs Worlds::*>& worst_faults() {
    static const std::map<std::string_view, Occurs Worlds::*> faults{
        {"master-dies", &Worlds::master_deaths},
        {"liars", &Worlds::liars},
        {"floods", &Worlds::floods},
        {"full-disks", &Worlds::full_disks},
        {"clock-steps", &Worlds::clock_steps},
        {"slow-disks", &Worlds::slow_disks},
        {"leaseless-floods", &Worlds::leaseless_floods},
        {"strangers", &Worlds::strangers},
        {"families", &Worlds::families}};
    return faults;
}

namespace {

/// One run, told line by line. The exit status says whether every promise was kept.
int replay(std::uint64_t seed) {
    const SimulationOptions options{seed, true, Sabotage::None, run_options().worlds};
    const RunReport report = Simulation{options, *run_options().catalog}.run();
    for (const std::string& what : report.broken) std::printf("BROKEN: %s\n", what.c_str());
    std::printf("seed %" PRIu64 ": %" PRIu64 " steps in %.1f virtual seconds, trace %016" PRIx64
                ", %s\n",
                seed, report.steps, report.virtual_seconds, report.trace_hash,
                report.broken.empty() ? "all is well" : "promises were broken");
    return report.broken.empty() ? 0 : 1;
}

/// One number for all runs, which is the same as long as each of them goes as before: for whoever
/// rebuilds something that must not change what it does.
int print_digest() {
    std::uint64_t digest = 0xcbf29ce484222325U;
    const auto mix = [&digest](std::uint64_t value) {  // FNV-1a, byte by byte.
        for (int shift = 0; shift < 64; shift += 8)
            digest = (digest ^ ((value >> shift) & 0xffU)) * 0x100000001b3U;
    };
    std::uint64_t broken_count = 0;
    const RunOptions& options = run_options();
    for (std::uint64_t place = 0; place < options.runs; ++place) {
        const std::uint64_t seed = options.first_seed + place;
        const RunReport report =
            Simulation{{seed, false, Sabotage::None, options.worlds}, *options.catalog}.run();
        if (!report.broken.empty()) ++broken_count;
        for (const std::uint64_t value :
             {seed, report.trace_hash, report.steps, report.jobs_succeeded, report.jobs_failed,
              std::uint64_t{report.liars_named}, report.effort.outputs, report.effort.checks,
              report.effort.audits, report.tasks_computed}) {
            mix(value);
        }
    }
    std::printf("%" PRIu64 " runs, %" PRIu64 " of them broken, digest %016" PRIx64 "\n",
                options.runs, broken_count, digest);
    return broken_count == 0 ? 0 : 1;
}

int run(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    CLI::App app{"Runs the scheduler and the agents in simulated worlds full of faults."};
    std::optional<std::uint64_t> seed;
    app.add_option("--seed", seed, "Replay this one run, and print all that happens");
    app.add_option("--runs", run_options().runs, "How many runs, from --first on")
        ->envname("NETCOMPUTE_SIM_RUNS");
    app.add_option("--first", run_options().first_seed, "The seed of the first run");
    bool digest = false;
    app.add_flag("--digest", digest, "Print one hash over all that happens in these runs, only");
    for (const auto& [word, occurs] : worst_faults()) {
        app.add_flag_callback(
            "--" + std::string{word},
            [occurs = occurs] { run_options().worlds.*occurs = Occurs::Always; },
            "There is this fault in every run");
    }
    CLI11_PARSE(app, argc, argv);

    spdlog::set_level(spdlog::level::off);  // The trace says it all, in virtual time.
    JobCatalog catalog{NETCOMPUTE_BINARY_DIR "/tests/sim-blobs-" + std::to_string(getpid())};
    run_options().catalog = &catalog;
    if (seed) return replay(*seed);
    return digest ? print_digest() : RUN_ALL_TESTS();
}

}  // namespace
}  // namespace netcompute::sim

int main(int argc, char** argv) {
    try {
        return netcompute::sim::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "sim_test: %s\n", error.what());
        return 1;
    }
}
