#pragma once

#include "net/connection_budget.hpp"
#include "net/http/http_message.hpp"
#include "net/http/proxy_client.hpp"
#include "net/http/request_head.hpp"
#include "net/http/web_socket.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace netcompute::net {

struct HttpServerOptions {
    std::string host;
    std::uint16_t port = 0;
    OwnNames names;
    TrustedProxies trusted_proxies;
};

/// HTTP/1.1 and WebSocket on one io_context. A request's head is judged before its body is read:
/// its form, Host and Origin here, the rest by `look` or `refuse_upgrade`; what they let pass goes
/// to `handle` or `upgrade`. Whatever peers make it keep has a bound in bytes and in time.
class HttpServer {
 public:
    /// Limits in bytes, over all peers: request bodies being received; answers and WebSocket
    /// messages not yet sent; WebSocket messages being received.
    static constexpr std::size_t incoming_bodies_bytes_max = std::size_t{32} << 20;
    static constexpr std::size_t answers_bytes_max = std::size_t{64} << 20;
    static constexpr std::size_t unsent_bytes_max = std::size_t{256} << 20;
    static constexpr std::size_t incoming_messages_bytes_max = std::size_t{256} << 20;

    /// What a request's head alone tells.
    struct Verdict {
        std::optional<HttpResponse> refusal;
        std::size_t body_bytes_max = 0;  ///< Otherwise: of the body that may follow.
        /// Otherwise: takes the request in place of `handle`, and its body piece by piece, however
        /// large it is. The reader lives as long as this runs.
        std::function<boost::asio::awaitable<HttpResponse>(HttpRequest, HttpPeer, BodyReader&)>
            receive = {};
    };
    struct Handlers {
        std::function<Verdict(const HttpRequest& head, const HttpPeer& peer)> look;
        std::function<boost::asio::awaitable<HttpResponse>(HttpRequest, HttpPeer)> handle;
        /// Whether to refuse an upgrade, and with what; nothing to go on to `upgrade`.
        std::function<std::optional<HttpResponse>(const HttpRequest&, const HttpPeer&)>
            refuse_upgrade;
        std::function<void(HttpRequest, std::shared_ptr<WebSocket>)> upgrade;
    };

    /// Listens from now on. `budget` counts its connections with those of other ports; it outlives
    /// this. Throws std::runtime_error naming the port and, if it can be found, the process that
    /// holds it.
    HttpServer(boost::asio::io_context& context, HttpServerOptions options,
               ConnectionBudget& budget, Handlers handlers);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    [[nodiscard]] std::uint16_t port() const;
    /// Applies to requests from now on.
    void set_names(OwnNames names, TrustedProxies trusted_proxies);
    /// Takes no more connections.
    void stop();

 private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace netcompute::net
