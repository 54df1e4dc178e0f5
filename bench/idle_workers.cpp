// What a thousand idle native workers and a thousand idle tabs cost the master.
#include "cluster.hpp"
#include "idle_peers.hpp"
#include "report.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

namespace netcompute::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double megabyte = 1e6;

struct Sizes {
    std::uint32_t workers = 1000;  ///< Of each kind.
    int passes = 3;
    double seconds = 20;
};

void sleep_for(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

class IdleBench {
 public:
    explicit IdleBench(Sizes sizes) : sizes_{sizes} {}

    void run() {
        Cluster cluster;
        empty_memory_.add(memory_of(cluster));
        const IdlePeers native{IdlePeers::Kind::Native, sizes_.workers, cluster.endpoints()};
        const IdlePeers tabs{IdlePeers::Kind::Browser, sizes_.workers, cluster.endpoints()};
        cluster.wait_for_workers(2 * sizes_.workers);
        sleep_for(settle_seconds);
        for (int pass = 0; pass < sizes_.passes; ++pass) {
            measure(cluster, cpu_, memory_);
            const IdlePeers viewer{IdlePeers::Kind::Dashboard, 1, cluster.endpoints()};
            sleep_for(1);
            measure(cluster, cpu_viewed_, memory_viewed_);
            require(viewer.counts().acks > 0, "the viewer saw nothing change");
        }
        require_idle(cluster, native.counts(), tabs.counts());
    }

    /// True if every goal is met.
    [[nodiscard]] bool print() const {
        const Goal memory_goal{Goal::Kind::AtMost, 200};
        const Goal cpu_goal{Goal::Kind::AtMost, 20};
        return print_table({{&empty_memory_, nullptr, {}, {}},
                            {&memory_, nullptr, memory_goal, {}},
                            {&cpu_, nullptr, cpu_goal, {}},
                            {&memory_viewed_, nullptr, memory_goal, {}},
                            {&cpu_viewed_, nullptr, cpu_goal, {}}});
    }

 private:
    static constexpr double settle_seconds = 4;  ///< Two rounds of heartbeats.

    static void require(bool holds, const std::string& otherwise) {
        if (!holds) throw std::runtime_error(otherwise);
    }

    static double memory_of(const Cluster& cluster) {
        return static_cast<double>(figures_of(cluster.master_id()).resident_bytes) / megabyte;
    }

    void measure(const Cluster& cluster, Series& cpu, Series& memory) const {
        const auto start = Clock::now();
        const double cpu_before = figures_of(cluster.master_id()).cpu_seconds;
        sleep_for(sizes_.seconds);
        const double cpu_after = figures_of(cluster.master_id()).cpu_seconds;
        const std::chrono::duration<double> passed = Clock::now() - start;
        cpu.add(100 * (cpu_after - cpu_before) / passed.count());
        memory.add(memory_of(cluster));
    }

    /// The figures are valid only if every worker stayed connected, was answered and was idle.
    void require_idle(Cluster& cluster, const IdleCounts& native, const IdleCounts& tabs) const {
        const auto state = cluster.http().get("/api/v1/cluster");
        const auto& workers = state.at("workers");
        const bool all_idle = workers.at("native") == sizes_.workers &&
                              workers.at("browser") == sizes_.workers &&
                              workers.at("by_state").at("Idle") == 2 * sizes_.workers;
        require(all_idle, "not every worker is there and idle: " + state.dump());
        for (const IdleCounts& counts : {native, tabs}) {
            require(counts.joined == sizes_.workers && counts.acks > counts.joined &&
                        counts.disturbances == 0,
                    "workers were disturbed: " + std::to_string(counts.joined) + " welcomes, " +
                        std::to_string(counts.acks) + " acks, " +
                        std::to_string(counts.disturbances) + " others");
        }
    }

    Sizes sizes_;
    Series empty_memory_{"master's memory without workers", "MB"};
    Series memory_{"master's memory with idle workers", "MB"};
    Series cpu_{"master's CPU with idle workers", "%"};
    Series memory_viewed_{"master's memory with a dashboard open too", "MB"};
    Series cpu_viewed_{"master's CPU with a dashboard open too", "%"};
};

}  // namespace
}  // namespace netcompute::bench

int main(int argc, char** argv) {
    CLI::App app{"What idle native workers and idle tabs, connected at once, cost the master"};
    netcompute::bench::Sizes sizes;
    bool quick = false;
    bool require_goals = false;
    app.add_option("--workers", sizes.workers, "Of each kind")
        ->capture_default_str()
        ->check(CLI::Range(1, 5000));
    app.add_option("--passes", sizes.passes)->capture_default_str();
    app.add_option("--seconds", sizes.seconds, "Of each measurement")->capture_default_str();
    app.add_flag("--quick", quick, "A few seconds, to see that it works; the figures mean little");
    app.add_flag("--require-goals", require_goals, "Exit 1 if a goal is missed");
    CLI11_PARSE(app, argc, argv);
    if (quick) sizes = {.workers = 50, .passes = 1, .seconds = 1};
    try {
        netcompute::bench::IdleBench bench{sizes};
        bench.run();
        const bool met = bench.print();
        return require_goals && !met ? 1 : 0;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "netcompute_idle_bench: %s\n", problem.what());
        return 1;
    }
}
