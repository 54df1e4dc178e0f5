#include "boosting_memory.hpp"
#include "builtin.hpp"

#include <string>
#include <vector>

namespace netcompute::kernels {

/// boosting_splits@1: the best splits of one level of one tree, among columns of one group.
///
///   shared    as BoostingState says
///   own       u32 group, u32 mask: a bit for each column that may be used
///   output    encode_splits(), one an open node of the level
///
/// Whole numbers are added, and splits compared in order of column and bin, so nothing depends on
/// which tasks a worker did before.
Result<Bytes> boosting_splits(std::span<const ByteSpan> inputs, Memo& memo) {
    auto input = read_boosting_input("boosting_splits", inputs);
    if (!input) return unexpected(input.error());
    const auto [group, mask] = input->own;
    const std::uint32_t first = group * bin_group_columns;
    const std::uint32_t features = input->table.plan.feature_count;
    const bool is_group = group < bin_groups(features);
    if (!is_group || mask == 0 || mask >> std::min(bin_group_columns, features - first) != 0) {
        return unexpected(ErrorCode::InvalidArgument,
                          "boosting_splits: columns " + std::to_string(mask) + " of group " +
                              std::to_string(group) + " are not in the table");
    }
    const auto memory = take_boosting_memory(*input, memo);
    if (!memory) return unexpected(memory.error());
    const auto rows = (*memory)->rows_for(*input);
    if (!rows) return unexpected(rows.error());
    Bytes output = encode_splits((*memory)->splits(**rows, *input, group, mask));
    give_boosting_memory(*input, memo, *memory);
    return output;
}

/// boosting_trees@1: the next trees, whole: for tables so small that asking others takes longer.
///
///   shared    as BoostingState says; no levels
///   own       u32 0, u32 count: how many trees
///   output    encode_grown_trees()
Result<Bytes> boosting_trees(std::span<const ByteSpan> inputs, Memo& memo) {
    auto input = read_boosting_input("boosting_trees", inputs);
    if (!input) return unexpected(input.error());
    const std::uint32_t count = input->own[1];
    if (input->own[0] != 0 || count > boosting_trees_at_once_max || !input->levels.empty()) {
        return unexpected(ErrorCode::InvalidArgument,
                          "boosting_trees: grows at most " +
                              std::to_string(boosting_trees_at_once_max) + " trees, not " +
                              std::to_string(count) + ", and none that is begun");
    }
    const auto memory = take_boosting_memory(*input, memo);
    if (!memory) return unexpected(memory.error());
    const BoostingPlan& plan = input->table.plan;
    GrownTrees grown;
    const std::vector<ByteSpan> given = input->trees;
    for (std::uint32_t end = input->tree + count; input->tree != end; ++input->tree) {
        const auto masks = column_masks(plan, input->tree);
        GrowingTree tree;
        for (bool is_whole = false; !is_whole;) {
            input->levels = tree.levels;
            input->trees = given;
            input->trees.emplace_back(grown.trees);
            const auto rows = (*memory)->rows_for(*input);
            if (!rows) return unexpected(rows.error());
            std::vector<BestSplit> best;
            for (const ColumnMask& columns : masks) {
                const auto splits = (*memory)->splits(**rows, *input, columns.group, columns.mask);
                if (best.empty()) best = splits;
                for (std::size_t i = 0; i < best.size(); ++i) keep_better(best[i], splits[i]);
            }
            is_whole = grow_level(tree, best, plan);
        }
        ByteWriter writer{grown.trees};
        write_tree(writer, tree.levels);
        grown.gains.insert(grown.gains.end(), tree.gains.begin(), tree.gains.end());
    }
    give_boosting_memory(*input, memo, *memory);
    return encode_grown_trees(grown);
}

/// boosting_scores@1: what the trees say of rows that they were learned from.
///
///   shared    as BoostingState says; no levels
///   own       u32 begin, u32 count: rows
///   output    f64 scores[count][class_count]
Result<Bytes> boosting_scores(std::span<const ByteSpan> inputs, Memo& memo) {
    auto input = read_boosting_input("boosting_scores", inputs);
    if (!input) return unexpected(input.error());
    const auto [begin, count] = input->own;
    if (std::uint64_t{begin} + count > input->table.plan.row_count) {
        return unexpected(ErrorCode::InvalidArgument,
                          "boosting_scores: rows " + std::to_string(begin) + " and " +
                              std::to_string(count) + " more are not all in the table");
    }
    const auto memory = take_boosting_memory(*input, memo);
    if (!memory) return unexpected(memory.error());
    const auto rows = (*memory)->rows_for(*input);
    if (!rows) return unexpected(rows.error());
    const std::uint32_t classes = input->table.plan.class_count;
    std::vector<double> scores(std::size_t{count} * classes);
    for (std::uint32_t c = 0; c < classes; ++c) {
        const auto of_class = (*rows)->scores(c).subspan(begin, count);
        for (std::uint32_t row = 0; row < count; ++row) {
            scores[std::size_t{row} * classes + c] = of_class[row];
        }
    }
    const ByteSpan bytes = std::as_bytes(std::span{scores});
    Bytes output(bytes.begin(), bytes.end());
    give_boosting_memory(*input, memo, *memory);
    return output;
}

}  // namespace netcompute::kernels
