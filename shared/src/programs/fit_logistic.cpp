#include "classes_met.hpp"
#include "fit_family.hpp"
#include <netcompute/programs/predict.hpp>
#include <netcompute/programs/softmax_scores.hpp>
#include <netcompute/programs/softmax_train.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace netcompute::programs {
namespace {

Fitted fit_two_classes(const FitTable& table, const FitRows& rows, const LogisticFit& params) {
    FoldRun fold;
    TrainPlan plan;
    plan.feature_count = table.feature_count;
    plan.l2 = params.l2;
    plan.iterations_max = params.iterations_max;
    plan.shards = add_shards(fold, rows);
    TrainProgram training{std::move(plan)};
    if (auto ran = fold.run(training); !ran) return fit_failure(ran.error());
    return {.steps = static_cast<double>(training.iterations()),
            .score = scored_by<PredictProgram>([model = training.model()](auto blobs, auto counts) {
                return PredictPlan{std::move(blobs), std::move(counts), model};
            })};
}

bool are_places(const std::vector<double>& labels, std::uint32_t class_count) {
    return std::all_of(labels.begin(), labels.end(), [&](double label) {
        return label >= 0 && label < class_count && label == std::floor(label);
    });
}

/// Of the classes that were met: a softmax of others has no optimum, for their intercepts fall
/// without end.
Fitted fit_softmax(const FitTable& table, const FitRows& rows, const LogisticFit& params,
                   const std::vector<std::uint32_t>& met) {
    const FitRows placed = with_places(rows, met);
    FoldRun fold;
    SoftmaxPlan plan;
    plan.feature_count = table.feature_count;
    plan.class_count = static_cast<std::uint32_t>(met.size());
    plan.l2 = params.l2;
    plan.iterations_max = 10 * params.iterations_max;
    plan.shards = add_shards(fold, placed);
    SoftmaxProgram training{std::move(plan)};
    if (auto ran = fold.run(training); !ran) return fit_failure(ran.error());
    const auto score_met = scored_by<SoftmaxScoresProgram>(
        [weights = training.weights(), count = met.size()](auto blobs, auto counts) {
            return SoftmaxScoresPlan{std::move(blobs), std::move(counts),
                                     static_cast<std::uint32_t>(count), weights};
        });
    return {.steps = static_cast<double>(training.iterations()),
            .score = [score_met, met, class_count = table.class_count](
                         const RowBlocks& others) -> Result<std::vector<double>> {
                auto scores = score_met(others);
                if (!scores) return unexpected(scores.error());
                return spread(*scores, met, class_count);
            }};
}

}  // namespace

Bytes encode_fit(const LogisticFit& params) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(params.l2);
    writer.number(params.iterations_max);
    return bytes;
}

Result<Fitted> fit_logistic(const FitTable& table, const FitRows& rows, ByteSpan bytes) {
    ByteReader reader{bytes};
    LogisticFit params;
    params.l2 = reader.number<double>();
    params.iterations_max = reader.number<std::uint32_t>();
    const bool is_good = reader.finished() && params.l2 >= 0 && params.l2 <= 1e300 &&
                         params.iterations_max > 0 && params.iterations_max <= 1'000'000;
    if (!is_good || table.class_count < 2 || table.class_count > kernels::softmax_classes_max) {
        return bad_fit_params(bytes);
    }
    if (table.class_count == 2) return fit_two_classes(table, rows, params);
    const std::vector<double> labels = labels_of(rows);
    if (!are_places(labels, table.class_count)) {
        return unexpected(
            ErrorCode::InvalidArgument,
            "fit: a label is none of " + std::to_string(table.class_count) + " classes");
    }
    const auto met = classes_met(labels, table.class_count);
    if (met.size() < 2) {
        return Fitted{.failure = "training: the rows to learn from are of one class only"};
    }
    return fit_softmax(table, rows, params, met);
}

}  // namespace netcompute::programs
