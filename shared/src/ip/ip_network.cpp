#include <netcompute/ip_network.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace netcompute {
namespace {

constexpr std::array<std::uint8_t, 12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int v4_bits = 32;
constexpr int v6_bits = 128;

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    const std::string copy{text};
    if (copy.find('\0') != std::string::npos) return std::nullopt;
    IpAddress address;
    if (inet_pton(AF_INET6, copy.c_str(), address.bytes_.data()) == 1) return address;
    std::copy(v4_prefix.begin(), v4_prefix.end(), address.bytes_.begin());
    if (inet_pton(AF_INET, copy.c_str(), address.bytes_.data() + v4_prefix.size()) == 1) {
        return address;
    }
    return std::nullopt;
}

std::string IpAddress::text() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (is_v4())
        inet_ntop(AF_INET, bytes_.data() + v4_prefix.size(), text.data(), text.size());
    else
        inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
    return text.data();
}

bool IpAddress::is_v4() const {
    return std::equal(v4_prefix.begin(), v4_prefix.end(), bytes_.begin());
}

bool IpAddress::is_loopback() const {
    return is_v4() ? bytes_[v4_prefix.size()] == 127 : text() == "::1";
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto base = IpAddress::parse(text.substr(0, slash));
    if (!base) return std::nullopt;
    IpNetwork network;
    network.base_ = *base;
    if (slash == std::string_view::npos) return network;
    const std::string_view digits = text.substr(slash + 1);
    const int bits_max = base->is_v4() ? v4_bits : v6_bits;
    int bits = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    const bool is_number = error == std::errc{} && end == digits.data() + digits.size();
    if (!is_number || bits < 0 || bits > bits_max) return std::nullopt;
    network.bits_ = bits + v6_bits - bits_max;
    return network;
}

bool IpNetwork::contains(const IpAddress& address) const {
    const auto whole = static_cast<std::size_t>(bits_ / 8);
    const int rest = bits_ % 8;
    if (!std::equal(base_.bytes_.begin(), base_.bytes_.begin() + static_cast<std::ptrdiff_t>(whole),
                    address.bytes_.begin())) {
        return false;
    }
    if (rest == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
    return (base_.bytes_[whole] & mask) == (address.bytes_[whole] & mask);
}

}  // namespace netcompute
