#include "builtin.hpp"
#include "learning_input.hpp"
#include "logistic_input.hpp"
#include "scratch.hpp"
#include <netcompute/kernels/naive_bayes.hpp>
#include <netcompute/math.hpp>

#include <algorithm>
#include <cmath>

#ifndef NETCOMPUTE_NAIVE_BAYES_TYPES
#define NETCOMPUTE_NAIVE_BAYES_TYPES
namespace netcompute::kernels {

/// A model as the rows are scored with it.
struct BayesTerms {
    std::vector<double> bases;   ///< [classes]: what no feature changes.
    std::vector<double> means;   ///< [classes][features].
    std::vector<double> halves;  ///< [classes][features]: half of 1 / variance.
};

}  // namespace netcompute::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "naive_bayes.cpp"
#include <hwy/foreach_target.h>
//
#include "lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

/// scores[class][16] = base - sum of half (x - mean)^2, in order of features. rows: [features][16].
void score_bayes_rows(const BayesTerms& terms, const double* rows, std::size_t features,
                      double* scores) {
    constexpr std::size_t vectors = 16 / F64::lanes;
    for (std::size_t c = 0; c < terms.bases.size(); ++c) {
        const double* const means = terms.means.data() + c * features;
        const double* const halves = terms.halves.data() + c * features;
        F64 sums[vectors];
        for (F64& sum : sums) sum = F64::set(terms.bases[c]);
        for (std::size_t i = 0; i < features; ++i) {
            const F64 mean = F64::set(means[i]);
            const F64 half = F64::set(halves[i]);
            for (std::size_t v = 0; v < vectors; ++v) {
                const F64 apart = F64::load(rows + i * 16 + v * F64::lanes) - mean;
                sums[v] = sums[v] - apart * apart * half;
            }
        }
        for (std::size_t v = 0; v < vectors; ++v) sums[v].store(scores + c * 16 + v * F64::lanes);
    }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <string>

namespace netcompute::kernels {

HWY_EXPORT(score_bayes_rows);

namespace {

constexpr double two_pi = 0x1.921fb54442d18p+2;

bool are_in_range(std::uint32_t classes, std::uint32_t features) {
    return classes >= 2 && classes <= naive_bayes_classes_max && features >= 1 &&
           features <= naive_bayes_features_max;
}

void read_numbers(ByteReader& reader, std::size_t count, std::vector<double>& to) {
    to.resize(count);
    for (double& number : to) number = reader.number<double>();
}

Result<ClassCenters> read_centers(ByteSpan bytes) {
    ByteReader reader{bytes};
    ClassCenters centers;
    centers.class_count = reader.number<std::uint32_t>();
    centers.feature_count = reader.number<std::uint32_t>();
    const std::size_t count = std::size_t{centers.class_count} * centers.feature_count;
    if (!are_in_range(centers.class_count, centers.feature_count) ||
        reader.left() != count * sizeof(double)) {
        return unexpected(ErrorCode::ShapeMismatch,
                          "naive_bayes_sums: " + std::to_string(bytes.size()) +
                              " bytes are not centers of 2 to " +
                              std::to_string(naive_bayes_classes_max) + " classes");
    }
    read_numbers(reader, count, centers.values);
    if (std::all_of(centers.values.begin(), centers.values.end(),
                    [](double value) { return std::isfinite(value); })) {
        return centers;
    }
    return unexpected(ErrorCode::InvalidArgument, "naive_bayes_sums: a center is not finite");
}

BayesTerms terms_of(const GaussianClasses& classes) {
    BayesTerms terms;
    terms.means = classes.means;
    terms.halves.reserve(classes.variances.size());
    for (const double variance : classes.variances) terms.halves.push_back(0.5 / variance);
    for (std::size_t c = 0; c < classes.class_count; ++c) {
        double logs = 0;
        for (std::size_t i = 0; i < classes.feature_count; ++i) {
            logs += math::log(two_pi * classes.variances[c * classes.feature_count + i]);
        }
        terms.bases.push_back(math::log(classes.priors[c]) - 0.5 * logs);
    }
    return terms;
}

}  // namespace

Bytes encode_class_centers(const ClassCenters& centers) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(centers.class_count);
    writer.number(centers.feature_count);
    writer.numbers(std::span<const double>{centers.values});
    return bytes;
}

Result<ClassSums> decode_class_sums(ByteSpan output, std::uint32_t class_count,
                                    std::uint32_t feature_count) {
    const std::size_t cells = std::size_t{class_count} * feature_count;
    const std::size_t expected = (class_count + 2 * cells) * sizeof(double);
    if (output.size() != expected) {
        return unexpected(ErrorCode::ShapeMismatch,
                          "an output of naive_bayes_sums has " + std::to_string(output.size()) +
                              " bytes, not " + std::to_string(expected) +
                              ": the worker that sent it runs another kernel");
    }
    ByteReader reader{output};
    ClassSums sums;
    read_numbers(reader, class_count, sums.counts);
    read_numbers(reader, cells, sums.sums);
    read_numbers(reader, cells, sums.squares);
    return sums;
}

Bytes encode_gaussian_classes(const GaussianClasses& classes) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(classes.class_count);
    writer.number(classes.feature_count);
    for (const auto* const list : {&classes.priors, &classes.means, &classes.variances}) {
        writer.numbers(std::span<const double>{*list});
    }
    return bytes;
}

