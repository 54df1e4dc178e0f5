#include "fit_family.hpp"
#include <netcompute/programs/linear.hpp>
#include <netcompute/programs/predict.hpp>

#include <cmath>
#include <numeric>
#include <utility>

namespace netcompute::programs {

Bytes encode_fit(const LinearFit& params) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(static_cast<std::uint32_t>(params.penalty));
    writer.number(params.sweeps_max);
    writer.number(params.alpha);
    writer.number(params.l1_ratio);
    writer.number(params.tolerance);
    return bytes;
}

Result<Fitted> fit_linear(const FitTable& table, const FitRows& rows, ByteSpan bytes) {
    ByteReader reader{bytes};
    LinearPlan plan;
    plan.feature_count = table.feature_count;
    const auto penalty = reader.number<std::uint32_t>();
    plan.sweeps_max = reader.number<std::uint32_t>();
    plan.alpha = reader.number<double>();
    plan.l1_ratio = reader.number<double>();
    plan.tolerance = reader.number<double>();
    const bool is_good = reader.finished() &&
                         penalty <= static_cast<std::uint32_t>(LinearPenalty::ElasticNet) &&
                         plan.sweeps_max > 0 && plan.sweeps_max <= 1'000'000 && plan.alpha >= 0 &&
                         plan.alpha <= 1e300 && plan.l1_ratio >= 0 && plan.l1_ratio <= 1 &&
                         plan.tolerance > 0 && plan.tolerance <= 1;
    if (!is_good || table.class_count != 0) return bad_fit_params(bytes);
    plan.penalty = static_cast<LinearPenalty>(penalty);
    const std::vector<double> labels = labels_of(rows);
    plan.shift =
        std::accumulate(labels.begin(), labels.end(), 0.0) / static_cast<double>(labels.size());
    FoldRun fold;
    plan.shards = add_shards(fold, rows);
    LinearProgram training{std::move(plan)};
    if (auto ran = fold.run(training); !ran) return fit_failure(ran.error());
    return Fitted{
        .steps = static_cast<double>(training.figures().sweeps),
        .score = scored_by<PredictProgram>([model = training.model()](auto blobs, auto counts) {
            return PredictPlan{std::move(blobs), std::move(counts), model};
        })};
}

}  // namespace netcompute::programs
