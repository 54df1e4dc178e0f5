#include "builtin.hpp"
#include "forest_input.hpp"
#include "tree_walk.hpp"

#include <algorithm>
#include <limits>
#include <string>

namespace netcompute::kernels {
namespace {

/// Rows that meet one tree after another: their bins stay in the cache meanwhile.
constexpr std::uint32_t rows_at_once = 4096;

/// A forest for walking.
struct WalkForest {
    Forest forest;
    std::vector<WalkTree> trees;
};

Result<std::shared_ptr<const WalkForest>> walk_forest(std::string_view kernel, ByteSpan bytes,
                                                      Memo& memo) {
    const ByteSpan from[] = {bytes};
    return memo.derive<WalkForest>(
        "forest for walking 1", from, [&]() -> Result<Derived<WalkForest>> {
            auto forest = decode_forest(bytes);
            if (!forest) {
                return unexpected(forest.error().code,
                                  std::string{kernel} + ": " + forest.error().message);
            }
            WalkForest walk{std::move(*forest), {}};
            std::size_t size = bytes.size();
            for (const ForestTree& tree : walk.forest.trees) {
                walk.trees.emplace_back(tree);
                size += walk.trees.back().bytes();
            }
            return Derived<WalkForest>{std::move(walk), size};
        });
}

/// Means of what trees say of rows, [rows][leaf width].
class MeanScores {
 public:
    MeanScores(const WalkForest& walk, std::uint32_t row_count)
        : walk_{walk},
          width_{forest_leaf_width(walk.forest.class_count)},
          sums_(std::size_t{row_count} * width_),
          heard_(row_count),
          leaves_(std::min(rows_at_once, row_count)) {}

    /// Rows [begin, begin + count) of `rows` are here those from `to` on. `is_heard(tree, row)`
    /// tells which trees count for a row.
    template <typename IsHeard>
    void add(const BinRows& rows, std::uint32_t begin, std::uint32_t count, std::uint32_t to,
             IsHeard&& is_heard) {
        for (std::uint32_t first = 0; first < count; first += rows_at_once) {
            const std::span leaves{leaves_.data(), std::min(rows_at_once, count - first)};
            for (std::size_t tree = 0; tree < walk_.trees.size(); ++tree) {
                walk_.trees[tree].find_leaves(rows, begin + first, leaves);
                const double* const values = walk_.forest.trees[tree].values.data();
                for (std::uint32_t i = 0; i < leaves.size(); ++i) {
                    const std::uint32_t row = to + first + i;
                    if (!is_heard(tree, row)) continue;
                    ++heard_[row];
                    const double* const said = values + leaves[i] * width_;
                    double* const sums = sums_.data() + row * width_;
                    for (std::size_t k = 0; k < width_; ++k) sums[k] += said[k];
                }
            }
        }
    }

    /// Appends f64 scores[rows][score width]; NaN for a row for which no tree counted.
    void write(Bytes& output) const {
        ByteWriter writer{output};
        for (std::size_t row = 0; row < heard_.size(); ++row) {
            for (std::size_t k = 0; k < width_; ++k) {
                const double mean = heard_[row] == 0 ? std::numeric_limits<double>::quiet_NaN()
                                                     : sums_[row * width_ + k] / heard_[row];
                if (walk_.forest.class_count == 2) {
                    writer.number(heard_[row] == 0 ? mean : 1 - mean);
                }
                writer.number(mean);
            }
        }
    }

 private:
    const WalkForest& walk_;
    std::size_t width_;
    std::vector<double> sums_;
    std::vector<std::uint32_t> heard_;  ///< How many trees counted for a row.
    std::vector<std::uint32_t> leaves_;
};

constexpr auto every_tree = [](std::size_t, std::uint32_t) { return true; };

/// A bit for each row that was drawn, a tree after another.
struct DrawnRows {
    std::size_t words = 0;  ///< Of a tree.
    std::vector<std::uint64_t> bits;

