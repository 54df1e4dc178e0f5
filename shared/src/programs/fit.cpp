#include "fit_rows.hpp"
#include <netcompute/programs/boosted_scores.hpp>
#include <netcompute/programs/boosting.hpp>
#include <netcompute/programs/predict.hpp>
#include <netcompute/programs/train.hpp>

#include <array>
#include <cmath>
#include <cstring>
#include <string>

namespace netcompute::programs {
namespace {

constexpr std::uint32_t fitted = 0;
constexpr std::uint32_t failed = 1;
constexpr std::size_t header_bytes = 16;  ///< Of an output: u32 state, u32 0, f64 steps.
constexpr std::uint32_t trees_max = 100'000;
/// What the tasks of a program remember for the next ones, while it runs.
constexpr std::size_t memo_bytes = std::size_t{1} << 29;

/// Runs programs over a fold's rows. Blobs are called by their numbers: nobody else sees the names.
class FoldRun {
 public:
    BlobRef add(ByteSpan bytes) {
        BlobRef name;
        const auto number = static_cast<std::uint32_t>(blobs_.size());
        std::memcpy(name.sha256.digest.data(), &number, sizeof number);
        name.size = bytes.size();
        blobs_.push_back(bytes);
        return name;
    }
    std::vector<BlobRef> add(const std::vector<Bytes>& list) {
        std::vector<BlobRef> names;
        for (const Bytes& each : list) names.push_back(add(each));
        return names;
    }

    Result<void> run(Program& program) {
        const auto source = [this](const Sha256& name) -> std::optional<ByteSpan> {
            std::uint32_t number = 0;
            std::memcpy(&number, name.digest.data(), sizeof number);
            if (number >= blobs_.size()) return std::nullopt;
            return blobs_[number];
        };
        return run_in_process(program, source, {.memo = &memo_});
    }

 private:
    std::vector<ByteSpan> blobs_;
    kernels::MemoStore memo_{memo_bytes};
};

FitOutput failure(const Error& error) {
    return {error.message, 0, {}};
}

Unexpected bad_params(ByteSpan params) {
    return unexpected(ErrorCode::InvalidArgument,
                      "fit: " + std::to_string(params.size()) +
                          " bytes are not the parameters of this family, or are out of range");
}

Result<FitOutput> fit_logistic(const FitTable& table, const FitRows& rows, ByteSpan bytes) {
    ByteReader params{bytes};
    TrainPlan plan;
    plan.feature_count = table.feature_count;
    plan.l2 = params.number<double>();
    plan.iterations_max = params.number<std::uint32_t>();
    if (!params.finished() || !(plan.l2 >= 0 && plan.l2 <= 1e300) || plan.iterations_max == 0) {
        return bad_params(bytes);
    }
    FoldRun fold;
    const auto features = fold.add(rows.training);
    const auto labels = fold.add(rows.labels);
    for (std::size_t i = 0; i < features.size(); ++i) {
        plan.shards.push_back({features[i], labels[i], rows.training_counts[i]});
    }
    TrainProgram training{std::move(plan)};
    if (auto ran = fold.run(training); !ran) return failure(ran.error());
    PredictProgram scoring{{fold.add(rows.held_out), rows.held_out_counts, training.model()}};
    if (auto ran = fold.run(scoring); !ran) return failure(ran.error());
    return FitOutput{{}, static_cast<double>(training.iterations()), scoring.scores()};
}

Result<FitOutput> fit_boosting(const FitTable& table, const FitRows& rows, ByteSpan bytes) {
    if (bytes.size() < sizeof(std::uint32_t)) return bad_params(bytes);
    const auto plan = kernels::decode_boosting_plan(bytes.first(bytes.size() - 4));
    const auto trees = ByteReader{bytes.last(4)}.number<std::uint32_t>();
    if (!plan || plan->feature_count != table.feature_count || trees == 0 || trees > trees_max) {
        return bad_params(bytes);
    }
    FoldRun fold;
    BoostingJob job;
    job.plan = *plan;
    job.plan.row_count = rows.training_counts.front();
    job.tree_count = trees;
    job.labels = fold.add(rows.labels);
    job.bins = fold.add(rows.training);
    BoostingProgram training{std::move(job)};
    if (auto ran = fold.run(training); !ran) return failure(ran.error());
    BoostedScoresProgram scoring{
        {fold.add(rows.held_out), rows.held_out_counts, training.result_bytes()}};
    if (auto ran = fold.run(scoring); !ran) return failure(ran.error());
    return FitOutput{{}, static_cast<double>(trees), scoring.scores()};
}

/// By FitFamily: from parameters and the rows of a fold to the scores of those held out. Errors are
/// for what is no such task; a fit that finds no model is an output.
using FitFunction = Result<FitOutput> (*)(const FitTable& table, const FitRows& rows,
                                          ByteSpan params);
constexpr std::array<FitFunction, 2> families{fit_logistic, fit_boosting};

Bytes encoded(const FitOutput& output) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(output.failure.empty() ? fitted : failed);
    writer.number(std::uint32_t{0});
    writer.number(output.steps);
    writer.bytes(as_byte_span(output.failure));
    writer.numbers(std::span{output.scores});
    return bytes;
}

}  // namespace

