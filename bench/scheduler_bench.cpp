// What the scheduler itself costs, in virtual time and without a network: many workers, and many
// results that wait for a check.
#include "core/scheduler.hpp"
#include "report.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <queue>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace netcompute::bench {
namespace {

using core::AssignTasks;
using core::Validation;
using core::ValidationMode;

struct Scenario {
    std::string name;
    std::uint32_t tasks = 0;
    std::uint32_t natives = 0;
    std::uint32_t strangers = 0;
    Validation validation;
    std::uint32_t latecomers = 0;  ///< Natives that join when nothing is pending any more.
    double task_seconds = 1e-3;
    std::uint32_t jobs = 1;  ///< That share the tasks, and live at once.
};

constexpr JobId first_job{1};
constexpr auto heartbeat_period = std::chrono::seconds{2};

Sha256 truth_of(TaskIndex index) {
    Sha256 sha256;
    for (std::size_t byte = 0; byte < 4; ++byte)
        sha256.digest[byte] = static_cast<std::uint8_t>(index >> (8 * byte));
    return sha256;
}

/// Honest workers that do what they are given, in the scheduler's own time.
class World {
 public:
    explicit World(const Scenario& scenario) : scenario_{scenario} {}

    /// Returns the real seconds that the scheduler took.
    double run() {
        const auto begun = std::chrono::steady_clock::now();
        for (std::uint32_t i = 0; i < scenario_.natives; ++i) join(true);
        for (std::uint32_t i = 0; i < scenario_.strangers; ++i) join(false);
        for (std::uint32_t i = 0; i < scenario_.jobs; ++i) {
            step(core::RoundStarted{JobId{first_job.value + i}, 0, scenario_.tasks / scenario_.jobs,
                                    16, 0, scenario_.validation});
        }
        while (jobs_done_ < scenario_.jobs) {
            const bool may_come_late = scenario_.latecomers > 0 && !has_latecomers_;
            if (may_come_late && scheduler_.round(first_job)->pending_count == 0 &&
                busy_count_ == 0) {
                has_latecomers_ = true;
                for (std::uint32_t i = 0; i < scenario_.latecomers; ++i) join(true);
            }
            next();
        }
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    }

    [[nodiscard]] std::uint64_t steps() const { return steps_; }

 private:
    struct Peer {
        WorkerId id;
        std::queue<AssignTasks> leases;
    };
    /// The end of a peer's front lease, or its next heartbeat.
    struct Due {
        Instant at;
        std::size_t peer = 0;
        bool is_heartbeat = false;
        bool operator<(const Due& other) const {
            return std::tie(other.at, other.peer) < std::tie(at, peer);
        }
    };

    void join(bool is_believed) {
        const WorkerId id{peers_.size() + 1};
        peers_.push_back({id, {}});
        due_.push({now_ + heartbeat_period, peers_.size() - 1, true});
        step(core::WorkerJoined{id, 1, false, id.value, is_believed});
    }

    void next() {
        if (!audits_.empty()) {
            const core::AuditTask audit = audits_.front();
            audits_.pop();
            return step(core::TaskAudited{audit.job,
                                          audit.round,
                                          audit.visit,
                                          audit.index,
                                          truth_of(audit.index),
                                          false,
                                          {}});
        }
        const Due due = due_.top();
        due_.pop();
        now_ = due.at;
        Peer& peer = peers_[due.peer];
        if (due.is_heartbeat) {
            due_.push({now_ + heartbeat_period, due.peer, true});
            return step(heartbeat_of(peer));
        }
        const AssignTasks lease = std::move(peer.leases.front());
        peer.leases.pop();
        --busy_count_;
        if (!peer.leases.empty()) begin_lease(due.peer);
        const auto count = static_cast<double>(lease.tasks.size());
        core::ResultsReceived results{
            peer.id, lease.lease, lease.job, lease.round, scenario_.task_seconds * count, {}};
        for (const TaskIndex index : lease.tasks)
            results.outcomes.push_back({index, false, {}, truth_of(index)});
        step(std::move(results));
    }

    static core::HeartbeatReceived heartbeat_of(const Peer& peer) {
        core::HeartbeatReceived heartbeat{peer.id, {}, 1, false};
        for (auto leases = peer.leases; !leases.empty(); leases.pop())
            heartbeat.leases.push_back(leases.front().lease);
        return heartbeat;
    }

