#include "fit_family.hpp"

#include <string>
#include <utility>

namespace netcompute::programs {
namespace {

constexpr std::uint32_t state_fitted = 0;
constexpr std::uint32_t state_failed = 1;
constexpr std::size_t header_bytes = 16;  ///< Of an output: u32 state, u32 0, f64 steps.

struct Family {
    Result<Fitted> (*fit)(const FitTable& table, const FitRows& rows, ByteSpan params);
};
constexpr Family families[] = {
#define NETCOMPUTE_FIT_FAMILY(name, function, rows_form) {function},
#include <netcompute/programs/fit_families.inc>
#undef NETCOMPUTE_FIT_FAMILY
};

/// Adds the scores of the rows that are held out with one column after the other permuted.
Result<void> add_permuted(const FitInput& input, const RowBlocks& rows, const Fitted& fitted,
                          std::vector<double>& scores) {
    std::uint32_t row_count = 0;
    for (const std::uint32_t count : rows.counts) row_count += count;
    std::uint32_t first = 0;
    std::uint32_t column = 0;
    for (const std::uint32_t count : input.permutations.features_of_columns) {
        for (std::uint32_t repeat = 0; repeat < input.permutations.repeats; ++repeat) {
            const auto order = fit_permutation(input.permutations.seed, column, repeat, row_count);
            const auto more =
                fitted.score(with_permuted(rows, form_of(input.table.family), first, count, order));
            if (!more) return unexpected(more.error());
            scores.insert(scores.end(), more->begin(), more->end());
        }
        first += count;
        ++column;
    }
    return {};
}

/// Errors: those of the family; InvalidArgument for more scores than an output takes.
Result<FitOutput> fit_and_score(const FitInput& input, const FitRows& rows, ByteSpan params) {
    const auto family = static_cast<std::size_t>(input.table.family);
    const auto fitted = families[family].fit(input.table, rows, params);
    if (!fitted) return unexpected(fitted.error());
    if (!fitted->failure.empty()) return FitOutput{fitted->failure, 0, {}};
    auto scores = fitted->score(rows.held_out);
    if (!scores) return FitOutput{scores.error().message, 0, {}};
    const std::uint64_t tellings = input.permutations.tellings();
    if (scores->size() * tellings > fit_scores_max) {
        return unexpected(ErrorCode::InvalidArgument,
                          "fit: " + std::to_string(scores->size()) +
                              " scores of rows that are held out, " + std::to_string(tellings) +
                              " times; an output takes at most " + std::to_string(fit_scores_max));
    }
    auto added = add_permuted(input, rows.held_out, *fitted, *scores);
    if (!added) return FitOutput{added.error().message, 0, {}};
    return FitOutput{{}, fitted->steps, std::move(*scores)};
}

Bytes encoded(const FitOutput& output) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(output.failure.empty() ? state_fitted : state_failed);
    writer.number(std::uint32_t{0});
    writer.number(output.steps);
    writer.bytes(as_byte_span(output.failure));
    writer.numbers(std::span{output.scores});
    return bytes;
}

}  // namespace

Bytes encode_fit_table(const FitTable& table, const FitPermutations& permutations) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(static_cast<std::uint32_t>(table.family));
    writer.number(table.row_count);
    writer.number(table.feature_count);
    writer.number(table.class_count);
    if (permutations.repeats == 0) return bytes;
    writer.number(permutations.repeats);
    writer.number(static_cast<std::uint32_t>(permutations.features_of_columns.size()));
    writer.number(permutations.seed);
    writer.numbers(std::span{permutations.features_of_columns});
    return bytes;
}

Result<FitOutput> decode_fit(ByteSpan output, std::size_t score_count) {
    ByteReader reader{output};
    const auto state = reader.number<std::uint32_t>();
    const auto reserved = reader.number<std::uint32_t>();
    FitOutput found;
    found.steps = reader.number<double>();
    const bool has_failed = state == state_failed && reader.left() > 0;
    const bool is_fitted = state == state_fitted && reader.left() == score_count * sizeof(double);
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

/// fit@2: a whole training over some rows of a table, in one task, and what it says of others.
///
///   shared     what FitTable describes: the table, its labels, its features in parts
///   roles      a byte a row: RowRole
///   params     the family's: see encode_fit()
///   output     u32 0, u32 0, f64 steps, f64 scores[rows that are held out][width], in order of
///              rows, the width being the family's (log-odds, a logit or share a class, numbers);
///              then, where permutations are asked for, as many of each column in order, repeat by
///              repeat, of the same rows with its features permuted;
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
    const auto found = programs::fit_and_score(*input, **rows, inputs.back());
    if (!found) return unexpected(found.error());
    return programs::encoded(*found);
}

}  // namespace netcompute::kernels
