#pragma once

#include "net/zmtp/wire.hpp"

#include <array>
#include <string>
#include <string_view>
#include <variant>

namespace netcompute::net::zmtp {

/// Reads what one peer sends: a pure state machine, bytes in, events out.
///
/// A connection is a greeting, a handshake of commands, then messages of exactly two parts: a
/// header and a payload. Whatever else comes is refused at the first byte that shows it. What is
/// kept grows with the bytes that arrive, never with a size that is announced.
class Reader {
 public:
    /// On the task port, until allow_long_headers(): the peer is not known yet and has to send its
    /// hello.
    static constexpr std::size_t hello_header_bytes_max = 16 << 10;

    explicit Reader(Port port);

    /// All bytes are used up: give more.
    struct NeedMore {};
    /// To be sent to the peer.
    struct Reply {
        Bytes bytes;
    };
    /// The handshake is over: messages may be sent. First these bytes, if there are any.
    struct Ready {
        Bytes bytes;
    };
    /// A header is whole and its payload's size is known, of which nothing has been taken yet: the
    /// next call of next() goes on to the payload. `header` is valid until then.
    struct Announced {
        std::string_view header;
        std::size_t payload_bytes;
    };
    struct Message {
        std::string header;
        Bytes payload;
    };
    /// The peer breaks the rules, and is not read any further.
    struct Broken {
        std::string why;
    };
    using Event = std::variant<NeedMore, Reply, Ready, Announced, Message, Broken>;

    /// Takes bytes off the front of `input`, up to the next event. After Broken only that follows.
    [[nodiscard]] Event next(ByteSpan& input);

    /// Headers may be as long as the protocol allows.
    void allow_long_headers();

    [[nodiscard]] bool is_ready() const { return is_ready_; }  ///< The handshake is over.
    /// A frame or a message has begun, and some of it is missing.
    [[nodiscard]] bool is_within_message() const {
        return stage_ == Stage::FrameBody || head_taken_ > 0 || has_header_;
    }
    /// What has arrived of the payload that is coming in.
    [[nodiscard]] std::size_t payload_bytes_here() const { return payload_.size(); }
    /// The memory that is held for what has arrived.
    [[nodiscard]] std::size_t kept_bytes() const {
        return header_.capacity() + payload_.capacity() + command_.capacity();
    }

 private:
    enum class Stage { Greeting, FrameHead, FrameBody, Broken };
    enum class Frame { Command, Header, Payload };

    Event take_greeting(ByteSpan& input);
    Event take_frame_head(ByteSpan& input);
    Event begin_frame(std::uint8_t flags, std::uint64_t size);
    Event begin_message_part(bool more, std::uint64_t size);
    Event take_frame_body(ByteSpan& input);
    Event end_handshake();
    Event end_command();
    Event end_message();
    Event fail(std::string why);

    Port port_;
    Stage stage_ = Stage::Greeting;
    Frame frame_ = Frame::Command;
    bool is_ready_ = false;
    bool has_header_ = false;  ///< The payload of this message comes next, or is coming.
    std::size_t header_bytes_max_;
    std::size_t greeting_taken_ = 0;
    std::array<std::uint8_t, frame_head_bytes_max> head_{};
    std::size_t head_taken_ = 0;
    std::size_t body_left_ = 0;
    std::string header_;
    Bytes payload_;
    Bytes command_;
};

}  // namespace netcompute::net::zmtp
