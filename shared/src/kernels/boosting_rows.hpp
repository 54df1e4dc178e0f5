#pragma once

#include "boosting_gradients.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace netcompute::kernels {

struct BoostingTable;

/// Single columns of a table, [rows]: to divide rows by one of them, the seven beside it would only
/// be in the way. Made when first asked for. Tabs have no memory for them.
class BoostingColumns {
 public:
    /// The bins of a feature, or null where they would be too many; then the table has them too.
    [[nodiscard]] const std::uint8_t* find(const BoostingTable& table, std::uint32_t feature);
    [[nodiscard]] static std::size_t bytes_max(const BoostingPlan& plan);

 private:
    std::vector<std::vector<std::uint8_t>> columns_;
};

/// A training table, as the inputs of one task hold it: checked, and not copied.
struct BoostingTable {
    BoostingPlan plan;
    std::vector<std::span<const double>> labels;  ///< One a block of rows.
    std::vector<const std::uint8_t*> bins;        ///< Of each group, its blocks: [rows][8].
    BoostingColumns* columns = nullptr;           ///< Of this table, where somebody keeps them.

    [[nodiscard]] std::size_t blocks() const { return labels.size(); }
    /// Where the bins of a row and of its whole group are.
    [[nodiscard]] const std::uint8_t* row(std::uint32_t group, std::uint32_t row) const {
        const std::uint8_t* const block = bins[group * blocks() + row / bin_block_rows];
        return block + std::size_t{row % bin_block_rows} * bin_group_columns;
    }
};

/// Rows that a node holds: where they are in the order of rows.
struct RowRange {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    [[nodiscard]] std::uint32_t size() const { return end - begin; }
};

/// Elements that are not set to anything at first.
template <typename T>
class RawArray {
 public:
    void resize(std::size_t size) {
        if (size <= capacity_) return;
        values_.reset(new T[size]);
        capacity_ = size;
    }
    [[nodiscard]] T* data() const { return values_.get(); }
    [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
    std::unique_ptr<T[]> values_;
    std::size_t capacity_ = 0;
};

/// The rows of a training while one tree grows: what each one's gradient is, and in which node it
/// is. The order of rows only ever gets finer, so it holds the nodes of every level so far.
class BoostingRows {
 public:
    /// Before the first tree. Errors: InvalidArgument where scores have grown beyond all numbers.
    [[nodiscard]] Result<void> begin(const BoostingTable& table);

    /// After one more tree than `before`, whose tree it is. `before` gets all of its levels.
    [[nodiscard]] Result<void> begin_after(BoostingRows& before, const BoostedTree& tree,
                                           ByteSpan tree_bytes, const BoostingTable& table);

    /// Divides the rows as these levels say; deeper levels that are there already stay if they
    /// began like this, and else go.
    void apply(const BoostedTree& levels, const BoostingTable& table);

    /// All trees so far, one after another.
    [[nodiscard]] const Bytes& trees() const { return trees_; }
    [[nodiscard]] std::uint32_t tree_count() const { return tree_count_; }
    [[nodiscard]] bool has_begun() const { return edition_ > 0; }
    /// The nodes of a level, 0 being that of all rows.
    [[nodiscard]] std::span<const RowRange> nodes(std::size_t level) const {
        return ranges_[level];
    }
    /// For each pair of nodes of level + 1, which node of the level they came from.
    [[nodiscard]] std::vector<std::uint32_t> parents(std::size_t level) const;
    [[nodiscard]] const Units& units() const { return units_; }
    /// Of a class; without classes there is one list.
    [[nodiscard]] std::span<const double> scores(std::uint32_t of_class = 0) const {
        return *scores_[of_class];
    }
    /// Another number for other rows in the nodes: what was made of them is void then.
    [[nodiscard]] std::uint64_t edition() const { return edition_; }

    /// Sums of one group of columns over a range of rows, [8][256], into `sums`.
    void add_up(const BoostingTable& table, std::uint32_t group, RowRange range,
                GradientSum* sums) const;

 private:
    [[nodiscard]] Result<void> begin_tree(const BoostingTable& table);
    void divide(const BoostedLevel& level, const BoostingTable& table);
    [[nodiscard]] Result<double> find_largest_residual(const BoostingTable& table) const;
    void pack_block(const BoostingTable& table, std::size_t block);
    /// Adds what the tree's leaves say of each row.
    void score_leaves(const BoostedTree& tree, const BoostingTable& table,
                      std::span<const double> before, std::span<double> after) const;
    [[nodiscard]] std::uint32_t partition(const BoostedNode& node, RowRange range,
                                          const BoostingTable& table);

    Bytes trees_;
    std::uint32_t tree_count_ = 0;
    std::uint64_t edition_ = 0;
    /// A list a class. Rows before and after a tree share those that it leaves as they are.
    std::vector<std::shared_ptr<std::vector<double>>> scores_;
    /// log_sums() before the turn of all classes; only for Softmax.
    std::shared_ptr<std::vector<double>> log_sums_;
    Units units_;
    RawArray<std::uint64_t> packed_;  ///< A row each, in the order of the table.
    RawArray<std::uint32_t> order_;   ///< Rows, node after node; as in the table until divided.
    RawArray<std::uint32_t> right_;   ///< Room for those that go right.
    BoostedTree levels_;              ///< What the rows have been divided by.
    std::vector<std::vector<RowRange>> ranges_;  ///< One more than levels.
};

}  // namespace netcompute::kernels
