#include "fit_rows.hpp"

#include <netcompute/kernels/tile.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <string>

namespace netcompute::programs {
namespace {

/// Rows of one tile of a fold.
constexpr std::uint32_t tile_rows = 1U << 14;

Unexpected refused(ErrorCode code, const std::string& message) {
    return unexpected(code, "fit: " + message);
}

constexpr FitRowsForm forms[] = {
#define NETCOMPUTE_FIT_FAMILY(name, function, rows_form) FitRowsForm::rows_form,
#include <netcompute/programs/fit_families.inc>
#undef NETCOMPUTE_FIT_FAMILY
};

struct Standard {
    double mean = 0;
    double deviation = 1;
};

/// Of some rows of a column: mean and population deviation, the second pass correcting the first
/// one's rounding; deviation 1 for values that differ by no more than rounding may make of equal
/// ones. Nothing for values that are too large for a double's sums.
/// Sources: Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance" (1983), 1.7;
/// scikit-learn 1.2, StandardScaler: variance <= n eps variance + (n mean eps)^2.
std::optional<Standard> standard_of(const std::vector<double>& column,
                                    const std::vector<std::uint32_t>& rows) {
    const auto count = static_cast<double>(rows.size());
    double sum = 0;
    for (const std::uint32_t row : rows) sum += column[row];
    const double first_mean = sum / count;
    double deviations = 0;
    double squares = 0;
    for (const std::uint32_t row : rows) {
        const double deviation = column[row] - first_mean;
        deviations += deviation;
        squares += deviation * deviation;
    }
    const double variance = (squares - deviations * deviations / count) / count;
    const double mean = first_mean + deviations / count;
    if (!std::isfinite(mean) || !std::isfinite(variance)) return std::nullopt;
    constexpr double epsilon = std::numeric_limits<double>::epsilon();
    const double rounding = count * mean * epsilon;
    if (variance <= count * epsilon * variance + rounding * rounding) return Standard{mean, 1};
    return Standard{mean, std::sqrt(variance)};
}

/// Tiles of so many columns for some rows, to be filled column by column.
class TileSet {
 public:
    TileSet(std::uint32_t columns, std::size_t rows) {
        for (std::size_t begin = 0; begin < rows; begin += tile_rows) {
            const auto count =
                static_cast<std::uint32_t>(std::min<std::size_t>(tile_rows, rows - begin));
            counts.push_back(count);
            values_.emplace_back(std::size_t{columns} * count);
        }
        columns_ = columns;
    }

    void fill(std::uint32_t column, const std::vector<double>& from,
              const std::vector<std::uint32_t>& rows, const Standard& by) {
        auto row = rows.begin();
        for (std::size_t tile = 0; tile < counts.size(); ++tile) {
            double* const to = values_[tile].data() + std::size_t{column} * counts[tile];
            for (std::uint32_t i = 0; i < counts[tile]; ++i, ++row) {
                to[i] = (from[*row] - by.mean) / by.deviation + 0.0;
            }
        }
    }

    [[nodiscard]] std::vector<Bytes> encoded() const {
        std::vector<Bytes> tiles;
        for (std::size_t tile = 0; tile < counts.size(); ++tile) {
            tiles.push_back(kernels::encode_tile(counts[tile], columns_, values_[tile]));
        }
        return tiles;
    }

    std::vector<std::uint32_t> counts;

 private:
    std::uint32_t columns_ = 0;
    std::vector<std::vector<double>> values_;
};

/// Takes the rows of one fold out of a table.
class RowTaker {
 public:
    explicit RowTaker(const FitInput& input) : input_{input} {
        for (std::uint32_t row = 0; row < input.table.row_count; ++row) {
            const auto role = static_cast<RowRole>(input.roles[row]);
            if (role == RowRole::Training) training_.push_back(row);
            if (role == RowRole::HeldOut) held_out_.push_back(row);
        }
    }

    Result<FitRows> run() {
        if (training_.empty() || held_out_.empty()) {
            return refused(ErrorCode::InvalidArgument,
                           "a fold of " + std::to_string(training_.size()) + " training rows and " +
                               std::to_string(held_out_.size()) +
                               " rows that are held out; it needs both");
        }
        const auto taken =
            form_of(input_.table.family) == FitRowsForm::Bins ? take_bins() : take_tiles();
        if (!taken) return unexpected(taken.error());
        return std::move(rows_);
    }

