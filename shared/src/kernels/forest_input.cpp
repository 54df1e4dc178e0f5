#include "forest_input.hpp"

#include <netcompute/kernels/tile.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace netcompute::kernels {
namespace {

std::string said_by(std::string_view kernel, const std::string& message) {
    return std::string{kernel} + ": " + message;
}

Unexpected misfit(std::string_view kernel, std::string_view what, std::uint32_t rows,
                  std::uint32_t columns, std::uint32_t rows_due, std::uint32_t columns_due) {
    const auto shape = [](std::uint32_t a, std::uint32_t b) {
        return std::to_string(a) + " x " + std::to_string(b);
    };
    return unexpected(ErrorCode::ShapeMismatch,
                      said_by(kernel, std::string{what} + " of " + shape(rows, columns) +
                                          " where " + shape(rows_due, columns_due) + " are due"));
}

}  // namespace

Result<ForestInput> read_forest_input(std::string_view kernel, std::span<const ByteSpan> inputs,
                                      bool has_extra) {
    const auto wrong_count = [&] {
        return unexpected(ErrorCode::ShapeMismatch,
                          said_by(kernel, std::to_string(inputs.size()) +
                                              " inputs are not as many as its plan says"));
    };
    if (inputs.empty()) return wrong_count();
    const auto plan = decode_forest_plan(inputs[0]);
    if (!plan) return unexpected(plan.error().code, said_by(kernel, plan.error().message));
    ForestInput input;
    input.plan = *plan;
    const std::size_t blocks = bin_blocks(plan->row_count);
    const std::uint32_t groups = bin_groups(plan->feature_count);
    const std::size_t of_table = blocks * (1 + std::size_t{groups});
    if (inputs.size() != 1 + of_table + (has_extra ? 2 : 1)) return wrong_count();
    input.bin_blobs = inputs.subspan(1 + blocks, blocks * groups);
    const auto rows_of = [&](std::size_t block) {
        const auto first = static_cast<std::uint32_t>(block) * bin_block_rows;
        return std::min(bin_block_rows, plan->row_count - first);
    };
    for (std::size_t block = 0; block < blocks; ++block) {
        const Result<TileView> tile = decode_tile(inputs[1 + block]);
        if (!tile) return unexpected(tile.error().code, said_by(kernel, tile.error().message));
        if (tile->row_count != rows_of(block) || tile->column_count != 1) {
            return misfit(kernel, "labels", tile->row_count, tile->column_count, rows_of(block), 1);
        }
        input.labels.push_back(tile->values);
    }
    for (std::uint32_t group = 0; group < groups; ++group) {
        const std::uint32_t columns =
            std::min(bin_group_columns, plan->feature_count - group * bin_group_columns);
        for (std::size_t block = 0; block < blocks; ++block) {
            const auto bins = decode_bins(input.bin_blobs[group * blocks + block]);
            if (!bins) return unexpected(bins.error().code, said_by(kernel, bins.error().message));
            if (bins->row_count != rows_of(block) || bins->column_count != columns) {
                return misfit(kernel, "bins", bins->row_count, bins->column_count, rows_of(block),
                              columns);
            }
            input.bins.push_back(bins->bins.data());
        }
    }
    if (has_extra) input.extra = inputs[inputs.size() - 2];
    ByteReader own{inputs.back()};
    input.begin = own.number<std::uint32_t>();
    input.count = own.number<std::uint32_t>();
    if (own.finished()) return input;
    return unexpected(ErrorCode::ShapeMismatch,
                      said_by(kernel, "a task's own input has " +
                                          std::to_string(inputs.back().size()) + " bytes, not 8"));
}

Result<std::vector<std::int32_t>> whole_labels(const ForestInput& input) {
    const ForestPlan& plan = input.plan;
    std::vector<std::int32_t> whole;
    whole.reserve(plan.row_count);
    for (const auto& block : input.labels) {
        for (const double label : block) {
            const double units =
                plan.class_count > 0
                    ? label
                    : std::nearbyint((label - plan.label_offset) / plan.label_unit);
            const bool is_good =
                plan.class_count > 0
                    ? units >= 0 && units < plan.class_count && units == std::trunc(units)
                    : std::fabs(units) <= forest_units_max;  // False for NaN.
            if (!is_good) {
                return unexpected(ErrorCode::InvalidArgument,
                                  "forest: label " + std::to_string(label) + " of row " +
                                      std::to_string(whole.size()) +
                                      " is none that the plan has room for");
            }
            whole.push_back(static_cast<std::int32_t>(units));
        }
    }
    return whole;
}

}  // namespace netcompute::kernels