    [[nodiscard]] bool has(std::size_t tree, std::uint32_t row) const {
        return (bits[tree * words + row / 64] >> row % 64 & 1) != 0;
    }
};

Derived<DrawnRows> drawn_rows(const ForestPlan& plan, std::size_t tree_count) {
    DrawnRows drawn;
    drawn.words = (std::size_t{plan.row_count} + 63) / 64;
    drawn.bits.resize(tree_count * drawn.words);
    for (std::size_t tree = 0; tree < tree_count; ++tree) {
        const auto times = forest_draws(plan, static_cast<std::uint32_t>(tree));
        for (std::uint32_t row = 0; row < plan.row_count; ++row) {
            if (times[row] == 0) continue;
            drawn.bits[tree * drawn.words + row / 64] |= std::uint64_t{1} << row % 64;
        }
    }
    const std::size_t size = drawn.bits.size() * sizeof(std::uint64_t);
    return {std::move(drawn), size};
}

/// Adds to `scores` the rows [begin, begin + count) of the table, which may lie in several blocks.
template <typename IsHeard>
void add_table_rows(const ForestInput& input, MeanScores& scores, IsHeard&& is_heard) {
    const std::size_t blocks = input.labels.size();
    const std::uint32_t groups = bin_groups(input.plan.feature_count);
    for (std::uint32_t done = 0; done < input.count;) {
        const std::uint32_t row = input.begin + done;
        const std::uint32_t block = row / bin_block_rows;
        const std::uint32_t count =
            std::min(input.count - done, (block + 1) * bin_block_rows - row);
        std::vector<const std::uint8_t*> bins;
        for (std::uint32_t group = 0; group < groups; ++group) {
            bins.push_back(input.bins[group * blocks + block]);
        }
        const BinRows rows{bins, input.plan.feature_count};
        scores.add(rows, row % bin_block_rows, count, done, is_heard);
        done += count;
    }
}

}  // namespace

/// forest_scores@1: what the trees of a forest say of rows, on average.
///
///   forest    encode_forest()
///   bins      a block of bins [row_count][feature_count]
///   output    f64 scores[row_count][forest_score_width()]: (tree 0 + tree 1 + …) / trees,
///             in that order
Result<Bytes> forest_scores(std::span<const ByteSpan> inputs, Memo& memo) {
    if (inputs.size() != 2) {
        return unexpected(
            ErrorCode::ShapeMismatch,
            "forest_scores: " + std::to_string(inputs.size()) + " inputs were given, it reads 2");
    }
    const auto bins = decode_bins(inputs[1]);
    if (!bins) return unexpected(bins.error().code, "forest_scores: " + bins.error().message);
    const auto walk = walk_forest("forest_scores", inputs[0], memo);
    if (!walk) return unexpected(walk.error());
    const Forest& forest = (*walk)->forest;
    if (forest.feature_count != bins->column_count) {
        return unexpected(ErrorCode::ShapeMismatch,
                          "forest_scores: bins of " + std::to_string(bins->column_count) +
                              " features for trees of " + std::to_string(forest.feature_count));
    }
    MeanScores scores{**walk, bins->row_count};
    scores.add(BinRows{*bins}, 0, bins->row_count, 0, every_tree);
    Bytes output;
    scores.write(output);
    return output;
}

/// forest_training_scores@1: what a forest says of rows that it was learned from; with the plan's
/// oob_score also what those of its trees say that did not draw the row.
///
///   shared    as ForestInput says, with encode_forest()
///   own       u32 begin, u32 count: rows
///   output    f64 scores[count][forest_score_width()], and out_of_bag likewise, NaN for a row
///             that every tree has drawn
Result<Bytes> forest_training_scores(std::span<const ByteSpan> inputs, Memo& memo) {
    const auto input = read_forest_input("forest_training_scores", inputs, true);
    if (!input) return unexpected(input.error());
    const ForestPlan& plan = input->plan;
    if (std::uint64_t{input->begin} + input->count > plan.row_count) {
        return unexpected(ErrorCode::InvalidArgument,
                          "forest_training_scores: rows " + std::to_string(input->begin) + " and " +
                              std::to_string(input->count) + " more are not all in the table");
    }
    const auto walk = walk_forest("forest_training_scores", input->extra, memo);
    if (!walk) return unexpected(walk.error());
    const Forest& forest = (*walk)->forest;
    if (forest.feature_count != plan.feature_count || forest.class_count != plan.class_count) {
        return unexpected(ErrorCode::ShapeMismatch, "forest_training_scores: a forest of " +
                                                        std::to_string(forest.feature_count) +
                                                        " features for a table of " +
                                                        std::to_string(plan.feature_count));
    }
    MeanScores all{**walk, input->count};
    add_table_rows(*input, all, every_tree);
    Bytes output;
    all.write(output);
    if (!plan.oob_score) return output;
    const std::size_t trees = forest.trees.size();
    const ByteSpan from[] = {inputs[0]};
    const auto drawn = memo.derive<DrawnRows>(
        "forest drawn rows of " + std::to_string(trees) + " trees 1", from,
        [&]() -> Result<Derived<DrawnRows>> { return drawn_rows(plan, trees); });
    if (!drawn) return unexpected(drawn.error());
    MeanScores out{**walk, input->count};
    add_table_rows(*input, out, [&](std::size_t tree, std::uint32_t row) {
        return !(*drawn)->has(tree, input->begin + row);
    });
    out.write(output);
    return output;
}

}  // namespace netcompute::kernels
