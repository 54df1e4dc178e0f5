// Trees by two native workers of one slot each, beside a peer with two threads on the same rows:
// gradient boosting beside XGBoost, or, with --forest, a random forest beside scikit-learn's.
// Compared is what follows once both have the table: the making of bins and the trees (ours
// includes putting the blobs into the store and sending them to the workers, and scores of all
// rows). The AUC is that of rows that were held out.
#include "cluster.hpp"
#include "report.hpp"
#include <netcompute/math.hpp>
#include <netcompute/random.hpp>

#include <CLI/CLI.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

namespace netcompute::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Sizes {
    std::uint64_t rows = 1'000'000;
    std::uint64_t held_out = 200'000;
    std::uint64_t columns = 32;
    std::uint64_t trees = 100;
    int passes = 3;
    std::string python;  ///< One that has the peer; empty: nothing is compared.
    bool forest = false;
};

/// Correlated columns, nearly normal; the class depends on all of them, two by their product.
class RowSource {
 public:
    explicit RowSource(std::uint64_t columns) : row(columns), weights_(columns), drawn_(columns) {
        for (double& weight : weights_) weight = 0.4 * normal();
    }
    void next() {
        for (double& value : drawn_) value = normal();
        double score = 0.3;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::size_t before = (i + row.size() - 1) % row.size();
            row[i] = static_cast<float>(drawn_[i] + 0.5 * drawn_[before]);
            score += weights_[i] * static_cast<double>(row[i]);
        }
        const auto x = [&](std::size_t i) { return static_cast<double>(row[i % row.size()]); };
        score += 0.5 * x(0) * x(1) - 0.4 * x(2) * x(2);
        label = random_.next_unit() < math::sigmoid(score) ? 1 : 0;
    }

    std::vector<float> row;
    std::uint8_t label = 0;

 private:
    double normal() {
        double sum = -2;
        for (int i = 0; i < 4; ++i) sum += random_.next_unit();
        return sum * 1.7320508;
    }

    Philox random_{20260101};
    std::vector<double> weights_;
    std::vector<double> drawn_;
};

class Output {
 public:
    explicit Output(const std::filesystem::path& path) : file_{path, std::ios::binary} {}
    void write(const void* from, std::size_t size) {
        file_.write(static_cast<const char*>(from), static_cast<std::streamsize>(size));
    }
    void write(const std::string& text) { write(text.data(), text.size()); }
    void close() {
        file_.close();
        if (!file_) throw std::runtime_error("a table could not be written: is the disk full?");
    }

 private:
    std::ofstream file_;
};

class BoostingBench {
 public:
    explicit BoostingBench(Sizes sizes) : sizes_{std::move(sizes)} {}

    void run() {
        Cluster cluster;
        write_tables(cluster.root());
        cluster.add_workers(2, 1);
        cluster.wait_for_workers(2);
        // Reads the CSV: from then on the dataset is known.
        std::ignore = train(cluster, 1);
        for (int pass = 0; pass < sizes_.passes; ++pass) {
            measure(cluster);
            if (!sizes_.python.empty()) measure_peer(cluster.root());
        }
    }

    [[nodiscard]] bool print() const {
        const bool has_peer = !peer_.empty();
        const Series* const peer = has_peer ? &peer_ : nullptr;
        std::optional<Goal> ratio;
        if (has_peer) ratio = Goal{Goal::Kind::AtMost, sizes_.forest ? 0.1 : 0.6};
        std::vector<TableRow> rows{{&fit_, peer, {}, ratio},        {&bins_, nullptr, {}, {}},
                                   {&rounds_, nullptr, {}, {}},     {&worker_cpu_, nullptr, {}, {}},
                                   {&master_cpu_, nullptr, {}, {}}, {&auc_, nullptr, {}, {}}};
        if (has_peer) {
            rows.push_back({&peer_, nullptr, {}, {}});
            rows.push_back({&peer_cpu_, nullptr, {}, {}});
            rows.push_back({&peer_auc_, nullptr, {}, {}});
            rows.push_back(
                {&behind_, nullptr, Goal{Goal::Kind::AtMost, sizes_.forest ? 0.002 : 0.001}, {}});
        }
        return print_table(rows);
    }

 private:
    void write_tables(const std::filesystem::path& root) const {
        RowSource source{sizes_.columns};
        Output train{root / "Data" / "train.csv"};
        Output test{root / "Data" / "test.csv"};
        Output x{root / "x.f32"};
        Output y{root / "y.u8"};
        std::string header = "id,y";
        for (std::uint64_t i = 0; i < sizes_.columns; ++i) header += ",x" + std::to_string(i);
        for (Output* const table : {&train, &test}) table->write(header + "\n");
        std::string line;
        for (std::uint64_t i = 0; i < sizes_.rows + sizes_.held_out; ++i) {
            source.next();
            line = std::to_string(i) + (source.label == 0 ? ",0" : ",1");
            for (const float value : source.row) {
                std::array<char, 32> text{};
                const auto end = std::to_chars(text.begin(), text.end(), value).ptr;
                line.append(",").append(text.begin(), end);
            }
            (i < sizes_.rows ? train : test).write(line + "\n");
            x.write(source.row.data(), source.row.size() * sizeof(float));
            y.write(&source.label, 1);
        }
        for (Output* const file : {&train, &test, &x, &y}) file->close();
    }

