#include "net/http/web_socket.hpp"

#include <netcompute/logging.hpp>
#include <netcompute/protocol/frame.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

namespace netcompute::net {
namespace beast = boost::beast;
namespace websocket = beast::websocket;
namespace {
constexpr std::size_t idle_buffer_bytes_max = 16
                                              << 10;  ///< A larger one is freed between messages.
}

WebSocket::WebSocket(beast::tcp_stream stream, std::string peer_address,
                     std::size_t message_bytes_max)
    : stream_{std::move(stream)}, peer_address_{std::move(peer_address)} {
    stream_.read_message_max(message_bytes_max);
    // Small writes in the protocol's own frames; nothing to fragment, nothing to compress.
    stream_.auto_fragment(false);
    stream_.write_buffer_bytes(1024);
}

void WebSocket::limit_messages(std::size_t message_bytes_max) {
    stream_.read_message_max(message_bytes_max);
}

void WebSocket::run(HttpUpgrade request, Handlers handlers) {
    handlers_ = std::move(handlers);
    beast::get_lowest_layer(stream_).expires_never();
    beast::get_lowest_layer(stream_).socket().set_option(boost::asio::ip::tcp::no_delay{true});
    // Pings every half minute of silence find half-open connections of idle peers.
    stream_.set_option(
        websocket::stream_base::timeout{std::chrono::seconds{10}, std::chrono::seconds{60}, true});
    stream_.async_accept(request, [self = shared_from_this()](const beast::error_code& error) {
        if (error) return self->finish();
        self->open_ = true;
        self->read();
        if (!self->queue_.empty())
            self->write();
        else if (self->closing_)
            self->shut_down();
    });
}

void WebSocket::read() {
    stream_.async_read(buffer_,
                       [self = shared_from_this()](const beast::error_code& error, std::size_t) {
                           if (error) return self->finish();
                           const auto data = self->buffer_.cdata();
                           const auto* const bytes = static_cast<const std::byte*>(data.data());
                           Bytes message(bytes, bytes + data.size());
                           self->buffer_.consume(data.size());
                           if (self->buffer_.capacity() > idle_buffer_bytes_max) self->buffer_ = {};
                           if (!self->closing_ && self->handlers_.on_message) {
                               self->handlers_.on_message(std::move(message));
                           }
                           self->read();
                       });
}

void WebSocket::send_binary(Bytes message) {
    enqueue({false, std::move(message), nullptr});
}

void WebSocket::send_text(std::shared_ptr<const std::string> message) {
    enqueue({true, {}, std::move(message)});
}

void WebSocket::enqueue(Outgoing message) {
    if (closing_) return;
    queued_bytes_ += message.size();
    if (queued_bytes_ > queued_bytes_max) {
        log_within_budget("peer that does not read", peer_address_, spdlog::level::warn,
                          "peer at {} does not read what it is sent: closed", peer_address_);
        beast::get_lowest_layer(stream_).close();
        closing_ = true;
        return;
    }
    queue_.push_back(std::move(message));
    if (open_ && queue_.size() == 1) write();
}

void WebSocket::write() {
    const Outgoing& next = queue_.front();
    stream_.text(next.is_text);
    const auto buffer = next.is_text ? boost::asio::buffer(*next.text)
                                     : boost::asio::buffer(next.binary.data(), next.binary.size());
    stream_.async_write(
        buffer, [self = shared_from_this()](const beast::error_code& error, std::size_t size) {
            if (error) return;  // The read that is always under way sees it too, and finishes.
            self->queued_bytes_ -= size;
            self->queue_.pop_front();
            if (!self->queue_.empty())
                self->write();
            else if (self->closing_)
                self->shut_down();
        });
}

void WebSocket::close(std::uint16_t code, std::string reason) {
    if (std::exchange(closing_, true)) return;
    close_reason_ = websocket::close_reason{websocket::close_code{code}, std::move(reason)};
    if (open_ && queue_.empty()) shut_down();
}

void WebSocket::shut_down() {
    stream_.async_close(close_reason_, [self = shared_from_this()](const beast::error_code&) {});
}

void WebSocket::finish() {
    open_ = false;
    closing_ = true;
    beast::get_lowest_layer(stream_).close();
    // Handlers may own this object: let go of them before calling.
    const Handlers handlers = std::exchange(handlers_, {});
    if (handlers.on_close) handlers.on_close();
}

void WebSocketSession::run(HttpUpgrade request) {
    socket_->run(std::move(request),
                 {[self = shared_from_this()](Bytes message) { self->on_message(message); },
                  [self = shared_from_this()] { self->listener_.on_close(self); }});
}

void WebSocketSession::on_message(const Bytes& message) {
    const auto parts = protocol::split_frame(message);
    if (!parts) {
        listener_.on_malformed(shared_from_this(), parts.error());
        return close();
    }
    listener_.on_frame(shared_from_this(), parts->header,
                       std::make_shared<const Bytes>(parts->payload.begin(), parts->payload.end()));
}

void WebSocketSession::send(protocol::WireMessage message) {
    socket_->send_binary(protocol::join_frame({message.header, message.payload}));
}

void WebSocketSession::close() {
    socket_->close(websocket::close_code::normal, "goodbye");
}

}  // namespace netcompute::net
