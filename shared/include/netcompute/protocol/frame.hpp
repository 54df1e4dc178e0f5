#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace netcompute::protocol {

/// The version in the handshake. A peer of another version is refused.
inline constexpr int protocol_version = 1;

inline constexpr std::size_t frame_bytes_max = std::size_t{16} << 20;  ///< Header and payload.
inline constexpr std::size_t header_bytes_max = std::size_t{64} << 10;

/// What both transports carry: a JSON object whose "type" names the message, and payload bytes.
/// ZeroMQ sends it as two message parts, header and payload (which may be empty); a WebSocket as
/// one binary message: u32le header size, header, payload.
struct Frame {
    nlohmann::json header;
    Bytes payload;
};

/// The header as it goes onto the wire. Text that is not UTF-8 is replaced, never thrown about.
[[nodiscard]] std::string encode_header(const nlohmann::json& header);

/// Errors: ProtocolViolation if it is over header_bytes_max, not JSON, not an object, or has no
/// "type" text.
[[nodiscard]] Result<nlohmann::json> decode_header(std::string_view text);

/// Header and payload of a WebSocket message, which both point into.
struct FrameParts {
    std::string_view header;
    ByteSpan payload;
};

/// Errors: ProtocolViolation for a message that is truncated or oversized.
[[nodiscard]] Result<FrameParts> split_frame(ByteSpan message);
[[nodiscard]] Bytes join_frame(const FrameParts& parts);

/// One WebSocket message.
[[nodiscard]] Bytes encode_frame(const nlohmann::json& header, ByteSpan payload);

/// Errors: ProtocolViolation for a frame that is truncated, oversized or has a bad header.
[[nodiscard]] Result<Frame> decode_frame(ByteSpan bytes);

}  // namespace netcompute::protocol
