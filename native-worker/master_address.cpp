#include "master_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace netcompute::worker {
namespace {

constexpr std::uint16_t http_port = 80;
constexpr std::size_t host_bytes_max = 255;  // RFC 1035 2.3.4; addresses are shorter.

Unexpected refused(std::string_view text, const std::string& why) {
    return unexpected(ErrorCode::InvalidArgument,
                      "--master \"" + std::string{text} + "\": " + why +
                          "; give the master's host name or address, host:port, [IPv6]:port, or "
                          "the address of its dashboard, such as http://host:5051/");
}

bool is_host(std::string_view host) {
    return !host.empty() && host.size() <= host_bytes_max && std::ranges::all_of(host, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_';
    });
}

/// Perhaps with a zone ("fe80::1%eth0"): whether there is such a zone is found when it is resolved.
bool is_ipv6(std::string_view host) {
    const std::size_t zone = host.find('%');
    const std::string address{host.substr(0, zone)};
    in6_addr parsed;
    return host.size() <= host_bytes_max && ::inet_pton(AF_INET6, address.c_str(), &parsed) == 1 &&
           (zone == std::string_view::npos || is_host(host.substr(zone + 1)));
}

std::optional<std::uint16_t> port_of(std::string_view text) {
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc{} || stop != end || port == 0) return std::nullopt;
    return port;
}

/// Without its scheme and its path.
Result<MasterAddress> parse_authority(std::string_view whole, std::string_view text) {
    std::string_view host = text;
    std::optional<std::string_view> port;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) return refused(whole, "its \"[\" has no \"]\"");
        host = text.substr(1, end - 1);
        const std::string_view rest = text.substr(end + 1);
        if (!is_ipv6(host)) return refused(whole, "no address of IPv6 stands in its brackets");
        if (!rest.empty() && rest.front() != ':') return refused(whole, "after \"]\" comes a port");
        if (!rest.empty()) port = rest.substr(1);
    } else if (!is_ipv6(text)) {
        const std::size_t colon = text.rfind(':');
        host = text.substr(0, colon);
        if (colon != std::string_view::npos) port = text.substr(colon + 1);
        if (host.empty()) return refused(whole, "it names no host");
        if (!is_host(host)) return refused(whole, "this is no host name");
    }
    MasterAddress address{.host = std::string{host}, .web = {}};
    if (port) {
        address.web = port_of(*port);
        if (!address.web) return refused(whole, "its port is no number from 1 to 65535");
    }
    return address;
}

}  // namespace

Result<MasterAddress> parse_master_address(std::string_view text) {
    const std::size_t scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return parse_authority(text, text);
    std::string scheme{text.substr(0, scheme_end)};
    std::ranges::transform(scheme, scheme.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    if (scheme == "https") {
        return refused(text,
                       "a native worker cannot go through an encrypted page; it needs the "
                       "master's own PC");
    }
    if (scheme != "http") return refused(text, "its scheme is not http");
    const std::string_view rest = text.substr(scheme_end + 3);
    auto address = parse_authority(text, rest.substr(0, rest.find_first_of("/?#")));
    if (address && !address->web) address->web = http_port;
    return address;
}

std::string host_and_port(std::string_view host, std::uint16_t port) {
    const bool is_v6 = host.find(':') != std::string_view::npos;
    const std::string shown = is_v6 ? "[" + std::string{host} + "]" : std::string{host};
    return shown + ":" + std::to_string(port);
}

std::string reachable_host(const std::string& host) {
    if (host.empty() || host == "*" || host == "0.0.0.0") return "127.0.0.1";
    return host == "::" ? "::1" : host;
}

}  // namespace netcompute::worker
