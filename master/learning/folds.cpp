#include "learning/folds.hpp"

#include "data/field_place.hpp"
#include <netcompute/random.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

namespace netcompute::learning {
namespace {

using data::counted;
using programs::RowRole;
using RowList = std::vector<std::uint32_t>;

/// Streams of a seed: a number a repeat for the division, others for shares.
constexpr std::uint64_t share_streams = std::uint64_t{1} << 32;

void shuffle(RowList& rows, Philox& random) {
    for (std::size_t i = rows.size(); i > 1; --i) {
        std::swap(rows[i - 1], rows[static_cast<std::size_t>(random.next_below(i))]);
    }
}

Unexpected bad_folds(const std::string& message) {
    return unexpected(ErrorCode::InvalidArgument, message);
}

/// Some rows by class, or all together where there are none.
std::vector<RowList> strata_of(const RowList& within, std::span<const std::uint8_t> classes) {
    std::vector<RowList> strata(1);
    for (const std::uint32_t row : within) {
        const std::size_t stratum = classes.empty() ? 0 : classes[row];
        if (stratum >= strata.size()) strata.resize(stratum + 1);
        strata[stratum].push_back(row);
    }
    std::erase_if(strata, [](const RowList& stratum) { return stratum.empty(); });
    return strata;
}

/// Some rows by group, the largest group first; of equal ones, in the order that is drawn.
std::vector<RowList> groups_of(const RowList& within, std::span<const std::uint32_t> groups,
                               Philox& random) {
    std::vector<RowList> found;
    for (const std::uint32_t row : within) {
        if (groups[row] >= found.size()) found.resize(groups[row] + 1);
        found[groups[row]].push_back(row);
    }
    std::erase_if(found, [](const RowList& group) { return group.empty(); });
    RowList order(found.size());
    std::iota(order.begin(), order.end(), 0U);
    shuffle(order, random);
    std::vector<RowList> drawn;
    for (const std::uint32_t group : order) drawn.push_back(std::move(found[group]));
    return drawn;
}

/// Divides the rows once.
class Divider {
 public:
    Divider(const FoldRowsInfo& rows, const FoldOptions& options, const RowList& within,
            std::uint32_t repeat)
        : rows_{rows},
          options_{options},
          within_{within},
          random_{options.seed, (std::uint64_t{options.stream} << 16) + repeat} {}

    /// The rows that each fold holds out.
    std::vector<RowList> run() {
        if (options_.test_size) return {rows_.groups.empty() ? some_rows() : some_groups()};
        return rows_.groups.empty() ? dealt_rows() : dealt_groups();
    }

 private:
    [[nodiscard]] std::vector<RowList> strata() const {
        return strata_of(within_,
                         options_.is_stratified ? rows_.classes : std::span<const std::uint8_t>{});
    }

    std::vector<RowList> dealt_rows() {
        std::vector<RowList> folds(options_.folds);
        std::size_t next = 0;
        for (RowList& stratum : strata()) {
            shuffle(stratum, random_);
            for (const std::uint32_t row : stratum) folds[next++ % folds.size()].push_back(row);
        }
        return folds;
    }

    std::vector<RowList> dealt_groups() {
        std::vector<RowList> folds(options_.folds);
        auto groups = groups_of(within_, rows_.groups, random_);
        std::ranges::stable_sort(groups, std::greater<>{}, &RowList::size);
        for (const RowList& group : groups) {
            auto& least = *std::ranges::min_element(folds, {}, &RowList::size);
            least.insert(least.end(), group.begin(), group.end());
        }
        return folds;
    }

    [[nodiscard]] std::size_t held_out_count() const {
        return static_cast<std::size_t>(
            std::ceil(*options_.test_size * static_cast<double>(within_.size())));
    }

    /// Each stratum's share, rounded down; what is left goes to those that lost most by that.
    RowList some_rows() {
        auto strata = this->strata();
        std::vector<std::size_t> counts;
        std::vector<std::pair<double, std::size_t>> lost;
        std::size_t left = held_out_count();
        const double share = static_cast<double>(left) / static_cast<double>(within_.size());
        for (const RowList& stratum : strata) {
            const double exact = share * static_cast<double>(stratum.size());
            counts.push_back(std::min(left, static_cast<std::size_t>(exact)));
            lost.emplace_back(std::floor(exact) - exact, lost.size());
            left -= counts.back();
        }
        std::ranges::sort(lost);
        for (std::size_t i = 0; left > 0 && i < lost.size(); ++i) {
            auto& count = counts[lost[i].second];
            if (count == strata[lost[i].second].size()) continue;
            ++count;
            --left;
        }
        RowList held_out;
        for (std::size_t i = 0; i < strata.size(); ++i) {
            shuffle(strata[i], random_);
            held_out.insert(held_out.end(), strata[i].begin(),
                            strata[i].begin() + static_cast<std::ptrdiff_t>(counts[i]));
        }
        return held_out;
    }

    RowList some_groups() {
        RowList held_out;
        for (const RowList& group : groups_of(within_, rows_.groups, random_)) {
            if (held_out.size() >= held_out_count()) break;
            held_out.insert(held_out.end(), group.begin(), group.end());
        }
        return held_out;
    }

