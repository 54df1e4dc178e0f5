#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netcompute {

/// An IPv4 or IPv6 address. One that IPv6 shows for IPv4 (::ffff:10.0.0.7) is the IPv4 one.
class IpAddress {
 public:
    /// Nothing for anything but an address: no name, no port, no zone.
    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

    [[nodiscard]] std::string text() const;
    [[nodiscard]] bool is_v4() const;
    [[nodiscard]] bool is_loopback() const;
    friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
    friend class IpNetwork;
    std::array<std::uint8_t, 16> bytes_{};  ///< As IPv6 has it.
};

/// All addresses that begin with the same bits.
class IpNetwork {
 public:
    /// "10.0.0.5", which is that address alone, "10.0.0.0/8" or "2001:db8::/32".
    [[nodiscard]] static std::optional<IpNetwork> parse(std::string_view text);

    [[nodiscard]] bool contains(const IpAddress& address) const;

 private:
    IpAddress base_;
    int bits_ = 128;  ///< Of the address as IPv6 has it.
};

}  // namespace netcompute
