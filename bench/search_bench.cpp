// A search of 5 folds x 20 values of C over 50,000 rows x 7 columns by two native workers of one
// slot each, from its submission to its end with the best model trained, beside scikit-learn's
// GridSearchCV with two jobs where there is one. The scores are held against a plain Newton's
// method that shares no code with the product but for the folds.
#include "cluster.hpp"
#include "learning/folds.hpp"
#include "report.hpp"
#include <netcompute/random.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace netcompute::bench {
namespace {

constexpr std::size_t columns = 7;
constexpr std::uint32_t folds = 5;

struct Sizes {
    std::uint32_t rows = 50'000;
    std::uint32_t values = 20;
    int passes = 5;
    std::string python;  ///< One that has scikit-learn; empty: nothing is compared.
};

/// Rows of correlated numbers of different scales, whose class follows a logistic model.
struct Rows {
    explicit Rows(std::uint32_t count) {
        Philox random{20260202};
        for (std::uint32_t row = 0; row < count; ++row) {
            double score = -0.4;
            std::array<double, columns> values{};
            for (std::size_t i = 0; i < columns; ++i) {
                double normal = -2;
                for (int part = 0; part < 4; ++part) normal += random.next_unit();
                values[i] = normal + (i > 0 ? 0.5 * values[i - 1] : 0);
                score += (i % 2 == 0 ? 0.7 : -0.3) * values[i];
            }
            for (std::size_t i = 0; i < columns; ++i) {
                const auto scale = static_cast<double>(i + 1);
                x.push_back(std::round((10 * scale + scale * values[i]) * 1e6) / 1e6);
            }
            y.push_back(random.next_unit() < 1 / (1 + std::exp(-score)) ? 1 : 0);
        }
    }
    std::vector<double> x;  ///< Shape [rows][columns].
    std::vector<std::uint8_t> y;
};

/// A logistic regression by Newton's method, written as plainly as can be.
class Reference {
 public:
    static constexpr std::size_t size = columns + 1;
    using Vector = std::array<double, size>;

    Reference(const Rows& rows, const learning::Split& split) {
        std::array<double, columns> mean{};
        std::array<double, columns> deviation{};
        const auto is_training = [&](std::size_t row) {
            return split.roles[row] == programs::RowRole::Training;
        };
        const auto count = static_cast<double>(split.training_count);
        for (std::size_t i = 0; i < columns; ++i) {
            for (std::size_t row = 0; row < rows.y.size(); ++row) {
                if (is_training(row)) mean[i] += rows.x[row * columns + i] / count;
            }
            for (std::size_t row = 0; row < rows.y.size(); ++row) {
                const double difference = rows.x[row * columns + i] - mean[i];
                if (is_training(row)) deviation[i] += difference * difference / count;
            }
            deviation[i] = std::sqrt(deviation[i]);
        }
        for (std::size_t row = 0; row < rows.y.size(); ++row) {
            Vector features;
            features.back() = 1;
            for (std::size_t i = 0; i < columns; ++i) {
                features[i] = (rows.x[row * columns + i] - mean[i]) / deviation[i];
            }
            auto& part = is_training(row) ? training_ : held_out_;
            part.push_back({features, rows.y[row] == 1 ? 1.0 : -1.0});
        }
    }

    /// The mean log-loss of the rows held out.
    [[nodiscard]] double log_loss(double c) const {
        Vector weights{};
        for (int iteration = 0; iteration < 12; ++iteration) step(weights, 1 / c);
        double loss = 0;
        for (const Row& row : held_out_)
            loss += std::log1p(std::exp(-row.sign * dot(row, weights)));
        return loss / static_cast<double>(held_out_.size());
    }

 private:
    struct Row {
        Vector features;
        double sign;
    };

    static double dot(const Row& row, const Vector& weights) {
        double sum = 0;
        for (std::size_t i = 0; i < size; ++i) sum += row.features[i] * weights[i];
        return sum;
    }