Result<GaussianClasses> decode_gaussian_classes(ByteSpan bytes) {
    ByteReader reader{bytes};
    GaussianClasses classes;
    classes.class_count = reader.number<std::uint32_t>();
    classes.feature_count = reader.number<std::uint32_t>();
    const std::size_t cells = std::size_t{classes.class_count} * classes.feature_count;
    if (!are_in_range(classes.class_count, classes.feature_count) ||
        reader.left() != (classes.class_count + 2 * cells) * sizeof(double)) {
        return unexpected(ErrorCode::ShapeMismatch, std::to_string(bytes.size()) +
                                                        " bytes are no naive Bayes model of 2 to " +
                                                        std::to_string(naive_bayes_classes_max) +
                                                        " classes");
    }
    read_numbers(reader, classes.class_count, classes.priors);
    read_numbers(reader, cells, classes.means);
    read_numbers(reader, cells, classes.variances);
    const auto is_share = [](double prior) { return prior > 0 && prior <= 1; };
    const auto is_mean = [](double mean) { return std::isfinite(mean); };
    const auto is_variance = [](double variance) { return variance > 0 && variance <= 1e300; };
    if (std::all_of(classes.priors.begin(), classes.priors.end(), is_share) &&
        std::all_of(classes.means.begin(), classes.means.end(), is_mean) &&
        std::all_of(classes.variances.begin(), classes.variances.end(), is_variance)) {
        return classes;
    }
    return unexpected(ErrorCode::InvalidArgument,
                      "a prior is not above 0 and at most 1, a mean is not finite, or a variance "
                      "is not above 0");
}

/// naive_bayes_sums@1: sums over one shard's rows, by class.
///
///   centers   encode_class_centers()
///   features  a tile [feature_count][row_count], finite
///   labels    a tile [1][row_count], each the place of a class
///   output    f64 counts[class_count], sums[class_count][feature_count] of values less their
///             class's center, squares[class_count][feature_count] of these
///
/// Rows are added in their order.
Result<Bytes> naive_bayes_sums(std::span<const ByteSpan> inputs) {
    constexpr std::string_view kernel = "naive_bayes_sums";
    if (inputs.size() != 3) return wrong_input_count(kernel, inputs.size(), "3");
    const auto centers = read_centers(inputs[0]);
    if (!centers) return unexpected(centers.error());
    const std::uint32_t features = centers->feature_count;
    const auto tile = read_finite_features(kernel, inputs[1], features);
    if (!tile) return unexpected(tile.error());
    const std::uint32_t rows = tile->row_count;
    const auto labels = read_targets_of(kernel, inputs[2], rows, centers->class_count);
    if (!labels) return unexpected(labels.error());

    std::vector<std::size_t> begins(rows);  // Where the row's class begins among the cells.
    std::vector<double> counts(centers->class_count);
    for (std::uint32_t row = 0; row < rows; ++row) {
        const auto label = static_cast<std::size_t>((*labels)[row]);
        begins[row] = label * features;
        counts[label] += 1;
    }
    std::vector<double> sums(centers->values.size());
    std::vector<double> squares(centers->values.size());
    for (std::uint32_t i = 0; i < features; ++i) {
        const std::span<const double> column = tile->column(i);
        for (std::uint32_t row = 0; row < rows; ++row) {
            const std::size_t cell = begins[row] + i;
            const double apart = column[row] - centers->values[cell];
            sums[cell] += apart;
            squares[cell] += apart * apart;
        }
    }
    Bytes output;
    ByteWriter writer{output};
    for (const auto* const list : {&counts, &sums, &squares}) {
        for (const double number : *list) writer.number(canonical(number));
    }
    return output;
}

/// naive_bayes_scores@1: the logarithm of each class's prior times its density, of some rows.
///
///   model     encode_gaussian_classes()
///   features  a tile [feature_count][row_count], finite
///   rows      encode_rows_of_tile()
///   output    f64 scores[rows][class_count]
///
/// Features are summed in order, so no width changes a sum.
/// Source: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 2nd ed., 6.6.3.
Result<Bytes> naive_bayes_scores(std::span<const ByteSpan> inputs) {
    constexpr std::string_view kernel = "naive_bayes_scores";
    if (inputs.size() != 3) return wrong_input_count(kernel, inputs.size(), "3");
    const auto model = decode_gaussian_classes(inputs[0]);
    if (!model) {
        return unexpected(model.error().code, std::string{kernel} + ": " + model.error().message);
    }
    const auto tile = read_finite_features(kernel, inputs[1], model->feature_count);
    if (!tile) return unexpected(tile.error());
    const auto range = read_rows_of_tile(kernel, inputs[2], tile->row_count);
    if (!range) return unexpected(range.error());

    const BayesTerms terms = terms_of(*model);
    Scratch rows{std::size_t{model->feature_count} * 16};
    Scratch scores{std::size_t{model->class_count} * 16};
    Bytes output;
    output.reserve(std::size_t{range->count} * model->class_count * sizeof(double));
    ByteWriter writer{output};
    for (std::size_t done = 0; done < range->count; done += 16) {
        const std::size_t here = std::min<std::size_t>(16, range->count - done);
        take_16_rows(*tile, range->first + done, here, rows.data());
        HWY_DYNAMIC_DISPATCH(score_bayes_rows)
        (terms, rows.data(), model->feature_count, scores.data());
        for (std::size_t r = 0; r < here; ++r) {
            for (std::size_t c = 0; c < model->class_count; ++c) {
                writer.number(canonical(scores.data()[c * 16 + r]));
            }
        }
    }
    return output;
}

}  // namespace netcompute::kernels
#endif
