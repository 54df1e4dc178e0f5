#include "net/zmtp/send_queue.hpp"

#include "net/zmtp/wire.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::net::zmtp {
namespace {

constexpr std::size_t batch_items_max = 8;

}  // namespace

void SendQueue::push(Item item) {
    bytes_ += item.size();
    items_.push_back(std::move(item));
}

void SendQueue::push(Bytes bytes) {
    push(Item{std::move(bytes), {}});
}

void SendQueue::push(protocol::WireMessage message) {
    Bytes head;
    head.reserve(message.header.size() + 2 * frame_head_bytes_max);
    append_frame_head(head, message.header.size(), /*more=*/true);
    const ByteSpan header = as_byte_span(message.header);
    head.insert(head.end(), header.begin(), header.end());
    append_frame_head(head, message.payload.size(), /*more=*/false);
    push(Item{std::move(head), std::move(message.payload)});
}

std::vector<ByteSpan> SendQueue::batch() const {
    std::vector<ByteSpan> spans;
    std::size_t skipped = front_written_;
    std::size_t count = 0;
    for (auto item = items_.begin(); item != items_.end() && count < batch_items_max; ++item) {
        ++count;
        for (const ByteSpan part : {ByteSpan{item->head}, ByteSpan{item->payload}}) {
            const std::size_t skip = std::min(skipped, part.size());
            skipped -= skip;
            if (skip < part.size()) spans.push_back(part.subspan(skip));
        }
    }
    return spans;
}

void SendQueue::consume(std::size_t bytes) {
    front_written_ += bytes;
    while (!items_.empty() && front_written_ >= items_.front().size()) {
        front_written_ -= items_.front().size();
        bytes_ -= items_.front().size();
        items_.pop_front();
    }
}

}  // namespace netcompute::net::zmtp
