#include "core/fair_queue.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::core {

void FairQueue::set_priority(JobId id, std::int32_t priority) {
    const auto [entry, is_new] = jobs_.try_emplace(id);
    if (!is_new && entry.priority == priority) return;
    double ahead = 0;
    const bool waits = entry.waiting;
    if (!is_new) {
        if (waits) leave(id, entry);
        Level& former = levels_.at(entry.priority);
        ahead = std::max(entry.service - former.where_the_others_are(), 0.0);
        --former.job_count;
        drop_level_if_unused(entry.priority);
    }
    entry.priority = priority;
    Level& level = levels_[priority];
    ++level.job_count;
    entry.service = level.where_the_others_are() + ahead;
    if (waits) enter(id, entry);
}

void FairQueue::set_waiting(JobId id, bool waiting) {
    Entry& entry = jobs_.at(id);
    if (entry.waiting == waiting) return;
    if (!waiting) return leave(id, entry);
    entry.service = std::max(entry.service, levels_.at(entry.priority).where_the_others_are());
    enter(id, entry);
}

void FairQueue::serve(JobId id) {
    const Entry& entry = jobs_.at(id);
    levels_.at(entry.priority).served_at = entry.service;
}

void FairQueue::charge(JobId id, double slot_seconds) {
    Entry* const entry = jobs_.find(id);
    if (entry == nullptr) return;
    const double before = std::exchange(entry->service, entry->service + slot_seconds);
    if (!entry->waiting) return;
    auto& waiting = levels_.at(entry->priority).waiting;
    auto place = waiting.extract({before, id});
    place.value().first = entry->service;
    waiting.insert(std::move(place));
}

void FairQueue::remove(JobId id) {
    Entry* const entry = jobs_.find(id);
    if (entry == nullptr) return;
    if (entry->waiting) leave(id, *entry);
    const std::int32_t priority = entry->priority;
    jobs_.erase(id);
    --levels_.at(priority).job_count;
    drop_level_if_unused(priority);
}

std::optional<JobId> FairQueue::next(const std::vector<JobId>& refused) const {
    for (const auto& [priority, level] : levels_) {
        for (const auto& [service, id] : level.waiting) {
            if (std::ranges::find(refused, id) == refused.end()) return id;
        }
    }
    return std::nullopt;
}

std::size_t FairQueue::rival_count() const {
    for (const auto& [priority, level] : levels_) {
        if (!level.waiting.empty()) return level.waiting.size();
    }
    return 0;
}

void FairQueue::enter(JobId id, Entry& entry) {
    entry.waiting = true;
    levels_.at(entry.priority).waiting.insert({entry.service, id});
    ++waiting_count_;
}

void FairQueue::leave(JobId id, Entry& entry) {
    entry.waiting = false;
    levels_.at(entry.priority).waiting.erase({entry.service, id});
    --waiting_count_;
}

void FairQueue::drop_level_if_unused(std::int32_t priority) {
    const auto level = levels_.find(priority);
    if (level->second.job_count == 0) levels_.erase(level);
}

}  // namespace netcompute::core
