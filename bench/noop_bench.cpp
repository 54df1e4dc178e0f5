// What the whole system does with tasks that do nothing, beside what libzmq alone does in the same
// minutes: tasks per second through two worker processes, and the round trip of a lone task.
#include "cluster.hpp"
#include "lone_task.hpp"
#include "raw_flush.hpp"
#include "raw_zmq.hpp"
#include "report.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace netcompute::bench {
namespace {

constexpr std::uint32_t payload_bytes = 64;
constexpr int worker_processes = 2;
constexpr std::size_t raw_window = 64;

struct Sizes {
    int passes = 5;
    std::uint32_t tasks = 1'000'000;
    std::size_t round_trips = 2000;
    double raw_seconds = 1.5;
    bool rates = true;
};

nlohmann::json noop(std::uint32_t task_count) {
    return {{"type", "noop"},
            {"params", {{"task_count", task_count}, {"payload_bytes", payload_bytes}}}};
}

/// The job checks every output; here: that it was this job, and all of it.
JobTimes run_noop(Cluster& cluster, std::uint32_t task_count) {
    JobTimes times = cluster.run_job(noop(task_count));
    const auto& document = times.document;
    if (document.at("tasks").at("done") != task_count ||
        document.at("result").at("task_count") != task_count ||
        document.at("result").at("payload_bytes") != payload_bytes) {
        throw std::runtime_error("noop: a wrong result: " + document.dump());
    }
    return times;
}

class NoopBench {
 public:
    explicit NoopBench(Sizes sizes) : sizes_{sizes} {}

    void run() {
        for (int pass = 0; pass < sizes_.passes; ++pass) {
            if (sizes_.rates) measure_rates();
            measure_round_trips();
        }
    }

    /// True if every goal is met. Masters keep their state in the system's folder for temporary
    /// files: set TMPDIR to measure another disk.
    [[nodiscard]] bool print() const {
        const Goal rate_goal{Goal::Kind::AtLeast, 100'000};
        const Goal rate_ratio_goal{Goal::Kind::AtLeast, 1.0};
        const Goal ratio_goal{Goal::Kind::AtMost, 2.5};
        return print_table({{&raw_rate_, nullptr, {}, {}},
                            {&one_slot_rate_, &raw_rate_, rate_goal, rate_ratio_goal},
                            {&one_slot_master_rate_, &raw_rate_, {}, {}},
                            {&default_rate_, &raw_rate_, rate_goal, rate_ratio_goal},
                            {&raw_round_trip_, nullptr, {}, {}},
                            {&flush_, &raw_round_trip_, {}, {}},
                            {&lone_, &raw_round_trip_, {}, {}},
                            {&lone_less_flush_, &raw_round_trip_, {}, ratio_goal},
                            {&raw_paused_, nullptr, {}, {}},
                            {&lone_paused_, &raw_paused_, {}, {}},
                            {&lone_paused_less_flush_, &raw_paused_, {}, ratio_goal},
                            {&http_lone_, &raw_round_trip_, {}, {}}});
    }

 private:
    static constexpr std::int64_t pause_us = 2000;

    void measure_rates() {
        raw_rate_.add(raw_zmq_tasks_per_second(payload_bytes, worker_processes, raw_window,
                                               sizes_.raw_seconds));
        measure_rate(1, one_slot_rate_, &one_slot_master_rate_);
        measure_rate(0, default_rate_, nullptr);
    }

    void measure_round_trips() {
        const std::size_t paused_count = sizes_.round_trips / 10 + 1;
        const TemporaryFolder folder;  // Where the masters have theirs.
        const double flush = flush_us(folder.path(), sizes_.round_trips);
        flush_.add(flush);
        raw_round_trip_.add(raw_zmq_round_trip_us(payload_bytes, sizes_.round_trips));
        const double lone = median_of(lone_task_us(payload_bytes, sizes_.round_trips, 0));
        lone_.add(lone);
        lone_less_flush_.add(lone - flush);
        raw_paused_.add(raw_zmq_round_trip_us(payload_bytes, paused_count, pause_us));
        const double paused = median_of(lone_task_us(payload_bytes, paused_count, pause_us));
        lone_paused_.add(paused);
        lone_paused_less_flush_.add(paused - flush);
        measure_http_round_trip();
    }

    void measure_rate(int slots, Series& by_client, Series* by_master) {
        Cluster cluster;
        cluster.add_workers(worker_processes, slots);
        run_noop(cluster, sizes_.tasks / 20 + 1);  // Warm: connections, pages, caches.
        const JobTimes times = run_noop(cluster, sizes_.tasks);
        by_client.add(sizes_.tasks / times.client_seconds);
        if (by_master != nullptr) by_master->add(sizes_.tasks / times.master_seconds);
    }

    void measure_http_round_trip() {
        Cluster cluster;
        cluster.add_workers(1, 1);
        std::vector<double> times_us;
        for (std::size_t i = 0; i < sizes_.round_trips / 4 + 1; ++i) {
            times_us.push_back(1e6 * run_noop(cluster, 1).client_seconds);
        }
        http_lone_.add(median_of(times_us));
    }

    Sizes sizes_;
    Series raw_rate_{"libzmq ROUTER/DEALER, 2 processes, 64 in flight to each", "tasks/s"};
    Series one_slot_rate_{"noop 64 B, 2 worker processes of 1 slot", "tasks/s"};
    Series one_slot_master_rate_{"  the same by the master's own clock", "tasks/s"};
    Series default_rate_{"noop 64 B, 2 worker processes of default slots", "tasks/s"};
    Series raw_round_trip_{"libzmq ROUTER/DEALER, one in flight", "us"};
    Series flush_{"fdatasync of a page on the state's disk", "us"};
    Series lone_{"lone noop task, through the library, back to back", "us"};
    Series lone_less_flush_{"  the same less one flush", "us"};
    Series raw_paused_{"libzmq ROUTER/DEALER, one every 2 ms", "us"};
    Series lone_paused_{"lone noop task, through the library, every 2 ms", "us"};
    Series lone_paused_less_flush_{"  the same less one flush", "us"};
    Series http_lone_{"lone noop task, over HTTP: POST, GET ?wait", "us"};
};

}  // namespace
}  // namespace netcompute::bench

int main(int argc, char** argv) {
    CLI::App app{"What the whole system does with tasks that do nothing, beside libzmq alone"};
    netcompute::bench::Sizes sizes;
    bool quick = false;
    bool require_goals = false;
    app.add_option("--passes", sizes.passes)->capture_default_str();
    app.add_option("--tasks", sizes.tasks, "Of each measured job")->capture_default_str();
    app.add_option("--round-trips", sizes.round_trips)->capture_default_str();
    app.add_flag("!--no-rates", sizes.rates, "Round trips only");
    app.add_flag("--quick", quick, "A few seconds, to see that it works; the figures mean little");
    app.add_flag("--require-goals", require_goals, "Exit 1 if a goal is missed");
    CLI11_PARSE(app, argc, argv);
    if (quick) sizes = {.passes = 1, .tasks = 20'000, .round_trips = 100, .raw_seconds = 0.3};
    try {
        netcompute::bench::NoopBench bench{sizes};
        bench.run();
        const bool met = bench.print();
        return require_goals && !met ? 1 : 0;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "netcompute_noop_bench: %s\n", problem.what());
        return 1;
    }
}
