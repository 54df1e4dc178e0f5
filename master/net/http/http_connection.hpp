#pragma once

#include "net/connection_budget.hpp"
#include "net/http/byte_budget.hpp"
#include "net/http/http_server.hpp"
#include "net/http/request_head.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace netcompute::net {

/// What all connections of a server share.
struct HttpShared {
    HttpServerOptions options;
    HttpServer::Handlers handlers;
    /// Bodies of requests while they come, answers until they are taken, WebSockets' messages
    /// while they come and until they are taken.
    std::shared_ptr<ByteBudget> bodies;
    std::shared_ptr<ByteBudget> answers;
    WebSocketBudgets sockets;
};

/// One connection to the web port, until it ends or becomes a WebSocket. A request's head is read
/// and judged before any of its body is.
class HttpConnection {
 public:
    HttpConnection(std::shared_ptr<HttpShared> shared, boost::asio::ip::tcp::socket socket);
    ~HttpConnection();
    HttpConnection(const HttpConnection&) = delete;
    HttpConnection& operator=(const HttpConnection&) = delete;

    /// Serves it to its end.
    static boost::asio::awaitable<void> run(std::shared_ptr<HttpConnection> self);
    /// Counts it among all connections; others may be closed for it.
    void enter(ConnectionBudget& budget);

 private:
    class PieceReader;

    /// One request and its answer; false if there will be no other.
    boost::asio::awaitable<bool> exchange();
    /// Fills head_ and head_text_; false, having answered, if that cannot be.
    boost::asio::awaitable<bool> read_head();
    [[nodiscard]] std::optional<HttpResponse> take_head(std::string_view text);
    /// Sends what "Expect: 100-continue" waits for; an answer where that cannot be.
    boost::asio::awaitable<std::optional<HttpResponse>> invite_body();
    boost::asio::awaitable<std::optional<HttpResponse>> read_body(std::size_t bytes_max);
    boost::asio::awaitable<HttpResponse> answer(HttpPeer peer);
    /// The same for one who takes the body piece by piece. `is_read`: whether all of it was taken.
    boost::asio::awaitable<HttpResponse> receive(HttpServer::Verdict verdict, HttpPeer peer,
                                                 bool& is_read);
    boost::asio::awaitable<bool> write(HttpResponse response, bool keep_alive);
    boost::asio::awaitable<bool> write_pieces(HttpResponse response, bool keep_alive);
    /// Waits until the peer has read what was sent, so that closing does not discard it.
    boost::asio::awaitable<void> linger();
    void become_socket(const HttpPeer& peer);
    [[nodiscard]] HttpPeer peer_of_request();
    [[nodiscard]] std::string_view buffered() const;

    std::shared_ptr<HttpShared> shared_;
    boost::beast::tcp_stream stream_;
    boost::beast::flat_buffer buffer_;
    boost::asio::ip::address remote_;
    RequestHead head_;
    std::string head_text_;
    boost::beast::http::verb method_ = boost::beast::http::verb::get;
    unsigned version_ = 11;
    bool is_upgraded_ = false;
    ByteBudget::Share body_share_;
    ByteBudget::Share answer_share_;
    ConnectionPlace place_;
};

}  // namespace netcompute::net
