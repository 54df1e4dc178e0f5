#include "learning/search_plan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace netcompute::learning {
namespace {

std::size_t survivors(std::size_t candidates, std::uint32_t factor) {
    return (candidates + factor - 1) / factor;
}

/// Goes through a search, stage by stage, as far as there are records.
class Follower {
 public:
    Follower(const SearchPlan& plan, std::span<const FitRecord> records)
        : plan_{plan}, rest_{records} {
        for ([[maybe_unused]] const SearchScope& scope : plan.scopes) {
            ScopeStanding& standing = standing_.scopes.emplace_back();
            standing.candidates.resize(plan.tables.size());
            standing.order.resize(plan.tables.size());
            std::iota(standing.order.begin(), standing.order.end(), 0U);
        }
    }

    SearchStanding run() {
        std::size_t alive = plan_.tables.size();
        const std::size_t rungs = plan_.scopes.front().rungs.size();
        for (std::size_t rung = 0; rung < rungs; ++rung) {
            if (rung > 0) alive = survivors(alive, plan_.factor);
            if (!take(tasks_of_rung(rung, alive))) return std::move(standing_);
            judge(static_cast<std::uint32_t>(rung));
        }
        if (take(tasks_of_best())) {
            for (const Slot& slot : slots_) standing_.scopes[slot.scope].outer = slot.record;
        }
        return std::move(standing_);
    }

 private:
    /// A fit, and whose it is.
    struct Slot {
        FitTask task;
        std::size_t scope = 0;
        const FitRecord* record = nullptr;
    };

    std::vector<Slot> tasks_of_rung(std::size_t rung, std::size_t alive) const {
        std::vector<Slot> slots;
        for (std::size_t scope = 0; scope < plan_.scopes.size(); ++scope) {
            for (const std::uint32_t split : plan_.scopes[scope].rungs[rung]) {
                for (std::size_t place = 0; place < alive; ++place) {
                    slots.push_back(
                        {{standing_.scopes[scope].order[place], split}, scope, nullptr});
                }
            }
        }
        return slots;
    }

    std::vector<Slot> tasks_of_best() const {
        std::vector<Slot> slots;
        for (std::size_t scope = 0; scope < plan_.scopes.size(); ++scope) {
            const auto& outer = plan_.scopes[scope].outer;
            if (!outer) continue;
            slots.push_back({{standing_.scopes[scope].order.front(), *outer}, scope, nullptr});
        }
        return slots;
    }

    /// The next records are those of these fits, in order of tables, splits and candidates. If they
    /// are not there yet, the fits are due.
    bool take(std::vector<Slot> slots) {
        std::ranges::sort(slots, {}, [&](const Slot& slot) {
            return std::tuple{plan_.tables[slot.task.candidate], slot.task.split,
                              slot.task.candidate};
        });
        if (rest_.size() < slots.size()) {
            for (const Slot& slot : slots) standing_.due.push_back(slot.task);
            return false;
        }
        for (std::size_t i = 0; i < slots.size(); ++i) slots[i].record = &rest_[i];
        rest_ = rest_.subspan(slots.size());
        slots_ = std::move(slots);
        return true;
    }

    void judge(std::uint32_t rung) {
        for (const Slot& slot : slots_) {
            auto& candidate = standing_.scopes[slot.scope].candidates[slot.task.candidate];
            if (candidate.rung != rung) candidate = {};
            candidate.rung = rung;
            candidate.records.push_back(slot.record);
        }
        for (ScopeStanding& scope : standing_.scopes) {
            for (CandidateStanding& candidate : scope.candidates) {
                if (candidate.rung == rung) candidate.mean = mean_of(candidate);
            }
            std::ranges::stable_sort(scope.order, [&](std::uint32_t a, std::uint32_t b) {
                return is_better(scope.candidates[a], scope.candidates[b]);
            });
        }
    }

    std::optional<double> mean_of(const CandidateStanding& candidate) const {
        double sum = 0;
        for (const FitRecord* const record : candidate.records) {
            if (!record->failure.empty()) return std::nullopt;
            sum += record->figures[plan_.metric];
        }
        if (std::isnan(sum)) return std::nullopt;
        return sum / static_cast<double>(candidate.records.size());
    }

    bool is_better(const CandidateStanding& a, const CandidateStanding& b) const {
        if (a.rung != b.rung) return a.rung > b.rung;
        if (!a.mean || !b.mean) return a.mean.has_value() && !b.mean.has_value();
        return plan_.is_gain ? *a.mean > *b.mean : *a.mean < *b.mean;
    }

    const SearchPlan& plan_;
    std::span<const FitRecord> rest_;
    std::vector<Slot> slots_;  ///< Of the last stage that was taken.
    SearchStanding standing_;
};

}  // namespace

std::uint64_t SearchPlan::fit_count() const {
    std::uint64_t count = 0;
    for (const SearchScope& scope : scopes) {
        std::size_t alive = tables.size();
        for (const auto& splits : scope.rungs) {
            count += alive * splits.size();
            alive = survivors(alive, factor);
        }
        if (scope.outer) ++count;
    }
    return count;
}

std::uint32_t rung_count(std::size_t candidates, std::uint32_t factor) {
    std::uint32_t rungs = 1;
    for (; candidates >= factor; candidates = survivors(candidates, factor)) ++rungs;
    return rungs;
}

SearchStanding follow(const SearchPlan& plan, std::span<const FitRecord> records) {
    return Follower{plan, records}.run();
}

}  // namespace netcompute::learning
