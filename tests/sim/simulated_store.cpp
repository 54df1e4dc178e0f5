#include "simulated_store.hpp"

#include <tuple>

namespace netcompute::sim {

Result<void> SimulatedStore::commit(std::span<const store::Record> records,
                                    store::Durability durability) {
    if (!watchers_.may_commit()) return {};
    if (watchers_.is_full()) return unexpected(ErrorCode::Unavailable, "the disk is full");
    std::vector<store::Record> now{records.begin(), records.end()};
    if (is_late_) now.swap(late_);
    if (auto committed = memory_->commit(now, durability); !committed) return committed;
    log_.insert(log_.end(), now.begin(), now.end());
    if (durability == store::Durability::Power) safe_count_ = log_.size();
    watchers_.has_committed(now);
    return {};
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
