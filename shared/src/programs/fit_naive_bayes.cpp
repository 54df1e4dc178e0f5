#include "classes_met.hpp"
#include "fit_family.hpp"
#include <netcompute/programs/naive_bayes.hpp>

#include <utility>

namespace netcompute::programs {
Bytes encode_fit(const NaiveBayesFit& params) {
    Bytes bytes;
    ByteWriter{bytes}.number(params.var_smoothing);
    return bytes;
}

Result<Fitted> fit_naive_bayes(const FitTable& table, const FitRows& rows, ByteSpan bytes) {
    ByteReader reader{bytes};
    NaiveBayesPlan plan;
    plan.feature_count = table.feature_count;
    plan.class_count = table.class_count;
    plan.var_smoothing = reader.number<double>();
    if (!reader.finished() || !(plan.var_smoothing > 0 && plan.var_smoothing <= 1) ||
        table.class_count < 2 || table.class_count > kernels::naive_bayes_classes_max ||
        table.feature_count > kernels::naive_bayes_features_max) {
        return bad_fit_params(bytes);
    }
    const std::vector<std::uint32_t> met = classes_met(labels_of(rows), table.class_count);
    if (met.size() < 2) {
        return fit_failure(
            {ErrorCode::InvalidArgument, "training: the rows of this fold are all of one class"});
    }
    plan.class_count = static_cast<std::uint32_t>(met.size());
    const FitRows placed = with_places(rows, met);
    FoldRun fold;
    plan.shards = add_shards(fold, placed);
    NaiveBayesProgram training{std::move(plan)};
    if (auto ran = fold.run(training); !ran) return fit_failure(ran.error());
    const auto score_met =
        scored_by<NaiveBayesScoresProgram>([model = training.model()](auto blobs, auto counts) {
            return NaiveBayesScoresPlan{std::move(blobs), std::move(counts), model};
        });
    const auto score = [score_met, met, class_count = table.class_count](
                           const RowBlocks& others) -> Result<std::vector<double>> {
        const auto scores = score_met(others);
        if (!scores) return unexpected(scores.error());
        return spread(*scores, met, class_count);
    };
    return Fitted{.steps = 1, .score = score};
}

}  // namespace netcompute::programs
