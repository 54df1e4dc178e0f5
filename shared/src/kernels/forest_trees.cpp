#include "builtin.hpp"
#include "forest_input.hpp"

#include <string>

namespace netcompute::kernels {
namespace {

/// Columns one after another, in place of eight side by side: a node looks at a few of them only.
Derived<std::vector<std::uint8_t>> single_columns(const ForestInput& input) {
    const std::size_t rows = input.plan.row_count;
    const std::size_t blocks = input.labels.size();
    std::vector<std::uint8_t> columns(rows * input.plan.feature_count);
    for (std::size_t feature = 0; feature < input.plan.feature_count; ++feature) {
        std::uint8_t* to = columns.data() + feature * rows;
        for (std::size_t block = 0; block < blocks; ++block) {
            const std::uint8_t* const from =
                input.bins[feature / bin_group_columns * blocks + block] +
                feature % bin_group_columns;
            const std::size_t count = input.labels[block].size();
            for (std::size_t row = 0; row < count; ++row) to[row] = from[row * bin_group_columns];
            to += count;
        }
    }
    return {std::move(columns), rows * input.plan.feature_count};
}

}  // namespace

/// forest_trees@1: trees of a random forest, or extra trees, whole.
///
///   shared    as ForestInput says
///   own       u32 first, u32 count: which trees
///   output    encode_grown_forest()
///
/// What is drawn for a tree depends on the plan's seed and the tree's number alone.
Result<Bytes> forest_trees(std::span<const ByteSpan> inputs, Memo& memo) {
    const auto input = read_forest_input("forest_trees", inputs, false);
    if (!input) return unexpected(input.error());
    const std::uint64_t end = std::uint64_t{input->begin} + input->count;
    if (input->count == 0 || end > forest_trees_max) {
        return unexpected(ErrorCode::InvalidArgument,
                          "forest_trees: trees " + std::to_string(input->begin) + " and " +
                              std::to_string(input->count) + " in all are not within " +
                              std::to_string(forest_trees_max));
    }
    auto labels = whole_labels(*input);
    if (!labels) return unexpected(labels.error());
    const auto columns = memo.derive<std::vector<std::uint8_t>>(
        "single columns of bins 1", input->bin_blobs,
        [&]() -> Result<Derived<std::vector<std::uint8_t>>> { return single_columns(*input); });
    if (!columns) return unexpected(columns.error());
    const ForestTable table{input->plan, **columns, std::move(*labels)};
    ForestGrower grower{table};
    GrownForest grown;
    for (std::uint32_t i = 0; i < input->count; ++i) {
        if (auto grew = grower.grow(input->begin + i, grown); !grew) {
            return unexpected(grew.error());
        }
    }
    return encode_grown_forest(grown);
}

}  // namespace netcompute::kernels
