#include "fit_family.hpp"
#include <netcompute/kernels/tile.hpp>
#include <netcompute/math.hpp>
#include <netcompute/programs/naive_bayes.hpp>

#include <algorithm>
#include <utility>

namespace netcompute::programs {
namespace {

/// A class that the training rows have not is so many times as probable as the likeliest one.
constexpr double share_of_unknown = 0x1p-52;

/// The classes that the training rows have, in order.
std::vector<std::uint32_t> known_classes(const FitRows& rows, std::uint32_t class_count) {
    std::vector<bool> is_known(class_count);
    for (const double label : labels_of(rows)) {
        if (label >= 0 && label < class_count) is_known[static_cast<std::size_t>(label)] = true;
    }
    std::vector<std::uint32_t> known;
    for (std::uint32_t c = 0; c < class_count; ++c) {
        if (is_known[c]) known.push_back(c);
    }
    return known;
}

/// The same rows, whose labels are places among the known classes.
FitRows with_known(const FitRows& rows, const std::vector<std::uint32_t>& known,
                   std::uint32_t class_count) {
    std::vector<double> places(class_count);
    for (std::size_t i = 0; i < known.size(); ++i) places[known[i]] = static_cast<double>(i);
    FitRows told{rows.training_counts, rows.training, {}, {}};
    const std::vector<double> labels = labels_of(rows);
    std::size_t next = 0;
    for (const std::uint32_t count : rows.training_counts) {
        std::vector<double> of_tile;
        for (std::uint32_t row = 0; row < count; ++row) {
            const double label = labels[next++];
            const bool is_class = label >= 0 && label < class_count;
            of_tile.push_back(is_class ? places[static_cast<std::size_t>(label)] : -1);
        }
        told.labels.push_back(kernels::encode_tile(count, 1, of_tile));
    }
    return told;
}

}  // namespace

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
    const std::vector<std::uint32_t> known = known_classes(rows, table.class_count);
    if (known.size() < 2) {
        return fit_failure(
            {ErrorCode::InvalidArgument, "training: the rows of this fold are all of one class"});
    }
    plan.class_count = static_cast<std::uint32_t>(known.size());
    const FitRows told = with_known(rows, known, table.class_count);
    FoldRun fold;
    plan.shards = add_shards(fold, told);
    NaiveBayesProgram training{std::move(plan)};
    if (auto ran = fold.run(training); !ran) return fit_failure(ran.error());
    const auto score_known =
        scored_by<NaiveBayesScoresProgram>([model = training.model()](auto blobs, auto counts) {
            return NaiveBayesScoresPlan{std::move(blobs), std::move(counts), model};
        });
    const auto score = [score_known, known, width = table.class_count](
                           const RowBlocks& asked) -> Result<std::vector<double>> {
        const auto scores = score_known(asked);
        if (!scores) return unexpected(scores.error());
        const double least = math::log(share_of_unknown);
        std::vector<double> all;
        for (std::size_t row = 0; row < scores->size(); row += known.size()) {
            const double* const from = scores->data() + row;
            const double largest = *std::max_element(from, from + known.size());
            all.resize(all.size() + width, largest + least);
            double* const to = all.data() + all.size() - width;
            for (std::size_t i = 0; i < known.size(); ++i) to[known[i]] = from[i];
        }
        return all;
    };
    return Fitted{.steps = 1, .score = score};
}

}  // namespace netcompute::programs
