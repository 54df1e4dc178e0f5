#pragma once

#include "net/session.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace netcompute::net {

using HttpUpgrade = boost::beast::http::request<boost::beast::http::string_body>;

/// One accepted WebSocket, on one thread: whole messages in, whole messages out, and a bound on
/// what waits for a peer that does not read.
class WebSocket : public std::enable_shared_from_this<WebSocket> {
 public:
    static constexpr std::size_t queued_bytes_max = std::size_t{64} << 20;

    struct Handlers {
        std::function<void(Bytes message)> on_message;
        std::function<void()> on_close;  ///< Once, however the connection ended.
    };

    WebSocket(boost::beast::tcp_stream stream, std::string peer_address,
              std::size_t message_bytes_max);

    /// Answers the upgrade request, then reads until the connection ends.
    void run(HttpUpgrade request, Handlers handlers);
    /// Ends the connection of a peer that sends a larger message.
    void limit_messages(std::size_t message_bytes_max);

    void send_binary(Bytes message);
    void send_text(std::shared_ptr<const std::string> message);
    /// Closes with a WebSocket code after what is queued; at once if the peer does not answer.
    void close(std::uint16_t code, std::string reason);

    [[nodiscard]] const std::string& peer_address() const { return peer_address_; }
    /// Nothing is waiting to be sent: a good moment for the next update.
    [[nodiscard]] bool is_drained() const { return queue_.empty(); }

 private:
    struct Outgoing {
        bool is_text = false;
        Bytes binary;
        std::shared_ptr<const std::string> text;
        [[nodiscard]] std::size_t size() const { return is_text ? text->size() : binary.size(); }
    };

    void read();
    void enqueue(Outgoing message);
    void write();
    void finish();
    void shut_down();

    boost::beast::websocket::stream<boost::beast::tcp_stream> stream_;
    std::string peer_address_;
    Handlers handlers_;
    boost::beast::flat_buffer buffer_;
    std::deque<Outgoing> queue_;
    std::size_t queued_bytes_ = 0;
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

    void run(HttpUpgrade request);

    void send(protocol::WireMessage message) override;
    void close() override;
    [[nodiscard]] const std::string& peer_address() const override {
        return socket_->peer_address();
    }
    [[nodiscard]] bool is_web() const override { return true; }

 private:
    void on_message(const Bytes& message);

    std::shared_ptr<WebSocket> socket_;
    SessionListener& listener_;
};

}  // namespace netcompute::net
