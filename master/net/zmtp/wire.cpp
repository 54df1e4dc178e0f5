#include "net/zmtp/wire.hpp"

#include <algorithm>
#include <limits>

namespace netcompute::net::zmtp {
namespace {

void append(Bytes& bytes, std::string_view text) {
    const ByteSpan span = as_byte_span(text);
    bytes.insert(bytes.end(), span.begin(), span.end());
}

void append_byte(Bytes& bytes, std::size_t value) {
    bytes.push_back(static_cast<std::byte>(value));
}

/// In the order of the network.
void append_number(Bytes& bytes, std::uint64_t value, int byte_count) {
    for (int i = byte_count - 1; i >= 0; --i) append_byte(bytes, value >> (8 * i) & 0xff);
}

Bytes command(std::string_view name, ByteSpan data) {
    Bytes bytes;
    append_byte(bytes, frame_flag::command);
    append_byte(bytes, 1 + name.size() + data.size());
    append_byte(bytes, name.size());
    append(bytes, name);
    bytes.insert(bytes.end(), data.begin(), data.end());
    return bytes;
}

std::string_view own_socket_type(Port port) {
    switch (port) {
        case Port::Task:
            return "ROUTER";
        case Port::Result:
            return "PULL";
        case Port::Heartbeat:
            break;
    }
    return "SUB";
}

}  // namespace

std::string_view port_name(Port port) {
    switch (port) {
        case Port::Task:
            return "task";
        case Port::Result:
            return "result";
        case Port::Heartbeat:
            break;
    }
    return "heartbeat";
}

bool takes_peer(Port port, std::string_view socket_type) {
    switch (port) {
        case Port::Task:
            return socket_type == "DEALER";
        case Port::Result:
            return socket_type == "PUSH";
        case Port::Heartbeat:
            break;
    }
    return socket_type == "PUB" || socket_type == "XPUB";
}

Bytes greeting() {
    Bytes bytes(greeting_bytes);
    bytes[0] = std::byte{0xff};
    bytes[signature_bytes - 1] = std::byte{0x7f};
    bytes[greeting_version_at] = std::byte{version_major};
    std::ranges::copy(as_byte_span(mechanism_null), bytes.begin() + greeting_mechanism_at);
    return bytes;
}

Bytes ready(Port port) {
    constexpr std::string_view property = "Socket-Type";
    Bytes data;
    append_byte(data, property.size());
    append(data, property);
    append_number(data, own_socket_type(port).size(), 4);
    append(data, own_socket_type(port));
    return command("READY", data);
}

Bytes subscribe_to_all() {
    Bytes bytes;
    append_frame_head(bytes, 1, /*more=*/false);
    append_byte(bytes, 1);  // Subscribe; what follows is the start of what is wanted: nothing.
    return bytes;
}

Bytes pong(ByteSpan context) {
    return command("PONG", context);
}

void append_frame_head(Bytes& bytes, std::size_t size, bool more) {
    const bool is_long = size > std::numeric_limits<std::uint8_t>::max();
    append_byte(bytes, (more ? frame_flag::more : 0U) | (is_long ? frame_flag::long_size : 0U));
    append_number(bytes, size, is_long ? 8 : 1);
}

}  // namespace netcompute::net::zmtp