    const FoldRowsInfo& rows_;
    const FoldOptions& options_;
    const RowList& within_;
    Philox random_;
};

Split split_of(const RowList& held_out, const RowList& within, std::uint64_t row_count) {
    Split split;
    split.roles.resize(static_cast<std::size_t>(row_count), RowRole::Unused);
    for (const std::uint32_t row : within) split.roles[row] = RowRole::Training;
    for (const std::uint32_t row : held_out) split.roles[row] = RowRole::HeldOut;
    for (const std::uint32_t row : within) {
        if (split.roles[row] == RowRole::HeldOut) split.held_out.push_back(row);
    }
    split.training_count = within.size() - split.held_out.size();
    return split;
}

Result<void> check_folds(const FoldRowsInfo& rows, const FoldOptions& options,
                         const RowList& within) {
    if (options.test_size) return {};
    const auto too_many = [&](std::uint64_t count, const std::string& what,
                              const std::string& which = "") {
        return bad_folds("params.folds: " + std::to_string(options.folds) + " folds of " +
                         counted(count, what) + which + "; give at most " + std::to_string(count));
    };
    if (options.folds > within.size()) return too_many(within.size(), "row");
    if (!rows.groups.empty()) {
        std::vector<std::uint32_t> groups;
        for (const std::uint32_t row : within) groups.push_back(rows.groups[row]);
        std::ranges::sort(groups);
        const auto count =
            static_cast<std::size_t>(std::unique(groups.begin(), groups.end()) - groups.begin());
        if (options.folds > count) return too_many(count, "group");
    } else if (options.is_stratified && !rows.classes.empty()) {
        const auto strata = strata_of(within, rows.classes);
        const std::size_t most = std::ranges::max_element(strata, {}, &RowList::size)->size();
        if (options.folds > most) return too_many(most, "row", " of the most frequent class");
    }
    return {};
}

RowList training_rows(const Split& split) {
    RowList rows;
    for (std::uint32_t row = 0; row < split.roles.size(); ++row) {
        if (split.roles[row] == RowRole::Training) rows.push_back(row);
    }
    return rows;
}

std::string fold_name(const Split& split, const FoldOptions& options) {
    std::string name =
        options.test_size ? "the hold-out" : "fold " + std::to_string(split.fold + 1);
    if (options.repeats > 1) name += " of repeat " + std::to_string(split.repeat + 1);
    return name;
}

Result<void> check_split(const Split& split, const FoldRowsInfo& rows, const FoldOptions& options,
                         std::size_t class_count) {
    if (split.training_count == 0 || split.held_out.empty()) {
        return bad_folds("params.test_size: " + fold_name(split, options) + " holds out " +
                         std::to_string(split.held_out.size()) + " of " +
                         counted(split.held_out.size() + split.training_count, "row") +
                         "; some must be held out, and some must be left to learn from");
    }
    if (class_count < 2) return {};
    if (strata_of(training_rows(split), rows.classes).size() > 1) return {};
    return bad_folds(fold_name(split, options) +
                     ": its training rows are of one class only; give fewer folds, or more rows of "
                     "the rare class" +
                     (rows.groups.empty() ? "" : ", or other groups"));
}

}  // namespace

Result<std::vector<Split>> plan_splits(const FoldRowsInfo& rows, const FoldOptions& options,
                                       std::span<const std::uint32_t> within_rows) {
    const RowList within{within_rows.begin(), within_rows.end()};
    if (auto good = check_folds(rows, options, within); !good) return unexpected(good.error());
    const std::size_t class_count =
        rows.classes.empty() ? 0 : strata_of(within, rows.classes).size();
    std::vector<Split> splits;
    for (std::uint32_t repeat = 0; repeat < options.repeats; ++repeat) {
        std::uint32_t fold = 0;
        for (const RowList& held_out : Divider{rows, options, within, repeat}.run()) {
            Split split = split_of(held_out, within, rows.row_count);
            split.repeat = repeat;
            split.fold = fold++;
            if (auto good = check_split(split, rows, options, class_count); !good) {
                return unexpected(good.error());
            }
            splits.push_back(std::move(split));
        }
    }
    return splits;
}

std::vector<std::uint32_t> all_rows(std::uint64_t row_count) {
    std::vector<std::uint32_t> rows(static_cast<std::size_t>(row_count));
    std::iota(rows.begin(), rows.end(), 0U);
    return rows;
}

Split with_share(const Split& split, const FoldRowsInfo& rows, double share, std::uint64_t seed) {
    Split smaller = split;
    smaller.training_count = 0;
    Philox random{seed, share_streams + (std::uint64_t{split.repeat} << 16) + split.fold};
    for (RowList& stratum : strata_of(training_rows(split), rows.classes)) {
        shuffle(stratum, random);
        const auto exact = std::ceil(share * static_cast<double>(stratum.size()));
        const std::size_t count =
            std::clamp<std::size_t>(static_cast<std::size_t>(exact), 1, stratum.size());
        for (std::size_t i = count; i < stratum.size(); ++i) {
            smaller.roles[stratum[i]] = RowRole::Unused;
        }
        smaller.training_count += count;
    }
    return smaller;
}

}  // namespace netcompute::learning