    void begin_lease(std::size_t peer) {
        const auto count = static_cast<double>(peers_[peer].leases.front().tasks.size());
        ++busy_count_;
        due_.push({now_ + from_seconds(scenario_.task_seconds * count), peer, false});
    }

    void step(const core::Event& event) {
        ++steps_;
        for (const core::Effect& effect : scheduler_.step(now_, event)) {
            if (const auto* lease = std::get_if<AssignTasks>(&effect)) {
                const std::size_t peer = lease->worker.value - 1;
                peers_[peer].leases.push(*lease);
                if (peers_[peer].leases.size() == 1) begin_lease(peer);
            } else if (const auto* audit = std::get_if<core::AuditTask>(&effect)) {
                audits_.push(*audit);
            } else if (std::holds_alternative<core::CompleteRound>(effect)) {
                ++jobs_done_;
            } else if (std::holds_alternative<core::FailJob>(effect) ||
                       std::holds_alternative<core::QuarantineWorker>(effect)) {
                throw std::runtime_error(scenario_.name + ": the job of honest workers failed");
            }
        }
    }

    const Scenario& scenario_;
    core::Scheduler scheduler_;
    std::vector<Peer> peers_;
    std::priority_queue<Due> due_;
    std::queue<core::AuditTask> audits_;
    std::uint64_t busy_count_ = 0;
    std::uint64_t steps_ = 0;
    bool has_latecomers_ = false;
    std::uint32_t jobs_done_ = 0;
    Instant now_;
};

struct Figures {
    explicit Figures(Scenario the_scenario)
        : scenario{std::move(the_scenario)},
          per_second{scenario.name, "tasks/s"},
          per_step{"  a step", "us"} {}

    Scenario scenario;
    Series per_second;
    Series per_step;
};

std::vector<Figures> scenarios(std::uint32_t tasks) {
    const Validation none{ValidationMode::None};
    const Validation quorum{ValidationMode::Quorum, 2};
    const Validation adaptive{ValidationMode::Adaptive};
    return {Figures{{"2 workers", tasks, 2, 0, none}},
            Figures{{"2,000 workers", tasks, 2000, 0, none}},
            Figures{{"100 workers, 1,000 jobs", tasks, 100, 0, none, 0, 1e-3, 1000}},
            Figures{{"200 strangers, 2 believed", tasks, 2, 200, {}}},
            Figures{{"200 workers, adaptive", tasks, 0, 200, adaptive}},
            Figures{{"quorum of 2, two PCs", tasks, 2, 0, quorum}},
            Figures{{"quorum of 2, the second PC comes last", tasks, 1, 0, quorum, 1}},
            Figures{{"long tasks, quorum of 2, the second PC comes last", tasks / 20, 1, 0, quorum,
                     1, 1.0}}};
}

}  // namespace
}  // namespace netcompute::bench

int main(int argc, char** argv) {
    CLI::App app{"What the scheduler costs by itself"};
    std::uint32_t tasks = 1'000'000;
    int passes = 3;
    bool quick = false;
    app.add_option("--tasks", tasks)->capture_default_str();
    app.add_option("--passes", passes)->capture_default_str();
    std::string only;
    app.add_option("--only", only, "Only the scenarios whose name has this in it");
    app.add_flag("--quick", quick, "A moment, to see that it works; not for its figures");
    CLI11_PARSE(app, argc, argv);
    if (quick) tasks = 20'000, passes = 1;
    try {
        using namespace netcompute::bench;
        std::vector<Figures> all = scenarios(tasks);
        std::vector<TableRow> rows;
        // No more of a hindrance with many workers or checks than the store and the network are.
        const Goal goal{Goal::Kind::AtLeast, 200'000};
        std::erase_if(all, [&](const Figures& one) {
            return one.scenario.name.find(only) == std::string::npos;
        });
        for (Figures& one : all) {
            for (int pass = 0; pass < passes; ++pass) {
                World world{one.scenario};
                const double seconds = world.run();
                one.per_second.add(one.scenario.tasks / seconds);
                one.per_step.add(1e6 * seconds / static_cast<double>(world.steps()));
            }
            rows.push_back({&one.per_second, &all.front().per_second, goal, {}});
            rows.push_back({&one.per_step, nullptr, {}, {}});
        }
        print_table(rows);
        return 0;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "netcompute_scheduler_bench: %s\n", problem.what());
        return 1;
    }
}
