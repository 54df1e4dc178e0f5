#include "forest_cases.hpp"

#include "boosting_cases.hpp"
#include "boosting_table.hpp"
#include <netcompute/kernels/forest.hpp>
#include <netcompute/kernels/kernel.hpp>

#include <stdexcept>

namespace netcompute::testing {
namespace {

using kernels::ForestPlan;

/// All kinds of tasks of a training of three trees.
void add_training(std::vector<KernelCase>& cases, const BoostingData& data,
                  const ForestPlan& plan) {
    std::vector<Bytes> shared{kernels::encode_forest_plan(plan), data.label_tile()};
    for (Bytes& group : data.groups()) shared.push_back(std::move(group));
    const auto add = [&](std::string kernel, const Bytes& own) {
        cases.push_back({std::move(kernel), 1, shared});
        cases.back().inputs.push_back(own);
    };
    add("forest_trees", kernels::encode_forest_range(4, 3));
    const auto task = cases.back().inputs;
    const auto output = kernels::run_once(*kernels::find_kernel("forest_trees", 1),
                                          std::vector<ByteSpan>(task.begin(), task.end()));
    if (!output) throw std::runtime_error(output.error().message);
    auto grown = kernels::decode_grown_forest(*output, plan, 3).value();
    const Bytes forest =
        kernels::encode_forest({plan.class_count, plan.feature_count, std::move(grown.trees)});
    shared.push_back(forest);
    add("forest_training_scores", kernels::encode_forest_range(1, plan.row_count - 1));
    cases.push_back({"forest_scores", 1, {forest, data.block(0, data.features())}});
}

ForestPlan plan_of(const BoostingData& data) {
    ForestPlan plan;
    plan.row_count = data.rows();
    plan.feature_count = data.features();
    plan.max_features = (data.features() + 2) / 3;
    plan.seed = 7;
    return plan;
}

}  // namespace

std::vector<KernelCase> forest_cases() {
    std::vector<KernelCase> cases;
    for (const std::uint32_t rows : {2U, 17U, 1003U, 9000U}) {
        for (const std::uint32_t features : {1U, 9U, 19U}) {
            BoostingData data = random_boosting_data(rows, features, rows + features);
            ForestPlan plan = plan_of(data);
            plan.oob_score = true;
            add_training(cases, data, plan);
            plan.bootstrap = false;
            plan.oob_score = false;
            plan.random_cuts = true;
            plan.max_depth = 6;
            plan.min_samples_leaf = 2;
            add_training(cases, data, plan);
            plan = plan_of(data);
            plan.class_count = 5;
            for (std::uint32_t row = 0; row < rows; ++row) {
                data.labels[row] = data.columns[0][row] % 4 + data.labels[row];
            }
            plan.max_depth = 9;
            add_training(cases, data, plan);
            plan.class_count = 0;
            Philox random{rows};
            for (double& label : data.labels) label += random.next_unit() - 1e3;
            kernels::scale_forest_labels(data.labels, plan);
            plan.oob_score = true;
            add_training(cases, data, plan);
        }
    }
    // Numbers of every magnitude.
    BoostingData data = random_boosting_data(100, 2, 1);
    for (const double scale : {1e-310, 1e-20, 1e20, 1.7e308}) {
        ForestPlan plan = plan_of(data);
        plan.class_count = 0;
        for (double& label : data.labels) label = label <= 0 ? -scale : scale;
        kernels::scale_forest_labels(data.labels, plan);
        add_training(cases, data, plan);
    }
    std::vector<KernelCase> damaged;
    for (std::size_t i = 12; i < 15; ++i) add_damaged_cases(damaged, cases[i], 72);
    cases.insert(cases.end(), damaged.begin(), damaged.end());
    return cases;
}

}  // namespace netcompute::testing
