#include "boosting_cases.hpp"

#include "boosting_table.hpp"

namespace netcompute::testing {
namespace {

using kernels::BoostingObjective;
using kernels::BoostingPlan;

std::vector<Bytes> shared_inputs(const BoostingData& data, const BoostingPlan& plan,
                                 const kernels::BoostingState& state) {
    std::vector<Bytes> inputs{kernels::encode_boosting_plan(plan),
                              kernels::encode_boosting_state(state), data.label_tile()};
    for (Bytes& group : data.groups()) inputs.push_back(std::move(group));
    return inputs;
}

void add(std::vector<KernelCase>& cases, std::string kernel, std::vector<Bytes> inputs,
         const Bytes& own) {
    inputs.push_back(own);
    cases.push_back({std::move(kernel), 1, std::move(inputs)});
}

/// All kinds of tasks of a training that stands before its first tree.
void add_training(std::vector<KernelCase>& cases, const BoostingData& data,
                  const BoostingPlan& plan) {
    const auto inputs = shared_inputs(data, plan, {});
    const std::uint32_t last = (plan.feature_count - 1) / kernels::bin_group_columns;
    add(cases, "boosting_splits", inputs, kernels::encode_column_mask({last, 1}));
    add(cases, "boosting_trees", inputs, kernels::encode_boosting_range(0, 3));
    add(cases, "boosting_scores", inputs, kernels::encode_boosting_range(0, plan.row_count));
    // A level within a tree, and scores after one: the root divides column 0.
    kernels::BoostingState inner;
    ByteWriter levels{inner.levels};
    kernels::write_level(levels, {{0, 3, true, 0}});
    const auto inside = shared_inputs(data, plan, inner);
    add(cases, "boosting_splits", inside, kernels::encode_column_mask({0, 1}));
    kernels::BoostingState after{1, inner.levels, {}};
    ByteWriter leaves{after.last_trees};
    kernels::write_level(leaves, {{.value = 0.75}, {.value = -0x1.5555p-2}});
    const auto later = shared_inputs(data, plan, after);
    add(cases, "boosting_splits", later, kernels::encode_column_mask({0, 1}));
    add(cases, "boosting_scores", later, kernels::encode_boosting_range(1, plan.row_count - 1));
    Bytes model;
    ByteWriter writer{model};
    writer.number(0.25);
    writer.bytes(after.last_trees);
    cases.push_back({"boosted_scores", 1, {model, data.block(0, data.features())}});
    if (plan.class_count == 1) return;
    Bytes classes;
    ByteWriter{classes}.number(plan.class_count);
    cases.push_back({"boosted_scores", 1, {model, classes, data.block(0, data.features())}});
}

}  // namespace

void add_damaged_cases(std::vector<KernelCase>& cases, const KernelCase& good,
                       std::size_t bytes_changed) {
    for (std::size_t i = 0; i < good.inputs.size(); ++i) {
        for (const std::size_t size :
             {std::size_t{0}, good.inputs[i].size() / 2, good.inputs[i].size() + 1}) {
            cases.push_back(good);
            cases.back().inputs[i].resize(size);
        }
        for (std::size_t at = 0; at < std::min<std::size_t>(good.inputs[i].size(), bytes_changed);
             at += 3) {
            cases.push_back(good);
            cases.back().inputs[i][at] ^= std::byte{0xff};
        }
    }
    cases.push_back(good);
    cases.back().inputs.pop_back();
}

std::vector<KernelCase> boosting_cases() {
    std::vector<KernelCase> cases;
    for (const std::uint32_t rows : {2U, 3U, 15U, 16U, 17U, 1003U, 4001U, 9000U}) {
        for (const std::uint32_t features : {1U, 8U, 9U, 19U}) {
            const BoostingData data = random_boosting_data(rows, features, rows + features);
            BoostingPlan plan = data.plan();
            plan.min_child_weight = rows < 20 ? 0 : 1;
            add_training(cases, data, plan);
            plan.objective = BoostingObjective::SquaredError;
            plan.subsample = 0.6;
            plan.colsample_bytree = 0.5;
            plan.reg_alpha = 0.01;
            plan.base_margin = -0.3;
            add_training(cases, data, plan);
        }
    }
    // Of several classes, as many as fill vectors and not.
    for (const std::uint32_t rows : {3U, 17U, 1003U}) {
        BoostingData data = random_boosting_data(rows, 9, rows);
        for (std::uint32_t row = 0; row < rows; ++row) data.labels[row] = row % 5;
        BoostingPlan plan = data.plan();
        plan.objective = BoostingObjective::Softmax;
        plan.class_count = 5;
        plan.subsample = rows < 20 ? 1 : 0.7;
        add_training(cases, data, plan);
    }
    // Scores of every magnitude, and residuals that overflow.
    BoostingData data = random_boosting_data(100, 2, 1);
    BoostingPlan plan = data.plan();
    for (const double base : {-800.0, -30.0, 1e-300, 30.0, 1e300}) {
        plan.base_margin = base;
        add_training(cases, data, plan);
    }
    plan.base_margin = 0;
    plan.objective = BoostingObjective::SquaredError;
    for (const double scale : {1e-310, 1e-20, 1e20, 1e300, 1.7e308}) {
        for (double& label : data.labels) label = label == 0 ? -scale : scale;
        add_training(cases, data, plan);
    }
    std::vector<KernelCase> damaged;
    for (std::size_t i = 0; i < 7; ++i) add_damaged_cases(damaged, cases[i + 7 * 8], 24);
    cases.insert(cases.end(), damaged.begin(), damaged.end());
    return cases;
}

}  // namespace netcompute::testing
