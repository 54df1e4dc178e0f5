#pragma once

#include "core/id_table.hpp"
#include <netcompute/instant.hpp>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace netcompute::core {

/// Until when some ids are to be heard of, and which is due first; of those that are due at the
/// same instant, the lowest. A deadline is put off with nearly each message, so an id stays where
/// it is listed until it comes to the front, and only then goes to where it belongs.
template <typename Id>
class Deadlines {
 public:
    /// From now on, in place of any former one.
    void set(Id id, Instant due) {
        const auto [entry, is_new] = entries_.try_emplace(id);
        entry.due = due;
        if (is_new || due < entry.listed) list(id, entry);
        settle();
    }
    /// The id may have none.
    void erase(Id id) {
        if (!entries_.erase(id)) return;
        settle();
        if (heap_.size() > 2 * entries_.size() + places_to_spare) clean();
    }

    [[nodiscard]] bool empty() const { return heap_.empty(); }
    /// instant_never if there is none.
    [[nodiscard]] Instant next() const {
        return heap_.empty() ? instant_never : heap_.front().first;
    }
    /// Whose that is; there is one.
    [[nodiscard]] Id first() const { return heap_.front().second; }

 private:
    static constexpr std::size_t places_to_spare = 64;
    using Place = std::pair<Instant, Id>;
    struct Entry {
        Instant due;
        Instant listed;  ///< Not after `due`. Places with another instant are void.
    };

    void list(Id id, Entry& entry) {
        entry.listed = entry.due;
        heap_.emplace_back(entry.due, id);
        std::push_heap(heap_.begin(), heap_.end(), std::greater<>{});
    }
    /// The front is an id that is due then.
    void settle() {
        while (!heap_.empty()) {
            const auto [instant, id] = heap_.front();
            Entry* const entry = entries_.find(id);
            const bool is_its_place = entry != nullptr && entry->listed == instant;
            if (is_its_place && entry->due == instant) return;
            std::pop_heap(heap_.begin(), heap_.end(), std::greater<>{});
            heap_.pop_back();
            if (is_its_place) list(id, *entry);
        }
    }
    /// Drops all void places, so that there are never many more of them than ids.
    void clean() {
        std::erase_if(heap_, [this](const Place& place) {
            const Entry* const entry = entries_.find(place.second);
            return entry == nullptr || entry->listed != place.first;
        });
        std::make_heap(heap_.begin(), heap_.end(), std::greater<>{});
    }

    IdTable<Id, Entry> entries_;
    std::vector<Place> heap_;  ///< The first one in front.
};

}  // namespace netcompute::core
