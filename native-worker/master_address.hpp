#pragma once

#include <netcompute/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netcompute::worker {

/// Whom to work for, as people write it.
struct MasterAddress {
    std::string host;                  ///< A name or an address; of IPv6 without brackets.
    std::optional<std::uint16_t> web;  ///< The port of its pages, if it was said.
    friend bool operator==(const MasterAddress&, const MasterAddress&) = default;
};

/// Takes "host", "host:port", "[v6]:port", "v6" and the URL of the dashboard or of any page below
/// it ("http://host:5051/worker"). Error: names what cannot be taken and what can.
[[nodiscard]] Result<MasterAddress> parse_master_address(std::string_view text);

/// "host:port", with brackets where the host is an address of IPv6.
[[nodiscard]] std::string host_and_port(std::string_view host, std::uint16_t port);

/// An address to connect to: "all of my addresses" is one for listening only.
[[nodiscard]] std::string reachable_host(const std::string& host);

}  // namespace netcompute::worker