    void step(Vector& weights, double l2) const {
        std::array<std::array<double, size + 1>, size> system{};
        for (const Row& row : training_) {
            const double wrong = 1 / (1 + std::exp(row.sign * dot(row, weights)));
            for (std::size_t i = 0; i < size; ++i) {
                system[i][size] -= row.sign * wrong * row.features[i];
                for (std::size_t j = 0; j < size; ++j) {
                    system[i][j] += wrong * (1 - wrong) * row.features[i] * row.features[j];
                }
            }
        }
        for (std::size_t i = 0; i < columns; ++i) {
            system[i][i] += l2;
            system[i][size] += l2 * weights[i];
        }
        for (std::size_t i = 0; i < size; ++i) {  // Gauss and Jordan; the matrix is definite.
            for (std::size_t other = 0; other < size; ++other) {
                if (other == i) continue;
                const double share = system[other][i] / system[i][i];
                for (std::size_t j = i; j <= size; ++j) system[other][j] -= share * system[i][j];
            }
        }
        for (std::size_t i = 0; i < size; ++i) weights[i] -= system[i][size] / system[i][i];
    }

    std::vector<Row> training_;
    std::vector<Row> held_out_;
};

class SearchBench {
 public:
    explicit SearchBench(Sizes sizes) : sizes_{std::move(sizes)}, rows_{sizes_.rows} {
        for (std::uint32_t i = 0; i < sizes_.values; ++i) {
            c_.push_back(std::pow(10.0, -4 + 8.0 * i / std::max(1U, sizes_.values - 1)));
        }
    }

    void run() {
        Cluster cluster;
        write_tables(cluster.root());
        cluster.add_workers(2, 1);
        cluster.wait_for_workers(2);
        std::ignore = search(cluster, 1);  // From then on the dataset is known.
        for (int pass = 0; pass < sizes_.passes; ++pass) {
            measure(cluster);
            if (!sizes_.python.empty()) measure_peer(cluster.root());
        }
        compare();
    }

    [[nodiscard]] bool print() const {
        const bool has_peer = !peer_.empty();
        std::optional<Goal> ratio;
        if (has_peer) ratio = Goal{Goal::Kind::AtMost, 0.3};
        std::vector<TableRow> rows{
            {&seconds_, has_peer ? &peer_ : nullptr, {}, ratio},
            {&difference_, nullptr, Goal{Goal::Kind::AtMost, 1e-6}, {}},
            {&best_, nullptr, {}, {}},
        };
        if (has_peer) {
            rows.push_back({&peer_, nullptr, {}, {}});
            rows.push_back({&peer_best_, nullptr, {}, {}});
            rows.push_back({&peer_difference_, nullptr, {}, {}});
        }
        return print_table(rows);
    }

 private:
    void write_tables(const std::filesystem::path& root) {
        const auto splits = learning::plan_splits({sizes_.rows, rows_.y, {}}, {.folds = folds},
                                                  learning::all_rows(sizes_.rows));
        if (!splits) throw std::runtime_error(splits.error().message);
        splits_ = *splits;
        std::ofstream table{root / "Data" / "train.csv"};
        table << "id,y";
        for (std::size_t i = 0; i < columns; ++i) table << ",x" << i;
        table.precision(17);
        for (std::size_t row = 0; row < rows_.y.size(); ++row) {
            table << '\n' << row << ',' << int{rows_.y[row]};
            for (std::size_t i = 0; i < columns; ++i) table << ',' << rows_.x[row * columns + i];
        }
        table << '\n';
        std::vector<std::uint8_t> fold(rows_.y.size());
        for (const learning::Split& split : splits_) {
            for (const std::uint32_t row : split.held_out) {
                fold[row] = static_cast<std::uint8_t>(split.fold);
            }
        }
        const auto write = [&](const char* name, const void* from, std::size_t size) {
            std::ofstream file{root / name, std::ios::binary};
            file.write(static_cast<const char*>(from), static_cast<std::streamsize>(size));
            if (!file) throw std::runtime_error("a table could not be written: is the disk full?");
        };
        write("x.f64", rows_.x.data(), rows_.x.size() * sizeof(double));
        write("y.u8", rows_.y.data(), rows_.y.size());
        write("fold.u8", fold.data(), fold.size());
    }

