#include "fit_family.hpp"

#include <string>
#include <utility>

namespace netcompute::programs {
namespace {

constexpr std::uint32_t fitted = 0;
constexpr std::uint32_t failed = 1;
constexpr std::size_t header_bytes = 16;  ///< Of an output: u32 state, u32 0, f64 steps.

struct Family {
    Result<Fitted> (*fit)(const FitTable& table, const FitRows& rows, ByteSpan params);
};
constexpr Family families[] = {
#define NETCOMPUTE_FIT_FAMILY(name, function, rows_form) {function},
#include <netcompute/programs/fit_families.inc>
#undef NETCOMPUTE_FIT_FAMILY
};

/// Errors: those of the family; InvalidArgument for more scores than an output takes.
Result<FitOutput> fit_and_score(const FitTable& table, const FitRows& rows, ByteSpan params) {
    const auto fitted = families[static_cast<std::size_t>(table.family)].fit(table, rows, params);
    if (!fitted) return unexpected(fitted.error());
    if (!fitted->failure.empty()) return FitOutput{fitted->failure, 0, {}};
    auto scores = fitted->score(rows.held_out);
    if (!scores) return FitOutput{scores.error().message, 0, {}};
    if (scores->size() <= fit_scores_max) return FitOutput{{}, fitted->steps, std::move(*scores)};
    return unexpected(ErrorCode::InvalidArgument,
                      "fit: " + std::to_string(scores->size()) +
                          " scores of rows that are held out; an output takes at most " +
                          std::to_string(fit_scores_max));
}

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
    writer.number(table.class_count);
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
///   output     u32 0, u32 0, f64 steps, f64 scores[rows that are held out][width], in order of
///              rows, the width being the family's (log-odds, a logit or share a class, numbers);
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
    const auto found = programs::fit_and_score(input->table, **rows, inputs.back());
    if (!found) return unexpected(found.error());
    return programs::encoded(*found);
}

}  // namespace netcompute::kernels
