#include "learner_cases.hpp"

#include "boosting_cases.hpp"
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/kernels/naive_bayes.hpp>
#include <netcompute/kernels/neighbors.hpp>
#include <netcompute/kernels/network.hpp>
#include <netcompute/kernels/rows_of_tile.hpp>
#include <netcompute/kernels/tile.hpp>

namespace netcompute::testing {
namespace {

using kernels::encode_rows_of_tile;
using kernels::encode_tile;

/// From -scale to scale.
std::vector<double> some_numbers(Philox& random, std::size_t count, double scale) {
    std::vector<double> numbers(count);
    for (double& number : numbers) number = scale * (2 * random.next_unit() - 1);
    return numbers;
}

Bytes some_rows(Philox& random, std::uint32_t rows, std::uint32_t features, double scale) {
    return encode_tile(rows, features, some_numbers(random, std::size_t{rows} * features, scale));
}

Bytes some_labels(Philox& random, std::uint32_t rows, std::uint32_t classes) {
    std::vector<double> labels(rows);
    for (double& label : labels) label = static_cast<double>(random.next_below(classes));
    return encode_tile(rows, 1, labels);
}

void add_naive_bayes(std::vector<KernelCase>& cases, Philox& random, std::uint32_t rows,
                     std::uint32_t features, std::uint32_t classes, double scale) {
    kernels::GaussianClasses model;
    model.class_count = classes;
    model.feature_count = features;
    model.priors.assign(classes, 1.0 / classes);
    model.means = some_numbers(random, std::size_t{classes} * features, scale);
    model.variances.assign(model.means.size(), 0.25 * scale);
    const Bytes tile = some_rows(random, rows, features, scale);
    cases.push_back({"naive_bayes_sums",
                     1,
                     {kernels::encode_class_centers({classes, features, model.means}), tile,
                      some_labels(random, rows, classes)}});
    cases.push_back({"naive_bayes_scores",
                     1,
                     {kernels::encode_gaussian_classes(model), tile,
                      encode_rows_of_tile({rows / 3, rows - rows / 3})}});
}

/// Each activation, solver and kind of target; a beginning, and a state that is gone on from.
void add_network(std::vector<KernelCase>& cases, Philox& random, std::uint32_t rows,
                 std::uint32_t width, kernels::Activation activation, std::uint32_t classes,
                 double scale) {
    kernels::NetworkPlan plan;
    plan.form = {activation, classes, {5, width, 3, kernels::network_outputs(classes)}};
    plan.solver = classes == 2 ? kernels::NetworkSolver::Sgd : kernels::NetworkSolver::Adam;
    plan.batch_size = 16;
    plan.epochs_max = 3;
    plan.early_stopping = classes != 3 && rows > 40;
    plan.validation_fraction = 0.3;
    plan.seed = random.next_u64();
    const Bytes tile = some_rows(random, rows, 5, scale);
    const Bytes labels =
        classes == 0 ? some_rows(random, rows, 1, scale) : some_labels(random, rows, classes);
    KernelCase task{"network_steps",
                    1,
                    {kernels::encode_network_plan(plan), Bytes{},
                     kernels::encode_network_task({0, 2, 4}), Bytes{}, tile, labels}};
    cases.push_back(task);
    if (const auto state =
            kernels::run_once(*kernels::find_kernel("network_steps", 1),
                              std::vector<ByteSpan>{task.inputs.begin(), task.inputs.end()})) {
        task.inputs[3] = *state;
        cases.push_back(task);
    }
    const Bytes network =
        kernels::encode_network({plan.form, kernels::first_network_weights(plan)});
    cases.push_back(
        {"network_scores", 1, {network, tile, encode_rows_of_tile({rows / 3, rows - rows / 3})}});
}

void add_neighbors(std::vector<KernelCase>& cases, Philox& random, std::uint32_t known,
                   std::uint32_t rows, std::uint32_t classes, double scale) {
    kernels::Neighbors model;
    model.class_count = classes;
    model.feature_count = 3;
    model.count = 1 + known / 2;
    model.by_distance = rows % 2 == 1;
    model.features = some_numbers(random, std::size_t{known} * 3, scale);
    for (std::uint32_t i = 0; i < known; ++i) {
        model.targets.push_back(classes == 0 ? i - 0.5 : i % classes);
    }
    cases.push_back({"neighbor_scores",
                     1,
                     {kernels::encode_neighbors(model), some_rows(random, rows, 3, scale),
                      encode_rows_of_tile({rows / 3, rows - rows / 3})}});
}

}  // namespace

std::vector<KernelCase> learner_cases() {
    Philox random{20261127};
    std::vector<KernelCase> cases;
    for (const std::uint32_t rows : {0U, 1U, 17U, 48U, 1003U}) {
        for (const std::uint32_t features : {1U, 5U}) {
            add_naive_bayes(cases, random, rows, features, 2 + rows % 3, 1);
        }
    }
    for (const double scale : {1e-310, 1e-160, 1e160, 1e299}) {
        add_naive_bayes(cases, random, 20, 3, 2, scale);
    }
    std::vector<KernelCase> damaged;
    for (std::size_t i = 6; i < 8; ++i) add_damaged_cases(damaged, cases[i], 40);
    const std::size_t networks = cases.size();
    for (const auto activation :
         {kernels::Activation::Relu, kernels::Activation::Tanh, kernels::Activation::Logistic}) {
        for (const std::uint32_t classes : {0U, 2U, 3U}) {
            add_network(cases, random, 45, 9, activation, classes, 1);
        }
    }
    for (const double scale : {1e-310, 1e160, 1e299}) {
        add_network(cases, random, 20, 16, kernels::Activation::Tanh, 3, scale);
        add_network(cases, random, 20, 16, kernels::Activation::Relu, 0, scale);
        add_neighbors(cases, random, 20, 9, 2, scale);
    }
    for (std::size_t i = 0; i < 3; ++i) add_damaged_cases(damaged, cases[networks + i], 40);
    for (const std::uint32_t known : {1U, 63U, 64U, 131U}) {
        for (const std::uint32_t rows : {0U, 1U, 17U, 36U}) {
            add_neighbors(cases, random, known, rows, known % 2 == 0 ? 0 : 3, 1);
        }
    }
    add_damaged_cases(damaged, cases.back(), 40);
    cases.insert(cases.end(), damaged.begin(), damaged.end());
    return cases;
}

}  // namespace netcompute::testing
