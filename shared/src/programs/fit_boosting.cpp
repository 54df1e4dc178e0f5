#include "fit_family.hpp"
#include <netcompute/programs/boosted_scores.hpp>
#include <netcompute/programs/boosting.hpp>

#include <numeric>
#include <utility>

namespace netcompute::programs {
namespace {

constexpr std::uint32_t trees_max = 1'000'000;

/// What a plan learns by its objective.
std::uint32_t classes_of(const kernels::BoostingPlan& plan) {
    if (plan.objective == kernels::BoostingObjective::SquaredError) return 0;
    return plan.objective == kernels::BoostingObjective::LogLoss ? 2 : plan.class_count;
}

}  // namespace

Bytes encode_fit(const BoostingFit& params) {
    Bytes bytes = kernels::encode_boosting_plan(params.plan);
    ByteWriter{bytes}.number(params.tree_count);
    return bytes;
}

Result<Fitted> fit_boosting(const FitTable& table, const FitRows& rows, ByteSpan bytes) {
    if (bytes.size() < sizeof(std::uint32_t)) return bad_fit_params(bytes);
    const auto plan = kernels::decode_boosting_plan(bytes.first(bytes.size() - 4));
    const auto trees = ByteReader{bytes.last(4)}.number<std::uint32_t>();
    if (!plan || plan->feature_count != table.feature_count ||
        classes_of(*plan) != table.class_count || trees == 0 || trees > trees_max ||
        trees % plan->class_count != 0) {
        return bad_fit_params(bytes);
    }
    FoldRun fold;
    BoostingJob job;
    job.plan = *plan;
    job.plan.row_count = rows.training_counts.front();
    if (table.class_count == 0) {
        const std::vector<double> labels = labels_of(rows);
        job.plan.base_margin =
            std::accumulate(labels.begin(), labels.end(), 0.0) / static_cast<double>(labels.size());
    }
    job.tree_count = trees;
    job.labels = fold.add(rows.labels);
    job.bins = fold.add(rows.training);
    BoostingProgram training{std::move(job)};
    if (auto ran = fold.run(training); !ran) return fit_failure(ran.error());
    return Fitted{
        .steps = static_cast<double>(trees),
        .score = scored_by<BoostedScoresProgram>(
            [model = training.result_bytes(), width = plan->class_count](auto blobs, auto counts) {
                return BoostedScoresPlan{std::move(blobs), std::move(counts), model, width};
            })};
}

}  // namespace netcompute::programs
