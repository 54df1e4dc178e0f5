#pragma once

#include <netcompute/protocol/messages.hpp>

#include <cstddef>
#include <list>
#include <vector>

namespace netcompute::net::zmtp {

/// What waits to be sent to one peer, in order, within bounds, gathered for writing.
class SendQueue {
 public:
    static constexpr std::size_t messages_max = 2000;
    static constexpr std::size_t bytes_max = std::size_t{64} << 20;

    /// Bytes as they are: greetings, commands.
    void push(Bytes bytes);
    /// A message of two parts.
    void push(protocol::WireMessage message);

    /// The peer takes less than it is sent.
    [[nodiscard]] bool is_over_bounds() const {
        return items_.size() > messages_max || bytes_ > bytes_max;
    }
    [[nodiscard]] bool empty() const { return items_.empty(); }

    /// What to write next, as much as suits one system call; valid until consume().
    [[nodiscard]] std::vector<ByteSpan> batch() const;
    /// So many bytes of the batch were written.
    void consume(std::size_t bytes);

 private:
    struct Item {
        Bytes head;  ///< Frame heads and header.
        Bytes payload;
        [[nodiscard]] std::size_t size() const { return head.size() + payload.size(); }
    };
    void push(Item item);

    std::list<Item> items_;  ///< Most are empty most of the time: a list costs nothing then.
    std::size_t bytes_ = 0;  ///< Of all items.
    std::size_t front_written_ = 0;  ///< Of the first item.
};

}  // namespace netcompute::net::zmtp