Bytes encode_fit_table(const FitTable& table) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(static_cast<std::uint32_t>(table.family));
    writer.number(table.row_count);
    writer.number(table.feature_count);
    writer.number(std::uint32_t{0});
    return bytes;
}

Bytes encode_fit(const LogisticFit& params) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(params.l2);
    writer.number(params.iterations_max);
    return bytes;
}

Bytes encode_fit(const BoostingFit& params) {
    Bytes bytes = kernels::encode_boosting_plan(params.plan);
    ByteWriter{bytes}.number(params.tree_count);
    return bytes;
}

Result<FitOutput> decode_fit(ByteSpan output, std::size_t score_count) {
    ByteReader reader{output};
    const auto state = reader.number<std::uint32_t>();
    const auto reserved = reader.number<std::uint32_t>();
    FitOutput found;
    found.steps = reader.number<double>();
    const bool has_failed = state == failed && reader.left() > 0;
    const bool is_fitted = state == fitted && reader.left() == score_count * sizeof(double);
    if (!reader.ok() || reserved != 0 || (!has_failed && !is_fitted)) {
        return unexpected(ErrorCode::ShapeMismatch,
                          "an output of fit has " + std::to_string(output.size()) +
                              " bytes where " + std::to_string(score_count) +
                              " scores are due: the worker that sent it runs another kernel");
    }
    if (has_failed) {
        found.failure = as_text(output.subspan(header_bytes));
        return found;
    }
    found.scores.resize(score_count);
    for (double& score : found.scores) score = reader.number<double>();
    return found;
}

}  // namespace netcompute::programs

namespace netcompute::kernels {

/// fit@1: a whole training over some rows of a table, in one task, and what it says of others.
///
///   shared     what FitTable describes: the table, its labels, its features in parts
///   roles      a byte a row: RowRole
///   params     the family's: see encode_fit()
///   output     u32 0, u32 0, f64 steps, f64 scores[rows that are held out], in order of rows;
///              where the training finds no model: u32 1, u32 0, f64 0, and why, in UTF-8
///
/// The training is the family's program, run round by round as run_in_process() does, over tiles
/// that are standardised again by the rows that it learns from. Bins, categories and what stands
/// for missing values are those of the whole table; they see no labels.
Result<Bytes> fit(std::span<const ByteSpan> inputs, Memo& memo) {
    const auto input = programs::read_fit_input(inputs);
    if (!input) return unexpected(input.error());
    const auto rows = memo.derive<programs::FitRows>(
        "fit rows 1", input->derived, [&]() -> Result<Derived<programs::FitRows>> {
            auto taken = programs::take_rows(*input);
            if (!taken) return unexpected(taken.error());
            const std::size_t bytes = taken->bytes();
            return Derived<programs::FitRows>{std::move(*taken), bytes};
        });
    if (!rows) return unexpected(rows.error());
    const auto family = static_cast<std::size_t>(input->table.family);
    const auto found = programs::families[family](input->table, **rows, inputs.back());
    if (!found) return unexpected(found.error());
    return programs::encoded(*found);
}

}  // namespace netcompute::kernels
