/// Input: a byte that says which port, and what a stranger sends to it.
#include "fuzz_target.hpp"
#include "net/zmtp/reader.hpp"
#include "zmtp_peer_bytes.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/protocol/frame.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace netcompute::fuzz {
namespace {

using net::zmtp::Port;
using net::zmtp::Reader;

/// Everything that a reader makes of a connection.
struct Story {
    std::string replies;
    std::vector<std::pair<std::string, std::string>> messages;  ///< Header and payload.
    std::size_t announced_count = 0;
    bool is_ready = false;
    bool is_broken = false;
    std::string why;               ///< It is broken.
    std::size_t unread_bytes = 0;  ///< Of those that came, once it was broken.
    friend bool operator==(const Story&, const Story&) = default;
};

class Listener {
 public:
    explicit Listener(Port port, bool knows_peer) : reader_{port} {
        if (knows_peer) reader_.allow_long_headers();
        const bool is_anybody = port == Port::Task && !knows_peer;
        header_bytes_max_ =
            is_anybody ? Reader::hello_header_bytes_max : protocol::header_bytes_max;
    }

    void hear(ByteSpan bytes) {
        heard_bytes_ += bytes.size();
        while (!story_.is_broken) {
            const std::size_t before = bytes.size();
            const Reader::Event event = reader_.next(bytes);
            NETCOMPUTE_ASSERT(bytes.size() <= before, "a reader only takes");
            NETCOMPUTE_ASSERT(reader_.kept_bytes() <= 2 * heard_bytes_ + kept_bytes_always,
                              "memory grows with what arrives, not with what is announced");
            if (std::holds_alternative<Reader::NeedMore>(event)) {
                NETCOMPUTE_ASSERT(bytes.empty(), "who needs more has used up what there was");
                return;
            }
            take(event);
        }
        story_.unread_bytes += bytes.size();
        if (bytes.empty()) return;
        NETCOMPUTE_ASSERT(std::holds_alternative<Reader::Broken>(reader_.next(bytes)),
                          "what is broken stays broken");
    }

    [[nodiscard]] const Story& story() const { return story_; }

 private:
    static constexpr std::size_t kept_bytes_always = 256;

    void take(const Reader::Event& event) {
        if (const auto* reply = std::get_if<Reader::Reply>(&event)) {
            story_.replies += as_text(reply->bytes);
        } else if (const auto* ready = std::get_if<Reader::Ready>(&event)) {
            NETCOMPUTE_ASSERT(!std::exchange(story_.is_ready, true), "a handshake ends once");
            NETCOMPUTE_ASSERT(reader_.is_ready(), "a reader knows that it is ready");
            story_.replies += as_text(ready->bytes);
        } else if (const auto* announced = std::get_if<Reader::Announced>(&event)) {
            check_announced(*announced);
        } else if (const auto* message = std::get_if<Reader::Message>(&event)) {
            check_message(*message);
        } else if (const auto* broken = std::get_if<Reader::Broken>(&event)) {
            NETCOMPUTE_ASSERT(!broken->why.empty() && broken->why.size() < 200,
                              "a refusal says why, shortly");
            story_.is_broken = true;
            story_.why = broken->why;
        }
    }

    void check_announced(const Reader::Announced& announced) {
        NETCOMPUTE_ASSERT(story_.is_ready, "no message comes before the handshake is over");
        NETCOMPUTE_ASSERT(announced.header.size() <= header_bytes_max_, "headers are bounded");
        NETCOMPUTE_ASSERT(
            announced.header.size() + announced.payload_bytes <= protocol::frame_bytes_max,
            "frames are bounded");
        NETCOMPUTE_ASSERT(story_.announced_count == story_.messages.size(),
                          "one message comes after another");
        ++story_.announced_count;
        announced_header_ = announced.header;
        announced_bytes_ = announced.payload_bytes;
    }

    void check_message(const Reader::Message& message) {
        story_.messages.emplace_back(message.header, as_text(message.payload));
        NETCOMPUTE_ASSERT(story_.announced_count == story_.messages.size() &&
                              message.header == announced_header_ &&
                              message.payload.size() == announced_bytes_,
                          "each message is what was announced");
    }

    Reader reader_;
    Story story_;
    std::size_t header_bytes_max_ = 0;
    std::size_t heard_bytes_ = 0;
    std::string announced_header_;
    std::size_t announced_bytes_ = 0;
};

/// What one connection is given: its port, and whether it is one of a peer that has said hello.
struct Circumstances {
    Port port;
    bool knows_peer;
};

/// In pieces of 1, 2, … `piece_bytes_max` bytes and again.
Story told_in_pieces(const Circumstances& here, ByteSpan input, std::size_t piece_bytes_max) {
    Listener listener{here.port, here.knows_peer};
    for (std::size_t size = 1; !input.empty(); size = size % piece_bytes_max + 1) {
        const std::size_t taken = std::min(size, input.size());
        listener.hear(input.first(taken));
        input = input.subspan(taken);
    }
    return listener.story();
}

Story told_at_once(const Circumstances& here, ByteSpan input) {
    Listener listener{here.port, here.knows_peer};
    listener.hear(input);
    return listener.story();
}

std::string_view peer_of(Port port) {
    return port == Port::Task ? "DEALER" : port == Port::Result ? "PUSH" : "PUB";
}

/// The messages sent by a peer that keeps to the rules come out as the same.
void check_retold(const Circumstances& here, const Story& story) {
    std::string bytes = zmtp_bytes::greeting() + zmtp_bytes::ready(peer_of(here.port));
    for (const auto& [header, payload] : story.messages) {
        bytes += zmtp_bytes::message(header, payload);
    }
    const Story again = told_at_once(here, as_byte_span(bytes));
    NETCOMPUTE_ASSERT(again.is_ready && !again.is_broken && again.messages == story.messages,
                      "messages survive the way there and back");
}

}  // namespace

bool try_input(ByteSpan input) {
    if (input.empty()) return false;
    const auto choice = std::to_integer<unsigned>(input.front());
    const Circumstances here{static_cast<Port>(choice % 3), (choice & 0x80U) != 0};
    const ByteSpan bytes = input.subspan(1);
    const Story story = told_at_once(here, bytes);
    for (const std::size_t piece_bytes_max : {1U, 2U, 7U, 64U}) {
        NETCOMPUTE_ASSERT(told_in_pieces(here, bytes, piece_bytes_max) == story,
                          "however the network cuts the bytes, the same comes out");
    }
    NETCOMPUTE_ASSERT(story.is_ready || story.messages.empty(), "strangers have no messages");
    NETCOMPUTE_ASSERT(bytes.empty() || bytes.front() == std::byte{0xff} ||
                          (story.replies.empty() && story.unread_bytes == bytes.size()),
                      "who is no ZeroMQ peer hears nothing, and is not read");
    check_retold(here, story);
    return story.is_ready && !story.is_broken;
}

}  // namespace netcompute::fuzz
