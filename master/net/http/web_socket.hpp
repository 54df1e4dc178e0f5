#pragma once

#include "net/connection_budget.hpp"
#include "net/http/byte_budget.hpp"
#include "net/http/http_message.hpp"
#include "net/session.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace netcompute::net {

/// What the WebSockets of a server may hold together.
struct WebSocketBudgets {
    std::shared_ptr<ByteBudget> incoming;  ///< Of messages that are not whole yet.
    std::shared_ptr<ByteBudget> unsent;
};

/// Who is at the other end; see HttpPeer.
struct WebSocketPeer {
    std::string address;
    bool is_forwarded = false;
};

/// A connection's place among all, and what closes it when another one takes the place.
struct ConnectionPlace {
    ConnectionBudget::Lease lease;
    std::shared_ptr<std::function<void()>> evict = std::make_shared<std::function<void()>>([] {});
};

/// One accepted WebSocket, on one thread: whole messages in, whole messages out, and a bound on
/// what it holds of a peer that does not end its messages or does not read.
class WebSocket : public std::enable_shared_from_this<WebSocket> {
 public:
    static constexpr std::size_t first_message_bytes_max = std::size_t{8} << 10;
    static constexpr std::size_t queued_bytes_max = std::size_t{64} << 20;

    struct Handlers {
        std::function<void(Bytes message)> on_message;
        std::function<void()> on_close;  ///< Once, however the connection ended.
    };

    WebSocket(boost::beast::tcp_stream stream, WebSocketPeer peer, ConnectionPlace place,
              const WebSocketBudgets& budgets);
    ~WebSocket();
    WebSocket(const WebSocket&) = delete;
    WebSocket& operator=(const WebSocket&) = delete;

    /// Answers the upgrade request, then reads until the connection ends.
    void run(HttpRequest request, Handlers handlers);
    /// Marks the peer as proven: its connection is not closed to make room for others. It may send
    /// messages of that size from now on; until then first_message_bytes_max. False if the limit
    /// of connections is reached.
    [[nodiscard]] bool admit(std::size_t message_bytes_max);
    /// The connection of a peer with more than this unsent is closed.
    void limit_queue(std::size_t bytes_max) { queue_bytes_max_ = bytes_max; }

    void send_binary(Bytes message);
    void send_text(std::shared_ptr<const std::string> message);
    /// Closes with a WebSocket code after what is queued; at once if the peer does not answer.
    void close(std::uint16_t code, std::string reason);
    /// Ends the connection now.
    void cut_off();

    [[nodiscard]] const WebSocketPeer& peer() const { return peer_; }
    /// Called when the send queue is empty: a good moment for the next update.
    [[nodiscard]] bool is_drained() const { return queue_.empty(); }

 private:
    struct Outgoing {
        bool is_text = false;
        Bytes binary;
        std::shared_ptr<const std::string> text;
        [[nodiscard]] std::size_t size() const { return is_text ? text->size() : binary.size(); }
    };

    void read();
    void deliver();
    void enqueue(Outgoing message);
    void write();
    void finish();
    void shut_down();

    boost::beast::websocket::stream<boost::beast::tcp_stream> stream_;
    WebSocketPeer peer_;
    ConnectionPlace place_;
    Handlers handlers_;
    boost::beast::flat_buffer buffer_;
    ByteBudget::Share incoming_;
    std::deque<Outgoing> queue_;
    std::size_t queued_bytes_ = 0;
    std::size_t queue_bytes_max_ = queued_bytes_max;
    ByteBudget::Share unsent_;
    bool open_ = false;
    bool closing_ = false;
    boost::beast::websocket::close_reason close_reason_;
};

/// A WebSocket that speaks the workers' protocol.
class WebSocketSession final : public Session,
                               public std::enable_shared_from_this<WebSocketSession> {
 public:
    WebSocketSession(std::shared_ptr<WebSocket> socket, SessionListener& listener)
        : socket_{std::move(socket)}, listener_{listener} {}

    void run(HttpRequest request);

    void send(protocol::WireMessage message) override;
    void close() override;
    [[nodiscard]] bool admit(std::string_view session_key) override;
    [[nodiscard]] const std::string& peer_address() const override {
        return socket_->peer().address;
    }
    [[nodiscard]] bool is_web() const override { return true; }
    [[nodiscard]] bool is_forwarded() const override { return socket_->peer().is_forwarded; }

 private:
    void on_message(const Bytes& message);

    std::shared_ptr<WebSocket> socket_;
    SessionListener& listener_;
};

}  // namespace netcompute::net
