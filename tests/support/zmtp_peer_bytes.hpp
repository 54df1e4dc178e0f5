#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// What a ZeroMQ peer of the master sends, made by hand from the protocol's text.
namespace netcompute::zmtp_bytes {

inline std::string greeting(std::string_view mechanism = "NULL", char major = 3) {
    std::string bytes = "\xff" + std::string(8, '\0') + "\x7f" + major + '\0';
    bytes += mechanism;
    bytes.resize(64);
    return bytes;
}

/// A frame in its short form, or its long one where it must be.
inline std::string frame(std::uint8_t flags, std::string_view body) {
    std::string bytes;
    const bool is_long = body.size() > 255;
    bytes += static_cast<char>(flags | (is_long ? 2U : 0U));
    for (int i = is_long ? 7 : 0; i >= 0; --i) {
        bytes += static_cast<char>(body.size() >> (8 * i) & 0xff);
    }
    return bytes += body;
}

inline std::string property(std::string_view name, std::string_view value) {
    std::string bytes(1, static_cast<char>(name.size()));
    bytes += name;
    bytes += std::string(3, '\0') + static_cast<char>(value.size());
    return bytes += value;
}

inline std::string ready(std::string_view socket_type) {
    return frame(4, "\x05READY" + property("Identity", "") + property("Socket-Type", socket_type));
}

inline std::string message(std::string_view header, std::string_view payload) {
    return frame(1, header) + frame(0, payload);
}

}  // namespace netcompute::zmtp_bytes
