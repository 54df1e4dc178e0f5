#include "net/zmtp/reader.hpp"

#include <netcompute/protocol/frame.hpp>

#include <algorithm>
#include <utility>

namespace netcompute::net::zmtp {
namespace {

constexpr std::size_t command_bytes_max = 1024;
constexpr std::size_t ping_context_bytes_max = 16;

/// In the order of the network.
std::uint64_t big_endian(ByteSpan bytes) {
    std::uint64_t value = 0;
    for (const std::byte byte : bytes) value = value << 8 | std::to_integer<std::uint64_t>(byte);
    return value;
}

/// Whether a greeting may have this byte at this place.
bool may_greet(std::size_t at, std::uint8_t byte) {
    if (at == 0) return byte == 0xff;
    if (at == signature_bytes - 1) return byte == 0x7f;
    if (at == greeting_version_at) return byte >= version_major;
    if (at < greeting_mechanism_at || at >= greeting_mechanism_at + greeting_mechanism_bytes) {
        return true;
    }
    const std::size_t letter = at - greeting_mechanism_at;
    return byte == (letter < mechanism_null.size()
                        ? static_cast<std::uint8_t>(mechanism_null[letter])
                        : std::uint8_t{0});
}

/// A command is its name's length, its name, and data.
struct Command {
    std::string_view name;
    ByteSpan data;
};
Command parse_command(ByteSpan body) {
    ByteReader reader{body};
    const std::string_view name = as_text(reader.bytes(reader.number<std::uint8_t>()));
    return {name, reader.bytes(reader.left())};  // No command has an empty name.
}

/// Appends some of `input`, at most `left`, and takes it off both. Grows by doubling what is here,
/// up to what will be.
template <typename Container>
void take(Container& target, std::size_t& left, ByteSpan& input) {
    const ByteSpan taken = input.first(std::min(left, input.size()));
    const std::size_t needed = target.size() + taken.size();
    if (needed > target.capacity()) {
        target.reserve(std::min(target.size() + left, std::max(needed, 2 * target.capacity())));
    }
    const auto* const begin = reinterpret_cast<const typename Container::value_type*>(taken.data());
    target.insert(target.end(), begin, begin + taken.size());
    left -= taken.size();
    input = input.subspan(taken.size());
}

}  // namespace

Reader::Reader(Port port)
    : port_{port},
      header_bytes_max_{port == Port::Task ? hello_header_bytes_max : protocol::header_bytes_max} {}

void Reader::allow_long_headers() {
    header_bytes_max_ = protocol::header_bytes_max;
}

Reader::Event Reader::fail(std::string why) {
    stage_ = Stage::Broken;
    header_ = {};
    payload_ = {};
    command_ = {};
    return Broken{std::move(why)};
}

Reader::Event Reader::next(ByteSpan& input) {
    for (;;) {
        Event event = NeedMore{};
        switch (stage_) {
            case Stage::Greeting:
                event = take_greeting(input);
                break;
            case Stage::FrameHead:
                event = take_frame_head(input);
                break;
            case Stage::FrameBody:
                event = take_frame_body(input);
                break;
            case Stage::Broken:
                return fail("the connection is broken");
        }
        // An empty frame ends with its head: nothing more need come for that.
        const bool body_is_whole = stage_ == Stage::FrameBody && body_left_ == 0;
        if (!std::holds_alternative<NeedMore>(event)) return event;
        if (input.empty() && !body_is_whole) return event;
    }
}

Reader::Event Reader::take_greeting(ByteSpan& input) {
    while (!input.empty()) {
        const auto byte = std::to_integer<std::uint8_t>(input.front());
        if (!may_greet(greeting_taken_, byte)) {
            return fail("this is not ZMTP 3 with the mechanism NULL");
        }
        input = input.subspan(1);
        ++greeting_taken_;
        // A peer that does not speak ZeroMQ gets no answer.
        if (greeting_taken_ == signature_bytes) return Reply{greeting()};
        if (greeting_taken_ < greeting_bytes) continue;
        stage_ = Stage::FrameHead;
        return Reply{ready(port_)};
    }
    return NeedMore{};
}

Reader::Event Reader::take_frame_head(ByteSpan& input) {
    while (!input.empty()) {
        head_.at(head_taken_) = std::to_integer<std::uint8_t>(input.front());
        input = input.subspan(1);
        ++head_taken_;
        const std::uint8_t flags = head_[0];
        if ((flags & ~frame_flag::all) != 0) return fail("a frame has flags that nobody knows");
        const std::size_t size_bytes = (flags & frame_flag::long_size) != 0 ? 8 : 1;
        if (head_taken_ < 1 + size_bytes) continue;
        head_taken_ = 0;
        return begin_frame(flags,
                           big_endian(std::as_bytes(std::span{head_}).subspan(1, size_bytes)));
    }
    return NeedMore{};
}

Reader::Event Reader::begin_frame(std::uint8_t flags, std::uint64_t size) {
    const bool more = (flags & frame_flag::more) != 0;
    if ((flags & frame_flag::command) == 0) {
        if (!is_ready_) return fail("a message came before the handshake was over");
        return begin_message_part(more, size);
    }
    if (more) return fail("a command says that more of it follows");
    if (size > command_bytes_max) {
        return fail("a command of " + std::to_string(size) + " bytes is too long");
    }
    frame_ = Frame::Command;
    stage_ = Stage::FrameBody;
    body_left_ = size;
    return NeedMore{};
}

Reader::Event Reader::begin_message_part(bool more, std::uint64_t size) {
    const bool is_payload = has_header_;
    if (more == is_payload) {
        return fail("a frame is two message parts, header and payload; this one has " +
                    std::string{is_payload ? "more" : "one"});
    }
    const std::size_t size_max =
        is_payload ? protocol::frame_bytes_max - header_.size() : header_bytes_max_;
    if (size > size_max) {
        return fail(std::string{is_payload ? "payload: " : "header: "} + std::to_string(size) +
                    " bytes are more than " + std::to_string(size_max));
    }
    frame_ = is_payload ? Frame::Payload : Frame::Header;
    stage_ = Stage::FrameBody;
    body_left_ = size;
    if (is_payload) return Announced{header_, body_left_};
    return NeedMore{};
}

Reader::Event Reader::take_frame_body(ByteSpan& input) {
    switch (frame_) {
        case Frame::Command:
            take(command_, body_left_, input);
            if (body_left_ != 0) return NeedMore{};
            stage_ = Stage::FrameHead;
            return is_ready_ ? end_command() : end_handshake();
        case Frame::Header:
            take(header_, body_left_, input);
            if (body_left_ != 0) return NeedMore{};
            stage_ = Stage::FrameHead;
            has_header_ = true;
            return NeedMore{};
        case Frame::Payload:
            break;
    }
    take(payload_, body_left_, input);
    if (body_left_ != 0) return NeedMore{};
    stage_ = Stage::FrameHead;
    return end_message();
}

Reader::Event Reader::end_message() {
    has_header_ = false;
    return Message{std::exchange(header_, {}), std::exchange(payload_, {})};
}

/// With NULL the handshake is one command of each side. Another mechanism is another one here.
Reader::Event Reader::end_handshake() {
    const Bytes body = std::exchange(command_, {});
    const Command command = parse_command(body);
    if (command.name != "READY") return fail("the handshake's command is not READY");
    bool has_socket_type = false;
    for (ByteReader properties{command.data}; properties.left() > 0;) {
        const std::string_view name = as_text(properties.bytes(properties.number<std::uint8_t>()));
        const std::uint64_t size = big_endian(properties.bytes(4));
        const std::string_view value = as_text(properties.bytes(size));
        if (!properties.ok()) return fail("READY: its properties are cut off");
        if (name != "Socket-Type") continue;
        has_socket_type = true;
        if (!takes_peer(port_, value)) {
            return fail("READY: a socket of its type has no place at the " +
                        std::string{port_name(port_)} + " port");
        }
    }
    if (!has_socket_type) return fail("READY: there is no Socket-Type");
    is_ready_ = true;
    return Ready{port_ == Port::Heartbeat ? subscribe_to_all() : Bytes{}};
}

Reader::Event Reader::end_command() {
    const Bytes body = std::exchange(command_, {});
    const Command command = parse_command(body);
    if (command.name == "PONG") return NeedMore{};
    constexpr std::size_t time_to_live_bytes = 2;
    if (command.name != "PING" || command.data.size() < time_to_live_bytes ||
        command.data.size() > time_to_live_bytes + ping_context_bytes_max) {
        return fail("a command came that is neither PING nor PONG");
    }
    return Reply{pong(command.data.subspan(time_to_live_bytes))};
}

}  // namespace netcompute::net::zmtp
