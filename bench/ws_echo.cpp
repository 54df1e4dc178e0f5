// Sends every WebSocket message back: what Beast alone does, for measuring beside a master. Listens
// on a free port of loopback, prints it, and runs until it is ended.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <cstdio>
#include <exception>
#include <memory>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

class Echo : public std::enable_shared_from_this<Echo> {
 public:
    explicit Echo(tcp::socket socket) : stream_{std::move(socket)} {
        stream_.next_layer().set_option(tcp::no_delay{true});
        stream_.auto_fragment(false);
        stream_.binary(true);
    }
    void run() {
        stream_.async_accept([self = shared_from_this()](const beast::error_code& error) {
            if (!error) self->read();
        });
    }

 private:
    void read() {
        stream_.async_read(
            buffer_, [self = shared_from_this()](const beast::error_code& error, std::size_t) {
                if (!error) self->write();
            });
    }
    void write() {
        stream_.async_write(buffer_.data(), [self = shared_from_this()](
                                                const beast::error_code& error, std::size_t) {
            self->buffer_.consume(self->buffer_.size());
            if (!error) self->read();
        });
    }

    beast::websocket::stream<tcp::socket> stream_;
    beast::flat_buffer buffer_;
};

void accept(tcp::acceptor& acceptor) {
    acceptor.async_accept([&acceptor](const beast::error_code& error, tcp::socket socket) {
        if (!error) std::make_shared<Echo>(std::move(socket))->run();
        accept(acceptor);
    });
}

}  // namespace

int main() {
    try {
        asio::io_context io{1};
        tcp::acceptor acceptor{io, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
        accept(acceptor);
        std::printf("%u\n", unsigned{acceptor.local_endpoint().port()});
        std::fflush(stdout);
        io.run();
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "netcompute_ws_echo: %s\n", problem.what());
        return 1;
    }
}
