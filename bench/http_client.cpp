#include "http_client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <poll.h>

#include <stdexcept>
#include <utility>

namespace netcompute::bench {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;

HttpClient::HttpClient(std::uint16_t port)
    : port_{port}, host_{"127.0.0.1:" + std::to_string(port)} {
    connect();
}

void HttpClient::connect() {
    stream_.connect(tcp::endpoint{boost::asio::ip::address_v4::loopback(), port_});
    stream_.socket().set_option(tcp::no_delay{true});
}

/// Between two exchanges nothing is to be read, so what can be read is the end.
bool HttpClient::was_closed() {
    pollfd readable{stream_.socket().native_handle(), POLLIN, 0};
    return poll(&readable, 1, 0) != 0;
}

nlohmann::json HttpClient::get(const std::string& target) {
    return exchange(http::verb::get, target, {});
}

nlohmann::json HttpClient::post(const std::string& target, const nlohmann::json& body) {
    return exchange(http::verb::post, target, body.dump());
}

nlohmann::json HttpClient::exchange(http::verb method, const std::string& target,
                                    std::string body) {
    constexpr unsigned http_1_1 = 11;
    http::request<http::string_body> request{method, target, http_1_1, std::move(body)};
    request.set(http::field::host, host_);
    request.set(http::field::content_type, "application/json");
    request.prepare_payload();
    if (was_closed()) {
        stream_.close();
        connect();
    }
    http::write(stream_, request);
    http::response<http::string_body> response;
    http::read(stream_, buffer_, response);
    if (http::to_status_class(response.result()) != http::status_class::successful) {
        throw std::runtime_error(target + " answered " + std::to_string(response.result_int()) +
                                 ": " + response.body());
    }
    return nlohmann::json::parse(response.body());
}

}  // namespace netcompute::bench
