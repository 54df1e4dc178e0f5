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
};

/// What waits for a turn of the engine. What the master itself has to do comes first; then each
/// worker in turn has one of its events taken, in the order in which it sent them. So a worker that
/// floods the master delays itself.
class Inbox {
 public:
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }

    /// Of the master itself.
    void add(InboxItem item) {
        own_.push_back(std::move(item));
        ++size_;
    }

    /// By this worker, or about it. Stays where it is until it is taken.
    InboxItem& add(WorkerId worker, InboxItem item) {
        std::deque<InboxItem>& queue = by_worker_[worker];
        if (queue.empty()) turns_.push_back(worker);
        queue.push_back(std::move(item));
        ++size_;
        return queue.back();
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
        else
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
    std::deque<WorkerId> turns_;  ///< Workers of which something waits.
    std::size_t size_ = 0;
};

}  // namespace netcompute::engine
