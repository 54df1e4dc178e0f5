#include "learner_cases.hpp"

#include "boosting_cases.hpp"
#include <netcompute/kernels/naive_bayes.hpp>
#include <netcompute/kernels/row_range.hpp>
#include <netcompute/kernels/tile.hpp>

#include <limits>

namespace netcompute::testing {
namespace {

using kernels::encode_row_range;
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
                      encode_row_range({rows / 3, rows - rows / 3})}});
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
    cases.insert(cases.end(), damaged.begin(), damaged.end());
    return cases;
}

}  // namespace netcompute::testing
