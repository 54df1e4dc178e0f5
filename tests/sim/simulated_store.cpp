#include "simulated_store.hpp"

#include <algorithm>
#include <tuple>

namespace netcompute::sim {

Result<void> SimulatedStore::commit(std::span<const store::Record> records,
                                    store::Durability durability) {
    if (!watchers_.may_commit()) return {};
    if (watchers_.is_full()) return unexpected(ErrorCode::Unavailable, "the disk is full");
    std::vector<store::Record> now{records.begin(), records.end()};
    if (is_late_) now.swap(late_);
    if (loses_blobs_) {
        std::erase_if(now, [](const store::Record& record) {
            return std::holds_alternative<store::PutBlob>(record);
        });
    }
    if (spares_children_) {
        std::erase_if(now, [](const store::Record& record) {
            const auto* const put = std::get_if<store::PutJob>(&record);
            return put != nullptr && put->job.parent != JobId{} &&
                   put->job.state == store::JobState::Cancelled;
        });
    }
    if (auto committed = memory_->commit(now, durability); !committed) return committed;
    log_.insert(log_.end(), now.begin(), now.end());
    if (durability == store::Durability::Power) safe_count_ = log_.size();
    if (commits_until_upkeep_ > 0) --commits_until_upkeep_;
    watchers_.has_committed(now);
    return {};
}

/// Now and then, whatever the sizes: the bytes themselves stay where they are.
store::SlowWork SimulatedStore::stage(std::span<const store::Record> records) {
    const auto is_large = [](const store::Record& record) {
        if (const auto* const put = std::get_if<store::PutCheckpoint>(&record)) {
            return put->round % 4 == 1;
        }
        const auto* const put = std::get_if<store::PutOutputs>(&record);
        return put != nullptr && put->outputs.front().index % 8 == 0;
    };
    if (!std::ranges::any_of(records, is_large)) return {};
    return [this]() -> Result<void> {
        if (watchers_.is_full()) return unexpected(ErrorCode::Unavailable, "the disk is full");
        return {};
    };
}

/// What is committed while the flush is under way is none of its business.
store::SlowWork SimulatedStore::flush() {
    return [this, count = log_.size()]() -> Result<void> {
        if (watchers_.is_full()) return unexpected(ErrorCode::Unavailable, "the disk is full");
        if (!forgets_flushes_) safe_count_ = std::max(safe_count_, count);
        return {};
    };
}

std::optional<store::Upkeep> SimulatedStore::upkeep() {
    if (commits_until_upkeep_ > 0) return std::nullopt;
    commits_until_upkeep_ = commits_between_upkeep;
    upkeep_holds_ = !upkeep_holds_;
    return store::Upkeep{[]() -> Result<void> { return {}; }, upkeep_holds_};
}

void SimulatedStore::open() {
    if (!forgets_flushes_) safe_count_ = log_.size();
}

void SimulatedStore::cut_power() {
    log_.resize(safe_count_);
    memory_ = std::make_unique<store::MemoryJobStore>();
    std::ignore = memory_->commit(log_, store::Durability::Power);  // In memory, it cannot fail.
}

void SimulatedStore::wipe() {
    safe_count_ = 0;
    cut_power();
}

}  // namespace netcompute::sim
