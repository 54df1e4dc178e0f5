#include "fit_family.hpp"
#include <netcompute/programs/forest.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace netcompute::programs {

Bytes encode_fit(const ForestFit& params) {
    Bytes bytes = kernels::encode_forest_plan(params.plan);
    ByteWriter{bytes}.number(params.tree_count);
    return bytes;
}

Result<Fitted> fit_forest(const FitTable& table, const FitRows& rows, ByteSpan bytes) {
    if (bytes.size() < sizeof(std::uint32_t)) return bad_fit_params(bytes);
    const auto plan = kernels::decode_forest_plan(bytes.first(bytes.size() - 4));
    const auto trees = ByteReader{bytes.last(4)}.number<std::uint32_t>();
    if (!plan || plan->feature_count != table.feature_count ||
        plan->class_count != table.class_count || trees == 0 || trees > kernels::forest_trees_max) {
        return bad_fit_params(bytes);
    }
    FoldRun fold;
    ForestJob job;
    job.plan = *plan;
    job.plan.row_count = rows.training_counts.front();
    job.plan.oob_score = false;
    if (table.class_count == 0) {
        const std::vector<double> labels = labels_of(rows);
        const bool are_finite = std::all_of(labels.begin(), labels.end(),
                                            [](double label) { return std::isfinite(label); });
        if (!are_finite) return bad_fit_params(bytes);
        kernels::scale_forest_labels(labels, job.plan);
    }
    job.tree_count = trees;
    job.labels = fold.add(rows.labels);
    job.bins = fold.add(rows.training);
    ForestProgram training{std::move(job)};
    if (auto ran = fold.run(training); !ran) return fit_failure(ran.error());
    return Fitted{
        .steps = static_cast<double>(trees),
        .score = scored_by<ForestScoresProgram>(
            [forest = training.forest(), classes = table.class_count](auto blobs, auto counts) {
                return ForestScoresPlan{std::move(blobs), std::move(counts), classes, forest};
            })};
}

}  // namespace netcompute::programs
