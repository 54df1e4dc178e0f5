#pragma once

#include <netcompute/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

/// The ZeroMQ Message Transport Protocol, version 3.0 with the mechanism NULL, as far as a master
/// needs it. Source: ZeroMQ RFC 23, https://rfc.zeromq.org/spec/23/
namespace netcompute::net::zmtp {

/// What each of the master's ports is to its peers, in ZeroMQ's words.
enum class Port {
    Task,       ///< ROUTER, for a worker's DEALER.
    Result,     ///< PULL, for its PUSH.
    Heartbeat,  ///< SUB, for its PUB.
};
[[nodiscard]] std::string_view port_name(Port port);  ///< "task", "result", "heartbeat".

/// Whether a peer that says it is a socket of this type belongs at this port.
[[nodiscard]] bool takes_peer(Port port, std::string_view socket_type);

inline constexpr std::size_t greeting_bytes = 64;
inline constexpr std::size_t signature_bytes = 10;  ///< What a greeting starts with.
inline constexpr std::size_t greeting_version_at = 10;
inline constexpr std::size_t greeting_mechanism_at = 12;
inline constexpr std::size_t greeting_mechanism_bytes = 20;
inline constexpr std::uint8_t version_major = 3;
inline constexpr std::string_view mechanism_null = "NULL";

/// The flags that a frame starts with; all other bits are zero.
namespace frame_flag {
inline constexpr std::uint8_t more = 1;  ///< Another part of this message follows.
inline constexpr std::uint8_t long_size = 2;
inline constexpr std::uint8_t command = 4;
inline constexpr std::uint8_t all = more | long_size | command;
}  // namespace frame_flag

inline constexpr std::size_t frame_head_bytes_max = 9;

/// Our greeting. It announces version 3.0: a peer of 3.1 then speaks 3.0 too, in which a
/// subscription is a plain message and nobody pings.
[[nodiscard]] Bytes greeting();
/// Our READY command, framed.
[[nodiscard]] Bytes ready(Port port);
/// What the heartbeat port tells a publisher: send everything. Framed.
[[nodiscard]] Bytes subscribe_to_all();
/// The answer to a PING with this context, framed.
[[nodiscard]] Bytes pong(ByteSpan context);
/// The head of one part of a message.
void append_frame_head(Bytes& bytes, std::size_t size, bool more);

}  // namespace netcompute::net::zmtp
