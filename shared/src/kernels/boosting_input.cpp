#include "boosting_memory.hpp"
#include <netcompute/kernels/tile.hpp>

#include <algorithm>
#include <string>

namespace netcompute::kernels {
namespace {

Error named(std::string_view kernel, const Error& error) {
    return {error.code, std::string{kernel} + ": " + error.message};
}

std::uint32_t rows_of_block(const BoostingPlan& plan, std::size_t block) {
    const std::uint64_t first = std::uint64_t{block} * bin_block_rows;
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(bin_block_rows, plan.row_count - first));
}

Result<std::span<const double>> read_labels(ByteSpan bytes, std::uint32_t rows) {
    const Result<TileView> tile = decode_tile(bytes);
    if (!tile) return unexpected(tile.error());
    if (tile->row_count == rows && tile->column_count == 1) return tile->values;
    return unexpected(ErrorCode::ShapeMismatch, "labels of " + std::to_string(tile->row_count) +
                                                    " rows where " + std::to_string(rows) +
                                                    " are due");
}

Result<const std::uint8_t*> read_bins(ByteSpan bytes, std::uint32_t rows, std::uint32_t columns) {
    const Result<BinsView> block = decode_bins(bytes);
    if (!block) return unexpected(block.error());
    if (block->row_count == rows && block->column_count == columns) return block->bins.data();
    return unexpected(ErrorCode::ShapeMismatch,
                      "bins of " + std::to_string(block->row_count) + " rows x " +
                          std::to_string(block->column_count) + " columns where " +
                          std::to_string(rows) + " x " + std::to_string(columns) + " are due");
}

/// The labels, then the bins of each group, from the front of `inputs`.
Result<void> read_table(BoostingTable& table, std::span<const ByteSpan> inputs) {
    const std::size_t blocks = bin_blocks(table.plan.row_count);
    for (std::size_t block = 0; block < blocks; ++block) {
        const auto labels = read_labels(inputs[block], rows_of_block(table.plan, block));
        if (!labels) return unexpected(labels.error());
        table.labels.push_back(*labels);
    }
    const std::uint32_t groups = bin_groups(table.plan.feature_count);
    for (std::uint32_t group = 0; group < groups; ++group) {
        const std::uint32_t columns =
            std::min(bin_group_columns, table.plan.feature_count - group * bin_group_columns);
        for (std::size_t block = 0; block < blocks; ++block) {
            const auto bins = read_bins(inputs[blocks * (1 + group) + block],
                                        rows_of_block(table.plan, block), columns);
            if (!bins) return unexpected(bins.error());
            table.bins.push_back(*bins);
        }
    }
    return {};
}

Result<void> read_state(BoostingInput& input, ByteSpan bytes) {
    ByteReader reader{bytes};
    input.tree = reader.number<std::uint32_t>();
    const auto last_size = reader.number<std::uint32_t>();
    input.trees.push_back(reader.bytes(last_size));
    std::optional<BoostedTree> levels;
    if (reader.ok()) levels = read_tree(reader, input.table.plan.feature_count, true);
    if (levels && reader.finished() && levels->size() < input.table.plan.max_depth &&
        (levels->empty() || nodes_after(levels->back()) > 0)) {
        input.levels = std::move(*levels);
        return {};
    }
    return unexpected(ErrorCode::InvalidArgument,
                      std::to_string(bytes.size()) + " bytes are not a state of a training");
}

}  // namespace

Result<BoostingInput> read_boosting_input(std::string_view kernel,
                                          std::span<const ByteSpan> inputs) {
    const auto wrong_count = [&] {
        return unexpected(ErrorCode::ShapeMismatch, std::string{kernel} + ": " +
                                                        std::to_string(inputs.size()) +
                                                        " inputs are too few for its plan");
    };
    if (inputs.empty()) return wrong_count();
    const auto plan = decode_boosting_plan(inputs[0]);
    if (!plan) return unexpected(named(kernel, plan.error()));
    BoostingInput input;
    input.table.plan = *plan;
    const std::size_t of_table =
        std::size_t{bin_blocks(plan->row_count)} * (1 + bin_groups(plan->feature_count));
    if (inputs.size() < 2 + of_table + 1) return wrong_count();
    const auto table_inputs = inputs.subspan(2, of_table);
    if (auto read = read_table(input.table, table_inputs); !read) {
        return unexpected(named(kernel, read.error()));
    }
    const auto blobs = inputs.subspan(2 + of_table, inputs.size() - of_table - 3);
    input.trees.assign(blobs.begin(), blobs.end());
    if (auto read = read_state(input, inputs[1]); !read) {
        return unexpected(named(kernel, read.error()));
    }
    ByteReader own{inputs.back()};
    for (std::uint32_t& number : input.own) number = own.number<std::uint32_t>();
    if (!own.finished()) {
        return unexpected(ErrorCode::ShapeMismatch,
                          std::string{kernel} + ": a task's own input has " +
                              std::to_string(inputs.back().size()) + " bytes, not 8");
    }
    input.from.push_back(inputs[0]);
    input.from.insert(input.from.end(), table_inputs.begin(), table_inputs.end());
    return input;
}

}  // namespace netcompute::kernels
