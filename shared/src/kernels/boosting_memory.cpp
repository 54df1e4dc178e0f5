#include "boosting_memory.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

namespace netcompute::kernels {
namespace {

/// Sums of groups that are kept for the next level, all together.
constexpr std::size_t sums_bytes_max = std::size_t{24} << 20;
/// Levels with more nodes than this are added up anew: their nodes have few rows.
constexpr std::size_t nodes_kept_max = 64;
constexpr std::string_view memory_name = "boosting rows 1";

/// What follows `known` in the bytes of all parts; nothing unless they begin with it.
std::optional<Bytes> rest_after(const Bytes& known, std::span<const ByteSpan> parts) {
    Bytes rest;
    ByteSpan left = known;
    for (ByteSpan part : parts) {
        const std::size_t common = std::min(left.size(), part.size());
        if (!std::equal(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(common),
                        left.begin())) {
            return std::nullopt;
        }
        left = left.subspan(common);
        part = part.subspan(common);
        rest.insert(rest.end(), part.begin(), part.end());
    }
    if (!left.empty()) return std::nullopt;
    return rest;
}

Unexpected wrong_trees(const BoostingInput& input) {
    return unexpected(ErrorCode::InvalidArgument,
                      "boosting: the trees so far are not " + std::to_string(input.tree) +
                          " trees for " + std::to_string(input.table.plan.feature_count) +
                          " features");
}

Result<void> check_labels(const BoostingTable& table) {
    const bool are_numbers = table.plan.objective == BoostingObjective::SquaredError;
    const bool are_two = table.plan.objective == BoostingObjective::LogLoss;
    const double classes = are_two ? 2 : table.plan.class_count;
    for (const auto labels : table.labels) {
        for (const double label : labels) {
            const bool is_class = label >= 0 && label < classes && label == std::floor(label);
            if (are_numbers ? std::isfinite(label) : is_class) continue;
            return unexpected(ErrorCode::InvalidArgument,
                              "boosting: a label is " + std::to_string(label) +
                                  (are_numbers ? ", not finite"
                                   : are_two   ? ", neither 0 nor 1"
                                               : ", the place of no class"));
        }
    }
    return {};
}

void subtract(const GradientSum* whole, const GradientSum* part, GradientSum* rest) {
    for (std::size_t i = 0; i < group_sums; ++i) {
        rest[i].gradient = whole[i].gradient - part[i].gradient;
        rest[i].hessian = whole[i].hessian - part[i].hessian;
    }
}

}  // namespace

std::size_t BoostingMemory::bytes_max(const BoostingPlan& plan) {
    // Gradients, the order, room to divide and the scores that change; twice. Scores of other
    // classes are shared, and so are the sums of all.
    const std::size_t others = plan.class_count == 1 ? 0 : std::size_t{plan.class_count} + 1;
    const std::size_t rows =
        std::size_t{plan.row_count} * (2 * (8 + 8 + 4 + 4) + others * sizeof(double));
    const std::size_t nodes =
        std::min(nodes_kept_max, std::size_t{1} << (plan.max_depth - 1)) * 3 / 2;
    const std::size_t sums =
        nodes * bin_groups(plan.feature_count) * group_sums * sizeof(GradientSum);
    return rows + std::min(sums, sums_bytes_max) + BoostingColumns::bytes_max(plan);
}

BoostingRows* BoostingMemory::other_than(const BoostingRows* rows) {
    return rows == &held_[0] ? &held_[1] : &held_[0];
}

Result<BoostingRows*> BoostingMemory::grown(BoostingRows* from, ByteSpan rest,
                                            const BoostingInput& input) {
    ByteReader reader{rest};
    while (reader.left() > 0) {
        const std::size_t before = reader.left();
        const auto tree = read_tree(reader, input.table.plan.feature_count);
        if (!tree) return wrong_trees(input);
        const ByteSpan bytes = rest.subspan(rest.size() - before, before - reader.left());
        BoostingRows* const to = other_than(from);
        if (auto begun = to->begin_after(*from, *tree, bytes, input.table); !begun) {
            return unexpected(begun.error());
        }
        from = to;
    }
    return from;
}

Result<const BoostingRows*> BoostingMemory::rows_for(BoostingInput& input) {
    input.table.columns = &columns_;
    BoostingRows* nearest = nullptr;
    Bytes rest;
    for (BoostingRows& held : held_) {
        auto after = held.has_begun() ? rest_after(held.trees(), input.trees) : std::nullopt;
        if (!after || (nearest != nullptr && after->size() >= rest.size())) continue;
        nearest = &held;
        rest = std::move(*after);
    }
    if (nearest == nullptr) {
        nearest = &held_[held_[0].tree_count() < held_[1].tree_count() ? 0 : 1];
        if (auto begun = nearest->begin(input.table); !begun) return unexpected(begun.error());
        for (const ByteSpan part : input.trees) rest.insert(rest.end(), part.begin(), part.end());
    }
    const auto found = grown(nearest, rest, input);
    if (!found) return unexpected(found.error());
    if ((*found)->tree_count() != input.tree) return wrong_trees(input);
    (*found)->apply(input.levels, input.table);
    return *found;
}

BoostingMemory::GroupSums BoostingMemory::take_sums(std::uint32_t group) {
    const auto found = sums_.find(group);
    if (found == sums_.end()) return {};
    GroupSums sums = std::move(found->second);
    sums_.erase(found);
    sums_bytes_ -= sums.bytes();
    return sums;
}

void BoostingMemory::give_sums(std::uint32_t group, GroupSums sums) {
    const std::size_t bytes = sums.bytes();
    if (sums_bytes_ + bytes > sums_bytes_max) return;
    sums_bytes_ += bytes;
    sums_.emplace(group, std::move(sums));
}

/// Of two nodes that were one, only the one with fewer rows is added up where that one's sums are
/// still known: the other's are the difference, exactly, since they are whole numbers.
std::vector<BestSplit> BoostingMemory::splits(const BoostingRows& rows, const BoostingInput& input,
                                              std::uint32_t group, std::uint32_t mask) {
    const std::size_t level = input.levels.size();
    const auto nodes = rows.nodes(level);
    GroupSums held = take_sums(group);
    const bool knows_parents =
        level > 0 && held.of == &rows && held.edition == rows.edition() && held.level + 1 == level;
    held.next.resize(nodes.size() * group_sums);
    GradientSum* const sums = held.next.data();
    const auto sums_of = [&](std::size_t node) { return sums + node * group_sums; };
    if (knows_parents) {
        const auto parents = rows.parents(level - 1);
        for (std::size_t left = 0; left < nodes.size(); left += 2) {
            const std::size_t less = nodes[left].size() <= nodes[left + 1].size() ? 0 : 1;
            rows.add_up(input.table, group, nodes[left + less], sums_of(left + less));
            subtract(held.sums.data() + parents[left / 2] * group_sums, sums_of(left + less),
                     sums_of(left + 1 - less));
        }
    } else {
        for (std::size_t node = 0; node < nodes.size(); ++node) {
            rows.add_up(input.table, group, nodes[node], sums_of(node));
        }
    }
    std::vector<BestSplit> best;
    best.reserve(nodes.size());
    for (std::size_t node = 0; node < nodes.size(); ++node) {
        best.push_back(search_splits({sums_of(node), group_sums}, group * bin_group_columns, mask,
                                     rows.units(), input.table.plan));
    }
    if (nodes.size() <= nodes_kept_max) {
        std::swap(held.sums, held.next);
        held.of = &rows;
        held.edition = rows.edition();
        held.level = level;
        give_sums(group, std::move(held));
    }
    return best;
}

Result<std::shared_ptr<BoostingMemory>> take_boosting_memory(const BoostingInput& input,
                                                             Memo& memo) {
    if (auto known = memo.take<BoostingMemory>(memory_name, input.from)) return known;
    if (auto good = check_labels(input.table); !good) return unexpected(good.error());
    return std::make_shared<BoostingMemory>();
}

void give_boosting_memory(const BoostingInput& input, Memo& memo,
                          std::shared_ptr<BoostingMemory> memory) {
    memo.give(memory_name, input.from, std::move(memory),
              BoostingMemory::bytes_max(input.table.plan));
}

}  // namespace netcompute::kernels
