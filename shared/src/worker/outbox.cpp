#include <netcompute/worker/outbox.hpp>

#include <utility>

namespace netcompute::worker {
namespace {

std::size_t size_of(const protocol::WireMessage& message) {
    return message.header.size() + message.payload.size();
}

}  // namespace

void Outbox::sent(protocol::WireMessage message) {
    bytes_ += size_of(message);
    frames_.push_back({std::move(message), ++place_});
    while (bytes_ > bytes_max_ && frames_.size() > 1) drop_first();
}

void Outbox::confirmed() {
    if (heartbeats_.empty()) return;
    const std::uint64_t place = heartbeats_.front();
    heartbeats_.pop_front();
    while (!frames_.empty() && frames_.front().place <= place) drop_first();
}

std::vector<protocol::WireMessage> Outbox::unconfirmed() {
    heartbeats_.clear();
    std::vector<protocol::WireMessage> messages;
    messages.reserve(frames_.size());
    for (const Sent& frame : frames_) messages.push_back(frame.message);
    return messages;
}

void Outbox::clear() {
    frames_.clear();
    heartbeats_.clear();
    bytes_ = 0;
}

void Outbox::drop_first() {
    bytes_ -= size_of(frames_.front().message);
    frames_.pop_front();
}

}  // namespace netcompute::worker
