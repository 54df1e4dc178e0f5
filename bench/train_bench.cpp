// Where the time of a training goes, from the CSV to the model and the submission: a master, one
// worker process with two slots, and an invented table.
#include "cluster.hpp"
#include "generate_csv.hpp"
#include "report.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>

namespace netcompute::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Sizes {
    std::uint64_t rows = 1'000'000;
    std::uint64_t columns = 32;
    int passes = 3;
};

class TrainBench {
 public:
    explicit TrainBench(Sizes sizes) : sizes_{sizes} {}

    void run() {
        Cluster cluster;
        write_table(cluster.root() / "Data" / "train.csv");
        cluster.add_workers(1, 2);
        for (int pass = 0; pass < sizes_.passes; ++pass) measure(cluster);
    }

    void print() const {
        print_table({{&total_, nullptr, {}, {}},
                     {&reading_, &total_, {}, {}},
                     {&rounds_, &total_, {}, {}},
                     {&writing_, &total_, {}, {}},
                     {&iterations_, nullptr, {}, {}},
                     {&master_cpu_, nullptr, {}, {}},
                     {&worker_cpu_, nullptr, {}, {}}});
    }

 private:
    void write_table(const std::filesystem::path& path) const {
        const std::string table = test_support::generate_numbers({sizes_.rows, 1, sizes_.columns});
        std::ofstream file{path, std::ios::binary};
        file.write(table.data(), static_cast<std::streamsize>(table.size()));
        file.close();
        if (!file) throw std::runtime_error(path.string() + ": could not be written");
        std::printf("{\"case\":\"table\",\"value\":%.1f,\"unit\":\"MB\"}\n",
                    static_cast<double>(table.size()) / 1e6);
    }

    /// The phases are seen from outside, by asking every few milliseconds.
    void measure(Cluster& cluster) {
        const double master_before = figures_of(cluster.master_id()).cpu_seconds;
        const double worker_before = figures_of(cluster.workers().front().id()).cpu_seconds;
        const auto start = Clock::now();
        const auto id = cluster.http().post("/api/v1/jobs", {{"type", "train"}}).at("id");
        const auto read_at = cluster.wait_while(id, "reading data");
        const auto computed_at = cluster.wait_while(id, "");
        const auto over_at = cluster.wait_while(id, "writing results");
        const auto job = cluster.http().get("/api/v1/jobs/" + id.dump() + "?wait=60");
        if (job.at("state") != "Succeeded" || job.at("result").at("rows") != sizes_.rows) {
            throw std::runtime_error("the training did not succeed: " + job.dump());
        }
        const auto seconds = [](Clock::time_point from, Clock::time_point to) {
            return std::chrono::duration<double>(to - from).count();
        };
        total_.add(seconds(start, over_at));
        reading_.add(seconds(start, read_at));
        rounds_.add(seconds(read_at, computed_at));
        writing_.add(seconds(computed_at, over_at));
        iterations_.add(job.at("result").at("iterations"));
        master_cpu_.add(figures_of(cluster.master_id()).cpu_seconds - master_before);
        worker_cpu_.add(figures_of(cluster.workers().front().id()).cpu_seconds - worker_before);
    }

    Sizes sizes_;
    Series total_{"training, from submission to the files", "s"};
    Series reading_{"  reading: CSV to tiles", "s"};
    Series rounds_{"  rounds: Newton's method and the scores", "s"};
    Series writing_{"  writing: metrics, model and submission", "s"};
    Series iterations_{"Newton iterations", ""};
    Series master_cpu_{"the master's CPU", "s"};
    Series worker_cpu_{"the worker's CPU", "s"};
};

}  // namespace
}  // namespace netcompute::bench

int main(int argc, char** argv) {
    CLI::App app{"Where the time of a training goes: one master, one worker of two slots"};
    netcompute::bench::Sizes sizes;
    bool quick = false;
    app.add_option("--rows", sizes.rows)->capture_default_str();
    app.add_option("--columns", sizes.columns)->capture_default_str();
    app.add_option("--passes", sizes.passes)->capture_default_str();
    app.add_flag("--quick", quick, "A few seconds, to see that it works; the figures mean little");
    CLI11_PARSE(app, argc, argv);
    if (quick) sizes = {.rows = 5000, .columns = 8, .passes = 1};
    try {
        netcompute::bench::TrainBench bench{sizes};
        bench.run();
        bench.print();
        return 0;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "netcompute_train_bench: %s\n", problem.what());
        return 1;
    }
}
