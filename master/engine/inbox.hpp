#pragma once

#include "core/events.hpp"
#include <netcompute/bytes.hpp>
#include <netcompute/ids.hpp>

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace netcompute::engine {

/// An event and, for results, where its outcomes' bytes lie.
struct InboxItem {
    core::Event event;
    std::vector<ByteSpan> output_bytes;
    std::shared_ptr<const Bytes> owner;
    std::vector<Sha256> output_hashes =
        {};                ///< Of those bytes; empty until the pool has made them.
    bool is_ready = true;  ///< Otherwise something is still found out about it: its turn waits.
};

/// What waits for a turn of the engine. What the master itself has to do comes first; then each
/// worker in turn has one of its events taken, in the order in which it sent them. So a worker that
/// floods the master delays itself.
class Inbox {
 public:
    /// Whether no item is ready.
    [[nodiscard]] bool empty() const { return own_.empty() && turns_.empty(); }
    /// Items, including those that are not ready.
    [[nodiscard]] std::size_t size() const { return size_; }

    /// Adds an event of the master itself.
    void add(InboxItem item) {
        own_.push_back(std::move(item));
        ++size_;
    }

    /// By this worker, or about it. Stays where it is until it is taken.
    InboxItem& add(WorkerId worker, InboxItem item) {
        std::deque<InboxItem>& queue = by_worker_[worker];
        if (queue.empty() && item.is_ready) turns_.push_back(worker);
        queue.push_back(std::move(item));
        ++size_;
        return queue.back();
    }

    /// `item`, which add() returned and which was not ready, is.
    void set_ready(WorkerId worker, InboxItem& item) {
        item.is_ready = true;
        if (&by_worker_.at(worker).front() == &item) turns_.push_back(worker);
    }

    /// It is not empty.
    [[nodiscard]] InboxItem take() {
        --size_;
        if (!own_.empty()) return take_first(own_);
        const WorkerId worker = turns_.front();
        turns_.pop_front();
        const auto queue = by_worker_.find(worker);
        InboxItem item = take_first(queue->second);
        if (queue->second.empty())
            by_worker_.erase(queue);
        else if (queue->second.front().is_ready)
            turns_.push_back(worker);
        return item;
    }

 private:
    static InboxItem take_first(std::deque<InboxItem>& queue) {
        InboxItem item = std::move(queue.front());
        queue.pop_front();
        return item;
    }

    std::deque<InboxItem> own_;
    std::map<WorkerId, std::deque<InboxItem>> by_worker_;
    std::deque<WorkerId> turns_;  ///< Workers whose first one is ready.
    std::size_t size_ = 0;
};

}  // namespace netcompute::engine
