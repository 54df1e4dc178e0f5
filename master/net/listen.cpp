#include "net/listen.hpp"

#include "net/port_owner.hpp"

#include <boost/asio/ip/v6_only.hpp>

#include <stdexcept>
#include <vector>

namespace netcompute::net {
namespace asio = boost::asio;
using asio::ip::tcp;
namespace {

constexpr int backlog = 1024;

/// Where to listen: the first of these that can be had.
std::vector<tcp::endpoint> endpoints_of(asio::io_context& context, const std::string& host,
                                        std::uint16_t port, boost::system::error_code& error) {
    const tcp::endpoint every_v6{tcp::v6(), port};
    const tcp::endpoint every_v4{tcp::v4(), port};
    if (host == "*") return {every_v6, every_v4};  // The second for a PC without IPv6.
    const auto address = asio::ip::make_address(host, error);
    if (!error) return {{address, port}};
    error.clear();
    tcp::resolver resolver{context};
    std::vector<tcp::endpoint> endpoints;
    for (const auto& entry : resolver.resolve(host, std::to_string(port), error)) {
        endpoints.push_back(entry.endpoint());
    }
    return endpoints;
}

void open(tcp::acceptor& acceptor, const tcp::endpoint& endpoint,
          boost::system::error_code& error) {
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
    if (!error && endpoint.address().is_v6()) {
        acceptor.set_option(asio::ip::v6_only{false}, error);
    }
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(backlog, error);
    if (!error) return;
    boost::system::error_code ignored;
    acceptor.close(ignored);
}

}  // namespace

tcp::acceptor listen_on(asio::io_context& context, const std::string& host, std::uint16_t port,
                        std::string_view key) {
    const std::string where = (host.find(':') == std::string::npos ? host : "[" + host + "]") +
                              ":" + std::to_string(port) + " (" + std::string{key} + ")";
    boost::system::error_code error;
    const auto endpoints = endpoints_of(context, host, port, error);
    if (error || endpoints.empty()) {
        throw std::runtime_error("cannot listen on " + where + ": \"" + host +
                                 "\" is neither an address nor a name that this PC can resolve (" +
                                 error.message() + "); choose another one in config.json");
    }
    tcp::acceptor acceptor{context};
    for (const tcp::endpoint& endpoint : endpoints) {
        error.clear();
        open(acceptor, endpoint, error);
        if (!error) return acceptor;
    }
    std::string why = error.message();
    if (error == asio::error::address_in_use) why += describe_port_owner(port);
    if (error == boost::system::errc::address_not_available) why += ": it is no address of this PC";
    throw std::runtime_error("cannot listen on " + where + ": " + why +
                             "; choose another port or address in config.json");
}

std::string address_text(const asio::ip::address& address) {
    if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address.to_string();
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
}

}  // namespace netcompute::net