    struct Trained {
        double bins_seconds = 0;
        double rounds_seconds = 0;
    };

    /// The phases are seen from outside, by asking every few milliseconds.
    Trained train(Cluster& cluster, std::uint64_t trees) {
        nlohmann::json params{{"target", "y"}, {"id", "id"}, {"n_estimators", trees}};
        params["algorithm"] = sizes_.forest ? "random_forest" : "gradient_boosting";
        if (sizes_.forest) {
            params["max_depth"] = 12;
        } else {
            params["learning_rate"] = 0.1;
        }
        const nlohmann::json request{{"type", "train"}, {"params", params}};
        const auto start = Clock::now();
        const auto id = cluster.http().post("/api/v1/jobs", request).at("id");
        const auto binned_at = cluster.wait_while(id, "reading data");
        const auto computed_at = cluster.wait_while(id, "");
        const auto job = cluster.http().get("/api/v1/jobs/" + id.dump() + "?wait=120");
        if (job.at("state") != "Succeeded") {
            throw std::runtime_error("the training did not succeed: " + job.dump());
        }
        const auto seconds = [](auto time) { return std::chrono::duration<double>(time).count(); };
        return {seconds(binned_at - start), seconds(computed_at - binned_at)};
    }

    void measure(Cluster& cluster) {
        const auto workers_cpu = [&] {
            double seconds = 0;
            for (const auto& worker : cluster.workers()) {
                seconds += figures_of(worker.id()).cpu_seconds;
            }
            return seconds;
        };
        const double workers_before = workers_cpu();
        const double master_before = figures_of(cluster.master_id()).cpu_seconds;
        const Trained trained = train(cluster, sizes_.trees);
        fit_.add(trained.bins_seconds + trained.rounds_seconds);
        bins_.add(trained.bins_seconds);
        rounds_.add(trained.rounds_seconds);
        worker_cpu_.add(workers_cpu() - workers_before);
        master_cpu_.add(figures_of(cluster.master_id()).cpu_seconds - master_before);
        const auto predicted = cluster.run_job({{"type", "predict"}}).document;
        auc_.add(predicted.at("result").at("metrics").at("auc"));
    }

    void measure_peer(const std::filesystem::path& root) {
        std::string command = sizes_.python + " " NETCOMPUTE_SOURCE_DIR "/bench/" +
                              (sizes_.forest ? "forest" : "boosting") + "_peer.py " + root.string();
        for (const auto number : {sizes_.rows, sizes_.held_out, sizes_.columns, sizes_.trees}) {
            command += " " + std::to_string(number);
        }
        command += " 2";
        const std::unique_ptr<FILE, int (*)(FILE*)> pipe{::popen(command.c_str(), "r"), ::pclose};
        std::array<char, 512> text{};
        if (!pipe || std::fgets(text.data(), text.size(), pipe.get()) == nullptr) {
            throw std::runtime_error(
                command + " said nothing: does this Python have XGBoost and scikit-learn?");
        }
        const auto said = nlohmann::json::parse(text.data());
        peer_.add(said.at("fit_s"));
        peer_cpu_.add(said.at("cpu_s"));
        peer_auc_.add(said.at("auc"));
        behind_.add(peer_auc_.median() - auc_.median());
    }

    Sizes sizes_;
    Series fit_{"bins and trees", "s"};
    Series bins_{"  bins, and blobs into the store", "s"};
    Series rounds_{"  rounds", "s"};
    Series worker_cpu_{"the workers' CPU", "s"};
    Series master_cpu_{"the master's CPU", "s"};
    Series auc_{"AUC of the rows held out", ""};
    Series peer_{"the peer: bins and trees", "s"};
    Series peer_cpu_{"the peer: CPU", "s"};
    Series peer_auc_{"the peer: AUC of the rows held out", ""};
    Series behind_{"how far our AUC is below the peer's", ""};
};

}  // namespace
}  // namespace netcompute::bench

int main(int argc, char** argv) {
    CLI::App app{"Trees: a master and two workers, beside a peer with two threads"};
    netcompute::bench::Sizes sizes;
    bool quick = false;
    app.add_option("--rows", sizes.rows)->capture_default_str();
    app.add_option("--held-out", sizes.held_out)->capture_default_str();
    app.add_option("--columns", sizes.columns)->capture_default_str();
    app.add_option("--trees", sizes.trees)->capture_default_str();
    app.add_option("--passes", sizes.passes)->capture_default_str();
    app.add_option("--peer,--xgboost", sizes.python, "A Python that has XGBoost and scikit-learn");
    app.add_flag("--forest", sizes.forest,
                 "A random forest of depth 12; the goal is for 200,000 rows of 20 columns");
    app.add_flag("--quick", quick, "A few seconds, to see that it works; the figures mean little");
    CLI11_PARSE(app, argc, argv);
    if (quick) {
        sizes = {.rows = 5000,
                 .held_out = 1000,
                 .columns = 8,
                 .trees = 10,
                 .passes = 1,
                 .python = {},
                 .forest = sizes.forest};
    }
    try {
        netcompute::bench::BoostingBench bench{sizes};
        bench.run();
        return bench.print() || quick ? 0 : 1;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "netcompute_boosting_bench: %s\n", problem.what());
        return 1;
    }
}
