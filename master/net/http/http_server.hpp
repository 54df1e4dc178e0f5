#pragma once

#include "net/http/web_socket.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace netcompute::net {

using HttpRequest = HttpUpgrade;

struct HttpResponse {
    boost::beast::http::status status = boost::beast::http::status::ok;
    std::string content_type = "application/json";
    std::string cache_control = "no-store";
    std::string etag;
    std::string body;
    /// Instead of `body`: bytes that `owner` keeps alive, sent without a copy.
    ByteSpan shared_body;
    std::shared_ptr<const void> owner;
    std::vector<std::pair<std::string, std::string>> headers;
};

/// `{"error": {"code": …, "message": …}}`
[[nodiscard]] HttpResponse http_error(boost::beast::http::status status, std::string_view code,
                                      std::string_view message);

/// Who sent a request.
struct HttpPeer {
    std::string address;
};

struct HttpServerOptions {
    std::string host;
    std::uint16_t port = 0;
    std::vector<std::string> host_names;  ///< Names besides addresses that Host may have.
};

/// HTTP/1.1 and WebSocket on one io_context. It checks Host and Origin, limits sizes and time, and
/// hands each request that passes to `handle`, each upgrade to `upgrade`.
class HttpServer {
 public:
    static constexpr std::size_t header_bytes_max = 16 << 10;
    static constexpr std::size_t body_bytes_max = 1 << 20;
    static constexpr std::size_t connections_max = 8192;

    struct Handlers {
        std::function<boost::asio::awaitable<HttpResponse>(HttpRequest, HttpPeer)> handle;
        /// Whether to refuse an upgrade, and with what; nothing to go on to `upgrade`.
        std::function<std::optional<HttpResponse>(const HttpRequest&)> refuse_upgrade;
        std::function<void(HttpRequest, std::shared_ptr<WebSocket>)> upgrade;
    };

    /// Listens from now on. Throws std::runtime_error naming the port and, if it can be found, the
    /// process that holds it.
    HttpServer(boost::asio::io_context& context, HttpServerOptions options, Handlers handlers);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    [[nodiscard]] std::uint16_t port() const;
    /// Names that Host may have from now on.
    void set_host_names(std::vector<std::string> names);
    /// Takes no more connections.
    void stop();

 private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace netcompute::net