 private:
    Result<void> take_labels(std::uint32_t rows_a_tile) {
        const auto labels = kernels::decode_tile(input_.labels);
        if (!labels) return refused(labels.error().code, "labels: " + labels.error().message);
        if (labels->row_count != input_.table.row_count || labels->column_count != 1) {
            return refused(ErrorCode::ShapeMismatch,
                           "labels of " + std::to_string(labels->row_count) + " rows x " +
                               std::to_string(labels->column_count) + " columns for a table of " +
                               std::to_string(input_.table.row_count) + " rows");
        }
        std::vector<double> values;
        for (const std::uint32_t row : training_) values.push_back(labels->values[row]);
        for (std::span<const double> rest = values; !rest.empty();) {
            const auto count = std::min<std::size_t>(rows_a_tile, rest.size());
            rows_.labels.push_back(
                kernels::encode_tile(static_cast<std::uint32_t>(count), 1, rest.first(count)));
            rest = rest.subspan(count);
        }
        return {};
    }

    Result<void> take_tiles() {
        std::vector<kernels::TileView> parts;
        std::uint64_t row_count = 0;
        for (const ByteSpan bytes : input_.parts) {
            const auto part = kernels::decode_tile(bytes);
            if (!part) return refused(part.error().code, "features: " + part.error().message);
            if (part->column_count != input_.table.feature_count) {
                return refused(ErrorCode::ShapeMismatch,
                               "a tile of " + std::to_string(part->column_count) +
                                   " features where there are " +
                                   std::to_string(input_.table.feature_count));
            }
            row_count += part->row_count;
            parts.push_back(*part);
        }
        if (row_count != input_.table.row_count) {
            return refused(ErrorCode::ShapeMismatch, "tiles of " + std::to_string(row_count) +
                                                         " rows for a table of " +
                                                         std::to_string(input_.table.row_count));
        }
        TileSet training{input_.table.feature_count, training_.size()};
        TileSet held_out{input_.table.feature_count, held_out_.size()};
        std::vector<double> column(input_.table.row_count);
        for (std::uint32_t feature = 0; feature < input_.table.feature_count; ++feature) {
            auto to = column.begin();
            for (const kernels::TileView& part : parts) {
                const auto of_part = part.column(feature);
                to = std::copy(of_part.begin(), of_part.end(), to);
            }
            const auto standard = standard_of(column, training_);
            if (!standard) {
                return refused(ErrorCode::InvalidArgument,
                               "feature " + std::to_string(feature) +
                                   " has values that are not finite, or too large");
            }
            training.fill(feature, column, training_, *standard);
            held_out.fill(feature, column, held_out_, *standard);
        }
        rows_.training_counts = training.counts;
        rows_.held_out.counts = held_out.counts;
        rows_.training = training.encoded();
        rows_.held_out.blocks = held_out.encoded();
        return take_labels(tile_rows);
    }

    Result<void> take_bins() {
        const auto& table = input_.table;
        if (input_.parts.size() != kernels::bin_groups(table.feature_count)) {
            return refused(ErrorCode::ShapeMismatch,
                           std::to_string(input_.parts.size()) + " blocks of bins for " +
                               std::to_string(table.feature_count) + " features");
        }
        const auto training_count = static_cast<std::uint32_t>(training_.size());
        const auto held_out_count = static_cast<std::uint32_t>(held_out_.size());
        rows_.training_counts = {training_count};
        rows_.held_out.counts = {held_out_count};
        rows_.held_out.blocks = {kernels::empty_bins(held_out_count, table.feature_count)};
        for (std::uint32_t group = 0; group < input_.parts.size(); ++group) {
            const auto block = kernels::decode_bins(input_.parts[group]);
            if (!block) return refused(block.error().code, block.error().message);
            const std::uint32_t columns =
                std::min(kernels::bin_group_columns,
                         table.feature_count - group * kernels::bin_group_columns);
            if (block->row_count != table.row_count || block->column_count != columns) {
                return refused(ErrorCode::ShapeMismatch,
                               "a block of " + std::to_string(block->row_count) + " rows x " +
                                   std::to_string(block->column_count) + " columns where " +
                                   std::to_string(table.row_count) + " x " +
                                   std::to_string(columns) + " are due");
            }
            rows_.training.push_back(kernels::empty_bins(training_count, columns));
            copy_bins(*block, training_,
                      kernels::bins_of_group(rows_.training.back(), training_count, 0));
            copy_bins(*block, held_out_,
                      kernels::bins_of_group(rows_.held_out.blocks.front(), held_out_count, group));
        }
        return take_labels(training_count);
    }

