#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace netcompute::net {

/// Accepts connections on a port from now on. `host` is an address of this PC or a name of one; "*"
/// and "::" are all of its addresses, "0.0.0.0" all of IPv4. Port 0 takes a free one. `key` names
/// the setting that `port` comes from.
/// Throws std::runtime_error that says what cannot be had, why, and what to do.
[[nodiscard]] boost::asio::ip::tcp::acceptor listen_on(boost::asio::io_context& context,
                                                       const std::string& host, std::uint16_t port,
                                                       std::string_view key);

/// An address as people write it: one of IPv4 as such, however the socket shows it.
[[nodiscard]] std::string address_text(const boost::asio::ip::address& address);

}  // namespace netcompute::net