    JobTimes search(Cluster& cluster, std::size_t values) const {
        const std::vector<double> tried{c_.begin(),
                                        c_.begin() + static_cast<std::ptrdiff_t>(values)};
        return cluster.run_job({{"type", "search"},
                                {"params",
                                 {{"target", "y"},
                                  {"id", "id"},
                                  {"folds", folds},
                                  {"scoring", "log_loss"},
                                  {"grid", {{"C", tried}}}}}});
    }

    void measure(Cluster& cluster) {
        const JobTimes times = search(cluster, c_.size());
        result_ = times.document.at("result");
        seconds_.add(times.client_seconds);
        best_.add(result_.at("best_params").at("C"));
    }

    [[nodiscard]] double loss_of(double c) const {
        for (const auto& candidate : result_.at("candidates")) {
            if (candidate.at("params").at("C") == c) return candidate.at("metrics").at("log_loss");
        }
        throw std::runtime_error("a candidate is not in the result");
    }

    /// Ours and the reference's mean log-losses.
    void compare() {
        std::vector<Reference> references;
        for (const learning::Split& split : splits_) references.emplace_back(rows_, split);
        double largest = 0;
        for (const double c : c_) {
            double loss = 0;
            for (const Reference& reference : references) loss += reference.log_loss(c) / folds;
            largest = std::max(largest, std::abs(loss - loss_of(c)));
        }
        difference_.add(largest);
    }

    void measure_peer(const std::filesystem::path& root) {
        std::string command =
            sizes_.python + " " NETCOMPUTE_SOURCE_DIR "/bench/search_peer.py " + root.string();
        for (const std::size_t number :
             {std::size_t{sizes_.rows}, columns, std::size_t{folds}, std::size_t{2}}) {
            command += " " + std::to_string(number);
        }
        for (const double c : c_) command += " " + nlohmann::json(c).dump();
        const std::unique_ptr<FILE, int (*)(FILE*)> pipe{::popen(command.c_str(), "r"), ::pclose};
        std::array<char, 4096> text{};
        if (!pipe || std::fgets(text.data(), text.size(), pipe.get()) == nullptr) {
            throw std::runtime_error(command +
                                     " said nothing: does this Python have scikit-learn?");
        }
        const auto said = nlohmann::json::parse(text.data());
        peer_.add(said.at("fit_s"));
        peer_best_.add(said.at("best_c"));
        double largest = 0;
        for (std::size_t i = 0; i < c_.size(); ++i) {
            const double loss = said.at("log_loss").at(i);
            largest = std::max(largest, std::abs(loss - loss_of(c_[i])));
        }
        peer_difference_.add(largest);
    }

    Sizes sizes_;
    Rows rows_;
    std::vector<double> c_;
    std::vector<learning::Split> splits_;
    nlohmann::json result_;
    Series seconds_{"search, with the best model", "s"};
    Series best_{"best C", ""};
    Series difference_{"largest difference from the reference's mean log-losses", ""};
    Series peer_{"scikit-learn: GridSearchCV, 2 jobs", "s"};
    Series peer_best_{"scikit-learn: best C", ""};
    Series peer_difference_{"largest difference from scikit-learn's", ""};
};

}  // namespace
}  // namespace netcompute::bench

int main(int argc, char** argv) {
    CLI::App app{"A search over C: a master and two workers, beside scikit-learn with two jobs"};
    netcompute::bench::Sizes sizes;
    bool quick = false;
    app.add_option("--rows", sizes.rows)->capture_default_str();
    app.add_option("--values", sizes.values, "How many values of C")->capture_default_str();
    app.add_option("--passes", sizes.passes)->capture_default_str();
    app.add_option("--sklearn", sizes.python, "A Python that has scikit-learn");
    app.add_flag("--quick", quick, "A few seconds, to see that it works; the figures mean little");
    CLI11_PARSE(app, argc, argv);
    if (quick) sizes = {.rows = 2000, .values = 4, .passes = 1, .python = {}};
    try {
        netcompute::bench::SearchBench bench{sizes};
        bench.run();
        return bench.print() || quick ? 0 : 1;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "netcompute_search_bench: %s\n", problem.what());
        return 1;
    }
}
