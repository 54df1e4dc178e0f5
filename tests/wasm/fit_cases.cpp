#include "fit_cases.hpp"

#include "boosting_cases.hpp"
#include "boosting_table.hpp"
#include <netcompute/kernels/tile.hpp>
#include <netcompute/programs/fit.hpp>

namespace netcompute::testing {
namespace {

using kernels::BoostingObjective;
using programs::FitFamily;

/// Fits over the same rows: each third is held out, in two tiles, or in bins.
class FitCases {
 public:
    explicit FitCases(std::uint32_t rows)
        : rows_{rows}, data_{random_boosting_data(rows, features, rows)} {
        for (std::size_t row = 0; row < roles_.size(); row += 3) roles_[row] = std::byte{2};
        Philox random{rows};
        for (std::uint32_t begin = 0; begin < rows; begin += rows / 2 + 1) {
            const std::uint32_t count = std::min(rows / 2 + 1, rows - begin);
            std::vector<double> values(std::size_t{count} * features);
            for (double& value : values) value = random.next_unit() * 4 - 2;
            tiles_.push_back(kernels::encode_tile(count, features, values));
        }
        for (std::uint32_t row = 0; row < rows; ++row) {
            two_.push_back(data_.labels[row]);
            four_.push_back(row * 7 % 5 % 4);
            numbers_.push_back(random.next_unit() * 1e3 - data_.labels[row]);
        }
    }

    std::vector<KernelCase> run() {
        const auto tiles = [&](FitFamily family, std::uint32_t classes, const Bytes& params) {
            add(family, classes, tiles_, params);
        };
        const auto bins = [&](FitFamily family, std::uint32_t classes, const Bytes& params) {
            add(family, classes, data_.groups(), params);
        };
        tiles(FitFamily::LogisticRegression, 2, encode_fit(programs::LogisticFit{1, 100}));
        tiles(FitFamily::LogisticRegression, 4, encode_fit(programs::LogisticFit{0.1, 100}));
        tiles(FitFamily::LogisticRegression, 5, encode_fit(programs::LogisticFit{0.1, 100}));
        using programs::LinearPenalty;
        for (const auto penalty :
             {LinearPenalty::None, LinearPenalty::Ridge, LinearPenalty::ElasticNet}) {
            tiles(FitFamily::LinearRegression, 0,
                  encode_fit(programs::LinearFit{penalty, 1000, 0.5, 0.5, 1e-8}));
        }
        for (const std::uint32_t classes : {2U, 4U}) {
            tiles(FitFamily::NaiveBayes, classes, encode_fit(programs::NaiveBayesFit{1e-9}));
        }
        for (const std::uint32_t classes : {0U, 2U, 4U}) {
            tiles(FitFamily::NearestNeighbors, classes,
                  encode_fit(programs::NeighborsFit{3, classes != 2}));
            programs::NetworkJob network;
            network.plan.form = {kernels::Activation::Tanh,
                                 classes,
                                 {features, 4, kernels::network_outputs(classes)}};
            network.plan.batch_size = 8;
            network.plan.epochs_max = 2;
            network.plan.replicas = classes == 4 ? 2 : 1;
            tiles(FitFamily::NeuralNetwork, classes, encode_fit(programs::NetworkFit{network}));
        }
        kernels::BoostingPlan boosting = data_.plan();
        bins(FitFamily::GradientBoosting, 2, encode_fit(programs::BoostingFit{boosting, 3}));
        boosting.objective = BoostingObjective::SquaredError;
        bins(FitFamily::GradientBoosting, 0, encode_fit(programs::BoostingFit{boosting, 3}));
        boosting.objective = BoostingObjective::Softmax;
        boosting.class_count = 4;
        bins(FitFamily::GradientBoosting, 4, encode_fit(programs::BoostingFit{boosting, 8}));
        kernels::ForestPlan forest;
        forest.row_count = rows_;
        forest.feature_count = features;
        forest.max_features = 3;
        for (const std::uint32_t classes : {2U, 0U, 4U}) {
            forest.class_count = classes;
            forest.random_cuts = classes == 4;
            bins(FitFamily::Forest, classes, encode_fit(programs::ForestFit{forest, 3}));
        }
        for (const std::size_t at : {std::size_t{0}, cases_.size() - 1}) {
            KernelCase permuting = cases_[at];
            const std::uint32_t classes = at == 0 ? 2 : 4;
            const FitFamily family = at == 0 ? FitFamily::LogisticRegression : FitFamily::Forest;
            permuting.inputs[0] =
                programs::encode_fit_table({family, rows_, features, classes}, {2, 7, {1, 5, 3}});
            cases_.push_back(std::move(permuting));
        }
        return std::move(cases_);
    }

 private:
    static constexpr std::uint32_t features = 9;

    void add(FitFamily family, std::uint32_t classes, const std::vector<Bytes>& parts,
             const Bytes& params) {
        const auto& labels = classes == 0 ? numbers_ : classes == 2 ? two_ : four_;
        KernelCase task{"fit",
                        2,
                        {programs::encode_fit_table({family, rows_, features, classes}),
                         kernels::encode_tile(rows_, 1, labels)}};
        task.inputs.insert(task.inputs.end(), parts.begin(), parts.end());
        task.inputs.push_back(roles_);
        task.inputs.push_back(params);
        cases_.push_back(std::move(task));
    }

    std::uint32_t rows_;
    BoostingData data_;
    Bytes roles_ = Bytes(rows_, std::byte{1});
    std::vector<Bytes> tiles_;
    std::vector<double> two_;
    std::vector<double> four_;
    std::vector<double> numbers_;
    std::vector<KernelCase> cases_;
};

}  // namespace

std::vector<KernelCase> fit_cases() {
    std::vector<KernelCase> cases = FitCases{17}.run();
    std::vector<KernelCase> damaged;
    // One of each family, and the last one, which permutes.
    for (const std::size_t i :
         {std::size_t{1}, std::size_t{5}, std::size_t{7}, std::size_t{10}, cases.size() - 1}) {
        add_damaged_cases(damaged, cases[i], 24);
    }
    const std::vector<KernelCase> large = FitCases{1003}.run();
    cases.insert(cases.end(), large.begin(), large.end());
    cases.insert(cases.end(), damaged.begin(), damaged.end());
    return cases;
}

}  // namespace netcompute::testing