    static void copy_bins(const kernels::BinsView& from, const std::vector<std::uint32_t>& rows,
                          std::span<std::uint8_t> to) {
        auto out = to.begin();
        for (const std::uint32_t row : rows) {
            const auto bins = from.bins.subspan(std::size_t{row} * kernels::bin_group_columns,
                                                kernels::bin_group_columns);
            out = std::copy(bins.begin(), bins.end(), out);
        }
    }

    const FitInput& input_;
    std::vector<std::uint32_t> training_;
    std::vector<std::uint32_t> held_out_;
    FitRows rows_;
};

bool read_permutations(ByteReader& reader, FitPermutations& permutations) {
    permutations.repeats = reader.number<std::uint32_t>();
    const auto columns = reader.number<std::uint32_t>();
    permutations.seed = reader.number<std::uint64_t>();
    if (!reader.ok() || reader.left() != columns * std::uint64_t{4}) return false;
    for (std::uint32_t i = 0; i < columns; ++i) {
        permutations.features_of_columns.push_back(reader.number<std::uint32_t>());
    }
    return true;
}

/// Whether there are none, or each feature is of one column.
bool are_good(const FitPermutations& permutations, std::uint32_t feature_count) {
    const auto& columns = permutations.features_of_columns;
    if (permutations.repeats == 0 && columns.empty()) return true;
    std::uint64_t features = 0;
    for (const std::uint32_t count : columns) {
        if (count == 0) return false;
        features += count;
    }
    return features == feature_count && permutations.repeats > 0 &&
           permutations.repeats <= fit_repeats_max;
}

}  // namespace

FitRowsForm form_of(FitFamily family) {
    return forms[static_cast<std::size_t>(family)];
}

std::size_t FitRows::bytes() const {
    std::size_t sum = sizeof(FitRows);
    for (const auto* const list : {&training, &labels, &held_out.blocks}) {
        for (const Bytes& each : *list) sum += sizeof(Bytes) + each.size();
    }
    return sum;
}

Result<FitInput> read_fit_input(std::span<const ByteSpan> inputs) {
    if (inputs.size() < 5) {
        return refused(ErrorCode::ShapeMismatch,
                       std::to_string(inputs.size()) +
                           " inputs were given; it reads a table, labels, features, roles and "
                           "parameters");
    }
    ByteReader reader{inputs[0]};
    FitInput input;
    input.table.family = static_cast<FitFamily>(reader.number<std::uint32_t>());
    input.table.row_count = reader.number<std::uint32_t>();
    input.table.feature_count = reader.number<std::uint32_t>();
    input.table.class_count = reader.number<std::uint32_t>();
    const bool is_whole = reader.left() == 0 || read_permutations(reader, input.permutations);
    if (!reader.finished() || !is_whole) {
        return refused(ErrorCode::ShapeMismatch,
                       std::to_string(inputs[0].size()) + " bytes are not a table's");
    }
    const std::uint64_t values = std::uint64_t{input.table.row_count} * input.table.feature_count;
    if (static_cast<std::size_t>(input.table.family) >= std::size(forms) ||
        input.table.class_count == 1 || input.table.class_count > fit_classes_max || values == 0 ||
        input.table.row_count > fit_rows_max || values > fit_values_max) {
        return refused(ErrorCode::InvalidArgument,
                       "a table of " + std::to_string(input.table.row_count) + " rows x " +
                           std::to_string(input.table.feature_count) + " features for family " +
                           std::to_string(static_cast<std::uint32_t>(input.table.family)) +
                           " is none that it takes");
    }
    if (!are_good(input.permutations, input.table.feature_count)) {
        return refused(ErrorCode::InvalidArgument,
                       std::to_string(input.permutations.repeats) + " permutations of " +
                           std::to_string(input.permutations.features_of_columns.size()) +
                           " columns are none that it makes");
    }
    input.labels = inputs[1];
    input.parts = inputs.subspan(2, inputs.size() - 4);
    input.roles = inputs[inputs.size() - 2];
    input.derived = inputs.first(inputs.size() - 1);
    const auto is_role = [](std::byte role) { return role <= std::byte{2}; };
    if (input.roles.size() != input.table.row_count) {
        return refused(ErrorCode::ShapeMismatch,
                       std::to_string(input.roles.size()) + " roles for " +
                           std::to_string(input.table.row_count) + " rows");
    }
    if (!std::all_of(input.roles.begin(), input.roles.end(), is_role)) {
        return refused(ErrorCode::InvalidArgument, "a role is none of 0, 1 and 2");
    }
    return input;
}

Result<FitRows> take_rows(const FitInput& input) {
    return RowTaker{input}.run();
}

}  // namespace netcompute::programs
