#include "net/http/web_socket.hpp"

#include <netcompute/logging.hpp>
#include <netcompute/protocol/frame.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

namespace netcompute::net {
namespace beast = boost::beast;
namespace websocket = beast::websocket;
namespace {
constexpr std::size_t read_step_bytes = std::size_t{64} << 10;
constexpr std::size_t idle_buffer_bytes_max = 16
                                              << 10;  ///< A larger one is freed between messages.
}  // namespace

WebSocket::WebSocket(beast::tcp_stream stream, WebSocketPeer peer, ConnectionPlace place,
                     const WebSocketBudgets& budgets)
    : stream_{std::move(stream)},
      peer_{std::move(peer)},
      place_{std::move(place)},
      incoming_{budgets.incoming, [this] { cut_off(); }},
      unsent_{budgets.unsent, [this] { cut_off(); }} {
    *place_.evict = [this] { cut_off(); };
    stream_.read_message_max(first_message_bytes_max);
    // Small writes in the protocol's own frames; nothing to fragment, nothing to compress.
    stream_.auto_fragment(false);
    stream_.write_buffer_bytes(1024);
}

WebSocket::~WebSocket() {
    *place_.evict = [] {};
}

bool WebSocket::admit(std::size_t message_bytes_max) {
    if (!place_.lease.prove()) return false;
    stream_.read_message_max(message_bytes_max);
    return true;
}

void WebSocket::cut_off() {
    closing_ = true;
    beast::get_lowest_layer(stream_).close();
}

void WebSocket::run(HttpRequest request, Handlers handlers) {
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
    stream_.async_read_some(
        buffer_, read_step_bytes,
        [self = shared_from_this()](const beast::error_code& error, std::size_t) {
            if (error) return self->finish();
            if (self->stream_.is_message_done())
                self->deliver();
            else
                self->incoming_.set(self->buffer_.capacity());
            self->read();
        });
}

void WebSocket::deliver() {
    const auto data = buffer_.cdata();
    const auto* const bytes = static_cast<const std::byte*>(data.data());
    Bytes message(bytes, bytes + data.size());
    buffer_.consume(data.size());
    if (buffer_.capacity() > idle_buffer_bytes_max) buffer_ = {};
    incoming_.set(0);
    if (!closing_ && handlers_.on_message) handlers_.on_message(std::move(message));
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
    if (queued_bytes_ > queue_bytes_max_) {
        log_within_budget("peer that does not read", peer_.address, spdlog::level::warn,
                          "peer at {} does not read what it is sent: closed", peer_.address);
        return cut_off();
    }
    unsent_.set(queued_bytes_);
    if (closing_) return;  // This connection was the one closed to free memory.
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
            self->unsent_.set(self->queued_bytes_);
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
    // Handlers may own this object: move them out before calling.
    const Handlers handlers = std::exchange(handlers_, {});
    if (handlers.on_close) handlers.on_close();
}

void WebSocketSession::run(HttpRequest request) {
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

bool WebSocketSession::admit(std::string_view /*session_key*/) {
    return socket_->admit(protocol::frame_bytes_max);
}

void WebSocketSession::close() {
    socket_->close(websocket::close_code::normal, "goodbye");
}

}  // namespace netcompute::net
