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
    const bool are_classes = table.plan.objective == BoostingObjective::LogLoss;
    for (const auto labels : table.labels) {
        for (const double label : labels) {
            if (are_classes ? label == 0 || label == 1 : std::isfinite(label)) continue;
            return unexpected(ErrorCode::InvalidArgument,
                              "boosting: a label is " + std::to_string(label) +
                                  (are_classes ? ", neither 0 nor 1" : ", not finite"));
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
    // Scores, gradients, the order, and room to divide; twice.
    const std::size_t rows = std::size_t{plan.row_count} * 2 * (8 + 8 + 4 + 4);
    const std::size_t nodes =
        std::min(nodes_kept_max, std::size_t{1} << (plan.max_depth - 1)) * 3 / 2;
    const std::size_t sums =
        nodes * bin_groups(plan.feature_count) * group_sums * sizeof(GradientSum);
    return rows + std::min(sums, sums_bytes_max);
}

/// One to be overwritten: not in use, and not the one that it is made from.
BoostingMemory::Held& BoostingMemory::free_one(const BoostingRows* not_this) {
    if (held_.size() < 2) return held_.emplace_back();
    Held& old = held_[held_[1].rows.get() == not_this ? 0 : 1];
    // Somebody still reads it: it is theirs then.
    if (old.rows.use_count() > 1) old = Held{};
    return old;
}

Result<BoostingMemory::Held> BoostingMemory::grown(Held from, ByteSpan rest,
                                                   const BoostingInput& input) {
    ByteReader reader{rest};
    while (reader.left() > 0) {
        const std::size_t before = reader.left();
        const auto tree = read_tree(reader, input.table.plan.feature_count);
        if (!tree) return wrong_trees(input);
        const ByteSpan bytes = rest.subspan(rest.size() - before, before - reader.left());
        const Held to = free_one(from.rows.get());
        const std::unique_lock reading{*from.mutex};
        const std::unique_lock writing{*to.mutex};
        if (auto begun = to.rows->begin_after(*from.rows, *tree, bytes, input.table); !begun) {
            held_.clear();
            return unexpected(begun.error());
        }
        from = to;
    }
    return from;
}

Result<BoostingMemory::Held> BoostingMemory::find_rows(const BoostingInput& input) {
    std::optional<Held> nearest;
    Bytes rest;
    for (const Held& held : held_) {
        auto after = rest_after(held.rows->trees(), input.trees);
        if (!after || (nearest && after->size() >= rest.size())) continue;
        nearest = held;
        rest = std::move(*after);
    }
    if (!nearest) {
        const Held first = free_one(nullptr);
        const std::unique_lock writing{*first.mutex};
        if (auto begun = first.rows->begin(input.table); !begun) {
            held_.clear();
            return unexpected(begun.error());
        }
        for (const ByteSpan part : input.trees) rest.insert(rest.end(), part.begin(), part.end());
        nearest = first;
    }
    auto found = grown(std::move(*nearest), rest, input);
    if (!found) return found;
    if (found->rows->tree_count() != input.tree) return wrong_trees(input);
    const auto place = std::find_if(held_.begin(), held_.end(),
                                    [&](const Held& held) { return held.rows == found->rows; });
    if (place != held_.end()) std::rotate(held_.begin(), place, place + 1);
    return found;
}

Result<BoostingMemory::Use> BoostingMemory::use(const BoostingInput& input) {
    const std::lock_guard guard{rows_mutex_};
    auto found = find_rows(input);
    if (!found) return unexpected(found.error());
    if (!found->rows->has(input.levels)) {
        const std::unique_lock writing{*found->mutex};
        found->rows->apply(input.levels, input.table);
    }
    // Nobody writes before this is locked: that takes rows_mutex_.
    return Use{found->rows, std::shared_lock{*found->mutex}};
}

std::optional<BoostingMemory::GroupSums> BoostingMemory::take_sums(std::uint32_t group) {
    const std::lock_guard guard{sums_mutex_};
    const auto found = sums_.find(group);
    if (found == sums_.end()) return std::nullopt;
    GroupSums sums = std::move(found->second);
    sums_.erase(found);
    sums_bytes_ -= sums.bytes();
    return sums;
}

void BoostingMemory::give_sums(std::uint32_t group, GroupSums sums) {
    const std::lock_guard guard{sums_mutex_};
    const std::size_t bytes = sums.bytes();
    if (sums_.contains(group) || sums_bytes_ + bytes > sums_bytes_max) return;
    sums_bytes_ += bytes;
    sums_.emplace(group, std::move(sums));
}

/// Of two nodes that were one, only the one with fewer rows is added up where that one's sums are
/// still known: the other's are the difference, exactly, since they are whole numbers.
std::vector<BestSplit> BoostingMemory::splits(const Use& use, const BoostingInput& input,
                                              std::uint32_t group, std::uint32_t mask) {
    const BoostingRows& rows = *use.rows;
    const std::size_t level = input.levels.size();
    const auto nodes = rows.nodes(level);
    GroupSums held = take_sums(group).value_or(GroupSums{});
    const bool knows_parents =
        level > 0 && held.edition == rows.edition() && held.level + 1 == level;
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
        held.edition = rows.edition();
        held.level = level;
        give_sums(group, std::move(held));
    }
    return best;
}

Result<std::shared_ptr<BoostingMemory>> boosting_memory(const BoostingInput& input, Memo& memo) {
    // By way of a pointer: it has mutexes, which do not move.
    using Owned = std::shared_ptr<BoostingMemory>;
    const auto found = memo.derive<Owned>("boosting rows 1", input.from, [&]() {
        Result<Derived<Owned>> made = Derived<Owned>{std::make_shared<BoostingMemory>(),
                                                     BoostingMemory::bytes_max(input.table.plan)};
        if (auto good = check_labels(input.table); !good) made = unexpected(good.error());
        return made;
    });
    if (!found) return unexpected(found.error());
    return **found;
}

}  // namespace netcompute::kernels
