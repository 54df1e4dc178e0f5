#pragma once

#include "net/http/web_socket.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netcompute::test_support {

/// Who sits at the other end of a WebSocket: it reads when it is told to, and notes what it hears.
class WebSocketPeerEnd : public std::enable_shared_from_this<WebSocketPeerEnd> {
 public:
    using Stream = boost::beast::websocket::stream<boost::beast::tcp_stream>;

    explicit WebSocketPeerEnd(boost::asio::io_context& io) : stream_{io} {
        stream_.control_callback([this](auto kind, auto payload) {
            if (kind == boost::beast::websocket::frame_type::pong) pongs.emplace_back(payload);
        });
        stream_.read_message_max(0);
    }

    std::vector<std::string> messages;
    std::vector<std::string> pongs;
    bool is_open = false;
    bool is_over = false;

    [[nodiscard]] boost::beast::websocket::close_reason reason() const { return stream_.reason(); }
    Stream& stream() { return stream_; }
    boost::asio::ip::tcp::socket& socket() { return stream_.next_layer().socket(); }

    void begin_handshake(bool reads) {
        stream_.async_handshake("localhost", "/ws",
                                [self = shared_from_this(), reads](const auto& error) {
                                    self->is_open = !error;
                                    self->is_over = !!error;
                                    if (reads && !error) self->read();
                                });
    }
    /// From now on all that comes.
    void read() {
        stream_.async_read(buffer_, [self = shared_from_this()](const auto& error, std::size_t) {
            if (error) {
                self->is_over = true;
                return;
            }
            self->messages.push_back(boost::beast::buffers_to_string(self->buffer_.data()));
            self->buffer_.consume(self->buffer_.size());
            self->read();
        });
    }
    /// One whole message, or with `is_whole` unset the beginning of one.
    void say(std::string text, bool is_whole = true) {
        const auto kept = std::make_shared<std::string>(std::move(text));
        stream_.binary(true);
        stream_.async_write_some(is_whole, boost::asio::buffer(*kept),
                                 [self = shared_from_this(), kept](const auto&, std::size_t) {});
    }
    void ping(std::string_view payload) {
        stream_.async_ping(boost::beast::websocket::ping_data{payload.begin(), payload.end()},
                           [self = shared_from_this()](const auto&) {});
    }
    void close() {
        stream_.async_close({}, [self = shared_from_this()](const auto&) { self->is_over = true; });
    }
    void hang_up() { socket().close(); }
    /// Past the WebSocket: bytes as they are.
    void send_bytes(const std::vector<int>& values) {
        std::vector<char> bytes;
        for (const int value : values) bytes.push_back(static_cast<char>(value));
        boost::asio::write(socket(), boost::asio::buffer(bytes));
    }

 private:
    Stream stream_;
    boost::beast::flat_buffer buffer_;
};

/// WebSockets on loopback with both of their ends, on one thread.
class WebSocketWorld {
 public:
    struct Ends {
        std::shared_ptr<net::WebSocket> server;  ///< Has not run yet.
        net::HttpRequest request;
        std::shared_ptr<WebSocketPeerEnd> client;
    };
    struct OpenOptions {
        std::string address = "192.168.1.7";
        bool reads = true;
    };

    explicit WebSocketWorld(net::ConnectionLimits limits = {4000, 4000}) : connections{limits} {}

    boost::asio::io_context io;
    net::ConnectionBudget connections;
    std::size_t together_bytes_max = std::size_t{256} << 20;
    net::WebSocketBudgets budgets{std::make_shared<net::ByteBudget>(together_bytes_max),
                                  std::make_shared<net::ByteBudget>(together_bytes_max)};

    /// A connection whose request to upgrade is there. Little of what is sent lies in the system's
    /// buffers, so it waits where the server sees it.
    Ends open(const OpenOptions& options) {
        constexpr int buffer_bytes = 4096;
        namespace asio = boost::asio;
        auto client = std::make_shared<WebSocketPeerEnd>(io);
        asio::ip::tcp::socket accepted{io};
        client->socket().open(asio::ip::tcp::v4());
        client->socket().set_option(asio::socket_base::receive_buffer_size{buffer_bytes});
        client->socket().connect(acceptor_.local_endpoint());
        acceptor_.accept(accepted);
        accepted.set_option(asio::socket_base::send_buffer_size{buffer_bytes});
        client->begin_handshake(options.reads);

        boost::beast::tcp_stream stream{std::move(accepted)};
        boost::beast::flat_buffer buffer;
        net::HttpRequest request;
        bool was_read = false;
        boost::beast::http::async_read(stream, buffer, request,
                                       [&](const auto& error, std::size_t) { was_read = !error; });
        require([&] { return was_read; });

        net::ConnectionPlace place;
        place.lease = connections.take(boost::asio::ip::make_address(options.address),
                                       [evict = place.evict] { (*evict)(); });
        auto server = std::make_shared<net::WebSocket>(
            std::move(stream), net::WebSocketPeer{options.address}, std::move(place), budgets);
        servers_.push_back(server);
        return {std::move(server), std::move(request), std::move(client)};
    }
    Ends open() { return open({}); }

    /// Runs both ends until it is so; false if it does not come to that.
    [[nodiscard]] bool until(const std::function<bool()>& is_so) {
        constexpr std::chrono::seconds patience{60};
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!is_so()) {
            io.restart();
            if (io.run_one_until(deadline) == 0) return is_so();
        }
        return true;
    }
    void require(const std::function<bool()>& is_so) {
        if (!until(is_so)) throw std::runtime_error("what must come did not come");
    }
    /// Cuts off who is still connected. A test must do so while those who hear of it are there:
    /// a session and its WebSocket hold each other until the connection ends.
    void end_all() {
        for (const auto& server : servers_) {
            if (const auto standing = server.lock()) standing->cut_off();
        }
        settle();
    }
    /// What is under way comes to rest; timers that have not expired do not count.
    void settle() {
        do io.restart();
        while (io.poll() > 0);
    }

 private:
    boost::asio::ip::tcp::acceptor acceptor_{
        io, boost::asio::ip::tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0}};
    std::vector<std::weak_ptr<net::WebSocket>> servers_;
};

}  // namespace netcompute::test_support
