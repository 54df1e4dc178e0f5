#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/protocol/frame.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::protocol {

/// The cases of tests/fixtures/protocol/`file`, which the JavaScript tests read as well.
inline std::vector<nlohmann::json> fixture_cases(std::string_view file) {
    std::ifstream stream{std::string{NETCOMPUTE_SOURCE_DIR "/tests/fixtures/protocol/"} +
                         std::string{file}};
    return nlohmann::json::parse(stream).at("cases").get<std::vector<nlohmann::json>>();
}

inline Bytes from_hex(std::string_view hex) {
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes.push_back(
            static_cast<std::byte>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16)));
    }
    return bytes;
}

inline std::string to_hex(ByteSpan bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const std::byte byte : bytes) {
        const auto value = std::to_integer<std::uint8_t>(byte);
        hex += digits[value >> 4U];
        hex += digits[value & 15U];
    }
    return hex;
}

/// The WebSocket message of a header and a payload that are already encoded.
inline Bytes joined(std::string_view header, ByteSpan payload) {
    Bytes frame;
    ByteWriter writer{frame};
    writer.number(static_cast<std::uint32_t>(header.size()));
    writer.bytes(as_byte_span(header));
    writer.bytes(payload);
    return frame;
}

}  // namespace netcompute::protocol
