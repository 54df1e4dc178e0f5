// What validation costs: the same jobs without it, with spot checks of strangers, and with a quorum
// of two, on two worker processes that count as two PCs.
#include "cluster.hpp"
#include "report.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace netcompute::bench {
namespace {

struct Sizes {
    std::uint64_t tasks = 2000;
    int passes = 3;
};

/// One policy's figures.
struct Policy {
    explicit Policy(std::string the_name)
        : name{std::move(the_name)},
          seconds{"monte_carlo_pi, validation " + name, "s"},
          extra{"  computed once more, of 100 tasks", ""} {}

    std::string name;
    Series seconds;
    Series extra;
};

class ValidationBench {
 public:
    explicit ValidationBench(Sizes sizes) : sizes_{sizes} {}

    void run() {
        Cluster cluster;
        cluster.add_workers(2, 1);
        measure(cluster, policies_.front(), false);  // The workers' speed is known from then on.
        for (int pass = 0; pass < sizes_.passes; ++pass) {
            for (Policy& policy : policies_) measure(cluster, policy, true);
        }
    }

    void print() const {
        std::vector<TableRow> rows;
        for (const Policy& policy : policies_) {
            rows.push_back({&policy.seconds, &policies_.front().seconds, {}, {}});
            rows.push_back({&policy.extra, nullptr, {}, {}});
        }
        print_table(rows);
    }

 private:
    void measure(Cluster& cluster, Policy& policy, bool counts) const {
        constexpr std::uint64_t samples_per_task = std::uint64_t{1} << 22;
        const auto times =
            cluster.run_job({{"type", "monte_carlo_pi"},
                             {"params", {{"samples", sizes_.tasks * samples_per_task}}},
                             {"validation", policy.name}});
        if (!counts) return;
        policy.seconds.add(times.client_seconds);
        policy.extra.add(100 * times.document.at("validation").at("overhead").get<double>());
    }

    Sizes sizes_;
    std::vector<Policy> policies_{Policy{"none"}, Policy{"adaptive"}, Policy{"quorum:2"}};
};

}  // namespace
}  // namespace netcompute::bench

int main(int argc, char** argv) {
    CLI::App app{"What validation costs: two workers of one slot, Monte Carlo tasks of some ms"};
    netcompute::bench::Sizes sizes;
    bool quick = false;
    app.add_option("--tasks", sizes.tasks)->capture_default_str();
    app.add_option("--passes", sizes.passes)->capture_default_str();
    app.add_flag("--quick", quick, "A second or two, to see that it works; not for its figures");
    CLI11_PARSE(app, argc, argv);
    if (quick) sizes = {.tasks = 100, .passes = 1};
    try {
        netcompute::bench::ValidationBench bench{sizes};
        bench.run();
        bench.print();
        return 0;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "netcompute_validation_bench: %s\n", problem.what());
        return 1;
    }
}
