#include "boosting_rows.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

namespace netcompute::kernels {
namespace {

/// Columns that are kept singly, besides the table: none where addresses have 32 bits, as in tabs.
constexpr std::uint64_t columns_bytes_max = sizeof(void*) < 8 ? 0 : std::uint64_t{256} << 20;

/// 1 for the bins that go left, else 0: to be added, since nobody can guess where the next row
/// goes.
std::array<std::uint32_t, bin_count> lefts_of(const BoostedNode& node) {
    std::array<std::uint32_t, bin_count> lefts{};
    std::fill_n(lefts.begin(), node.bin + 1, 1U);
    lefts[missing_bin] = node.missing_left ? 1 : 0;
    return lefts;
}

/// Calls `visit(bin_of)` with the quickest way to the bins of a feature.
template <typename Visit>
void with_bins(const BoostingTable& table, std::uint32_t feature, Visit&& visit) {
    const std::uint8_t* const column =
        table.columns == nullptr ? nullptr : table.columns->find(table, feature);
    if (column != nullptr) {
        visit([column](std::uint32_t row) { return column[row]; });
        return;
    }
    const std::uint32_t group = feature / bin_group_columns;
    const std::uint32_t place = feature % bin_group_columns;
    visit([&](std::uint32_t row) { return table.row(group, row)[place]; });
}

/// So many rows ahead memory is asked for what is needed of them: rows of a node lie far apart.
constexpr std::uint32_t rows_ahead = 24;

void flush(std::uint64_t* packed, GradientSum* sums) {
    for (std::size_t i = 0; i < group_sums; ++i) {
        const GradientSum sum = unpacked(packed[i]);
        sums[i].gradient += sum.gradient;
        sums[i].hessian += sum.hessian;
    }
    std::memset(packed, 0, group_sums * sizeof *packed);
}

[[gnu::always_inline]] inline void add_row(std::uint64_t* packed, const std::uint8_t* bins,
                                           std::uint64_t value) {
    std::uint64_t all = 0;
    std::memcpy(&all, bins, sizeof all);
    packed[0 * bin_count + (all & 0xff)] += value;
    packed[1 * bin_count + (all >> 8 & 0xff)] += value;
    packed[2 * bin_count + (all >> 16 & 0xff)] += value;
    packed[3 * bin_count + (all >> 24 & 0xff)] += value;
    packed[4 * bin_count + (all >> 32 & 0xff)] += value;
    packed[5 * bin_count + (all >> 40 & 0xff)] += value;
    packed[6 * bin_count + (all >> 48 & 0xff)] += value;
    packed[7 * bin_count + (all >> 56)] += value;
}

bool begins_with(const BoostedTree& whole, const BoostedTree& first) {
    return first.size() <= whole.size() && std::equal(first.begin(), first.end(), whole.begin());
}

/// The levels up to the last one whose nodes have to be divided to know every row's leaf: not one
/// whose children are leaves all, since a look at the row tells then.
std::size_t levels_to_divide(const BoostedTree& tree) {
    return tree.size() < 2 ? 0 : tree.size() - 2;
}

}  // namespace

const std::uint8_t* BoostingColumns::find(const BoostingTable& table, std::uint32_t feature) {
    if (bytes_max(table.plan) == 0) return nullptr;
    columns_.resize(table.plan.feature_count);
    std::vector<std::uint8_t>& column = columns_[feature];
    if (column.empty()) {
        column.resize(table.plan.row_count);
        const std::uint32_t group = feature / bin_group_columns;
        for (std::uint32_t row = 0; row < table.plan.row_count; ++row) {
            column[row] = table.row(group, row)[feature % bin_group_columns];
        }
    }
    return column.data();
}

std::size_t BoostingColumns::bytes_max(const BoostingPlan& plan) {
    const std::uint64_t bytes = std::uint64_t{plan.row_count} * plan.feature_count;
    return bytes <= columns_bytes_max ? static_cast<std::size_t>(bytes) : 0;
}

Result<void> BoostingRows::begin(const BoostingTable& table) {
    trees_.clear();
    tree_count_ = 0;
    scores_.clear();
    for (std::uint32_t c = 0; c < table.plan.class_count; ++c) {
        scores_.push_back(
            std::make_shared<std::vector<double>>(table.plan.row_count, table.plan.base_margin));
    }
    log_sums_.reset();
    return begin_tree(table);
}

Result<void> BoostingRows::begin_after(BoostingRows& before, const BoostedTree& tree,
                                       ByteSpan tree_bytes, const BoostingTable& table) {
    BoostedTree divided{tree.begin(),
                        tree.begin() + static_cast<std::ptrdiff_t>(levels_to_divide(tree))};
    before.apply(divided, table);
    trees_ = before.trees_;
    trees_.insert(trees_.end(), tree_bytes.begin(), tree_bytes.end());
    tree_count_ = before.tree_count_ + 1;
    const std::uint32_t grown = before.tree_count_ % table.plan.class_count;
    // A list that nobody else holds is overwritten: fresh memory for each tree would cost more.
    std::shared_ptr<std::vector<double>> after;
    for (auto& own : scores_) {
        if (own.use_count() == 1) after = std::move(own);
    }
    if (after == nullptr) after = std::make_shared<std::vector<double>>();
    after->resize(table.plan.row_count);
    before.score_leaves(tree, table, *before.scores_[grown], *after);
    scores_ = before.scores_;
    scores_[grown] = std::move(after);
    log_sums_ = before.log_sums_;
    return begin_tree(table);
}

/// The largest of the rows, for SquaredError. Errors: InvalidArgument for one that is not finite.
Result<double> BoostingRows::find_largest_residual(const BoostingTable& table) const {
    if (table.plan.objective != BoostingObjective::SquaredError) return 0.0;
    double largest = 0;
    for (std::size_t block = 0; block < table.blocks(); ++block) {
        const auto labels = table.labels[block];
        const double residual =
            largest_residual(scores().subspan(block * bin_block_rows, labels.size()), labels);
        if (std::isnan(residual)) {
            return unexpected(ErrorCode::InvalidArgument,
                              "boosting: after " + std::to_string(tree_count_) +
                                  " trees a score is not finite: choose a smaller learning_rate");
        }
        largest = std::max(largest, residual);
    }
    return largest;
}

void BoostingRows::pack_block(const BoostingTable& table, std::size_t block) {
    const auto labels = table.labels[block];
    const std::size_t first = block * bin_block_rows;
    const std::uint32_t of_class = tree_count_ % table.plan.class_count;
    const auto scores_here = scores(of_class).subspan(first, labels.size());
    std::uint64_t* const packed = packed_.data() + first;
    if (table.plan.objective == BoostingObjective::Softmax) {
        pack_softmax(scores_here, log_sums_->data() + first, labels, of_class, units_, packed);
    } else {
        pack_gradients(table.plan.objective, scores_here, labels, units_, packed);
    }
}

Result<void> BoostingRows::begin_tree(const BoostingTable& table) {
    const std::uint32_t rows = table.plan.row_count;
    ++edition_;
    levels_.clear();
    ranges_.assign(1, {{0, rows}});
    packed_.resize(rows);
    order_.resize(rows);
    right_.resize(rows);
    if (table.plan.class_count > 1 && tree_count_ % table.plan.class_count == 0) {
        std::vector<const double*> of_classes;
        for (const auto& list : scores_) of_classes.push_back(list->data());
        if (log_sums_ == nullptr || log_sums_.use_count() > 1) {
            log_sums_ = std::make_shared<std::vector<double>>(rows);
        }
        log_sums(of_classes, rows, log_sums_->data());
    }
    const auto largest = find_largest_residual(table);
    if (!largest) return unexpected(largest.error());
    units_ = gradient_units(table.plan.objective, *largest);
    for (std::size_t block = 0; block < table.blocks(); ++block) {
        pack_block(table, block);
        const std::size_t first = block * bin_block_rows;
        leave_out_rows(table.plan, tree_count_, static_cast<std::uint32_t>(first),
                       {packed_.data() + first, table.labels[block].size()});
    }
    return {};
}

void BoostingRows::apply(const BoostedTree& levels, const BoostingTable& table) {
    if (begins_with(levels_, levels)) return;
    if (!begins_with(levels, levels_)) {
        ++edition_;
        levels_.clear();
        ranges_.resize(1);
    }
    while (levels_.size() < levels.size()) divide(levels[levels_.size()], table);
}

void BoostingRows::divide(const BoostedLevel& level, const BoostingTable& table) {
    std::vector<RowRange> children;
    const std::span<const RowRange> nodes = ranges_.back();
    for (std::size_t i = 0; i < level.size(); ++i) {
        if (level[i].is_leaf()) continue;
        const std::uint32_t middle = partition(level[i], nodes[i], table);
        children.push_back({nodes[i].begin, middle});
        children.push_back({middle, nodes[i].end});
    }
    // The first division gives the rows an order; without one they are in none.
    levels_.push_back(level);
    ranges_.push_back(std::move(children));
}

/// Keeps the order of rows on both sides. Returns where the right ones begin.
std::uint32_t BoostingRows::partition(const BoostedNode& node, RowRange range,
                                      const BoostingTable& table) {
    std::uint32_t* const order = order_.data();
    std::uint32_t* const right = right_.data();
    const bool in_table_order = levels_.empty();
    std::uint32_t left_end = range.begin;
    std::uint32_t right_count = 0;
    const std::array<std::uint32_t, bin_count> lefts = lefts_of(node);
    with_bins(table, node.feature, [&](auto&& bin_of) {
        const auto run = [&](auto&& row_at) {
            std::uint32_t to = range.begin;
            std::uint32_t moved = 0;
            const std::uint32_t end = range.end;
            for (std::uint32_t i = range.begin; i < end; ++i) {
                const std::uint32_t row = row_at(i);
                const std::uint32_t left = lefts[bin_of(row)];
                order[to] = row;
                right[moved] = row;
                to += left;
                moved += 1 - left;
            }
            left_end = to;
            right_count = moved;
        };
        if (in_table_order) {
            run([](std::uint32_t i) { return i; });
        } else {
            run([order](std::uint32_t i) { return order[i]; });
        }
    });
    std::copy_n(right, right_count, order + left_end);
    return left_end;
}

/// Each row's score after a tree: that before it, and its leaf's value.
void BoostingRows::score_leaves(const BoostedTree& tree, const BoostingTable& table,
                                std::span<const double> before, std::span<double> after) const {
    const std::uint32_t* const order = order_.data();
    const auto each_row = [&](RowRange range, auto&& value_of) {
        const auto run = [&](auto&& row_at) {
            for (std::uint32_t i = range.begin; i < range.end; ++i) {
                const std::uint32_t row = row_at(i);
                after[row] = before[row] + value_of(row);
            }
        };
        if (levels_.empty()) {
            run([](std::uint32_t i) { return i; });
        } else {
            run([order](std::uint32_t i) { return order[i]; });
        }
    };
    const std::size_t last = levels_to_divide(tree);
    for (std::size_t level = 0; level <= last; ++level) {
        std::size_t child = 0;
        for (std::size_t i = 0; i < tree[level].size(); ++i) {
            const BoostedNode& node = tree[level][i];
            const RowRange range = ranges_[level][i];
            if (node.is_leaf()) {
                each_row(range, [&](std::uint32_t) { return node.value; });
                continue;
            }
            const std::size_t left = child;
            child += 2;
            if (level < last) continue;
            std::array<double, bin_count> values{};
            const std::array<std::uint32_t, bin_count> lefts = lefts_of(node);
            for (std::size_t bin = 0; bin < bin_count; ++bin) {
                values[bin] = tree[level + 1][left + 1 - lefts[bin]].value;
            }
            with_bins(table, node.feature, [&](auto&& bin_of) {
                each_row(range, [&](std::uint32_t row) { return values[bin_of(row)]; });
            });
        }
    }
}

std::vector<std::uint32_t> BoostingRows::parents(std::size_t level) const {
    std::vector<std::uint32_t> parents;
    for (std::uint32_t i = 0; i < levels_[level].size(); ++i) {
        if (!levels_[level][i].is_leaf()) parents.push_back(i);
    }
    return parents;
}

void BoostingRows::add_up(const BoostingTable& table, std::uint32_t group, RowRange range,
                          GradientSum* sums) const {
    alignas(64) std::uint64_t packed[group_sums] = {};
    std::fill_n(sums, group_sums, GradientSum{});
    const std::uint32_t* const order = order_.data();
    const std::uint64_t* const values = packed_.data();
    const bool in_table_order = levels_.empty();
    const std::uint8_t* const only = table.blocks() == 1 ? table.row(group, 0) : nullptr;
    for (std::uint32_t begin = range.begin; begin < range.end;) {
        const auto end = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(range.end, std::uint64_t{begin} + packed_rows_max));
        if (only != nullptr && in_table_order) {
            for (std::uint32_t row = begin; row < end; ++row) {
                add_row(packed, only + std::size_t{row} * bin_group_columns, values[row]);
            }
        } else if (only != nullptr) {
            const std::uint32_t last = table.plan.row_count - 1;
            for (std::uint32_t i = begin; i < end; ++i) {
                const std::uint32_t row = order[i];
                const std::uint32_t ahead = order[std::min(i + rows_ahead, last)];
                __builtin_prefetch(only + std::size_t{ahead} * bin_group_columns);
                __builtin_prefetch(values + ahead);
                add_row(packed, only + std::size_t{row} * bin_group_columns, values[row]);
            }
        } else {
            for (std::uint32_t i = begin; i < end; ++i) {
                const std::uint32_t row = in_table_order ? i : order[i];
                add_row(packed, table.row(group, row), values[row]);
            }
        }
        flush(packed, sums);
        begin = end;
    }
}

}  // namespace netcompute::kernels
