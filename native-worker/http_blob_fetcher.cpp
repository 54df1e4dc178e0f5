#include "http_blob_fetcher.hpp"

#include "master_address.hpp"
#include "use_result.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <new>
#include <optional>
#include <thread>
#include <utility>

namespace netcompute::worker {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int connection_count = 2;
constexpr std::size_t piece_bytes_max = std::size_t{1} << 20;  ///< Read at a time.
constexpr std::uint32_t response_header_bytes_max = 16 * 1024;

/// The outcome of one attempt.
struct Attempt {
    Result<Bytes> bytes;
    bool may_retry = false;
};

Attempt failed(std::string why, bool may_retry) {
    return {unexpected(ErrorCode::Unavailable, std::move(why)), may_retry};
}

/// Nothing of it is used before bytes come to fill it.
bool reserve(Bytes& bytes, std::uint64_t size) {
    try {
        bytes.reserve(size);
        return true;
    } catch (const std::exception&) {  // std::bad_alloc, or std::length_error beyond any vector.
        return false;
    }
}

}  // namespace

/// The thread and its connections. All but fetch() happens on the thread.
class HttpBlobFetcher::Lines {
 public:
    Lines(BlobServer server, FetchPatience patience)
        : server_{std::move(server)},
          patience_{patience},
          host_header_{host_and_port(server_.host, server_.port)},
          asked_{context_, asio::steady_timer::time_point::max()} {
        for (int i = 0; i < connection_count; ++i) {
            asio::co_spawn(context_, serve(), asio::detached);
        }
        thread_ = std::thread{[this] { context_.run(); }};
    }
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;
    /// Called before any member is destroyed: the thread may still be in fetch().
    void stop() {
        context_.stop();
        thread_.join();
    }

    void fetch(const Sha256& sha256, std::uint64_t size, Done done) {
        asio::post(context_, [this, request = Request{sha256, size, std::move(done)}]() mutable {
            queue_.push_back(std::move(request));
            asked_.cancel();  // Wakes every connection that waits for something to do.
        });
    }

 private:
    struct Request {
        Sha256 sha256;
        std::uint64_t size = 0;
        Done done;
    };

    /// Serves requests over one connection until the fetcher ends.
    asio::awaitable<void> serve() {
        beast::tcp_stream stream{context_};
        for (;;) {
            while (queue_.empty()) co_await asked_.async_wait(use_result);
            const Request request = std::move(queue_.front());
            queue_.pop_front();
            Result<Bytes> bytes = co_await fetch_patiently(stream, request.sha256, request.size);
            request.done(std::move(bytes));
        }
    }

    asio::awaitable<Result<Bytes>> fetch_patiently(beast::tcp_stream& stream, Sha256 sha256,
                                                   std::uint64_t size) {
        auto pause = patience_.first_pause;
        for (int attempt = 1;; ++attempt) {
            const bool was_connected = stream.socket().is_open();
            Attempt result = co_await fetch_once(stream, sha256, size);
            if (result.bytes) co_return std::move(result.bytes);
            stream.close();
            if (!result.may_retry || attempt >= patience_.attempts) {
                co_return unexpected(ErrorCode::Unavailable, "http://" + host_header_ + "/blobs/" +
                                                                 to_hex(sha256) + ": " +
                                                                 result.bytes.error().message);
            }
            if (was_connected) continue;  // Probably closed because it was idle: try a new one.
            asio::steady_timer timer{context_, pause};
            co_await timer.async_wait(use_result);
            pause *= 2;
        }
    }

    asio::awaitable<Attempt> fetch_once(beast::tcp_stream& stream, Sha256 sha256,
                                        std::uint64_t size) {
        if (size > server_.blob_bytes_max) {
            co_return failed("its " + std::to_string(size) + " bytes are more than the " +
                                 std::to_string(server_.blob_bytes_max) +
                                 " that this PC takes, half of its memory",
                             false);
        }
        if (!stream.socket().is_open()) {
            const error_code error = co_await connect(stream);
            if (error) co_return failed("cannot connect: " + error.message(), true);
        }
        http::request<http::empty_body> request{http::verb::get, "/blobs/" + to_hex(sha256), 11};
        request.set(http::field::host, host_header_);
        if (!server_.token.empty()) {
            request.set(http::field::authorization, "Bearer " + server_.token);
        }
        stream.expires_after(patience_.silence);
        const auto [write_error, written] = co_await http::async_write(stream, request, use_result);
        if (write_error) co_return failed("cannot ask: " + write_error.message(), true);

        beast::flat_buffer buffer;
        http::response_parser<http::buffer_body> parser;
        parser.header_limit(response_header_bytes_max);
        parser.body_limit(boost::none);  // Its length is compared with the promised size below.
        const auto [header_error, header_bytes] =
            co_await http::async_read_header(stream, buffer, parser, use_result);
        if (header_error) co_return failed("no answer: " + header_error.message(), true);
        const unsigned status = parser.get().result_int();
        if (status != 200) {
            const bool may_pass = status == 429 || status >= 500;
            co_return failed("the master answers " + std::to_string(status), may_pass);
        }
        const auto length = parser.content_length();
        if (!length || *length != size) {
            co_return failed("the master has another size than the " + std::to_string(size) +
                                 " bytes it promised",
                             false);
        }
        Bytes bytes;
        if (!reserve(bytes, size)) {
            co_return failed(std::to_string(size) + " bytes do not fit into memory", false);
        }
        const error_code read_error = co_await read_body(stream, buffer, parser, bytes, size);
        if (read_error) co_return failed("the answer broke off: " + read_error.message(), true);
        if (auto verified = verify_blob(bytes, sha256, size); !verified) {
            co_return failed(verified.error().message, true);
        }
        stream.expires_never();
        if (!parser.keep_alive()) stream.close();
        co_return Attempt{std::move(bytes), false};
    }

    asio::awaitable<error_code> connect(beast::tcp_stream& stream) {
        tcp::resolver resolver{context_};
        const auto [resolve_error, addresses] =
            co_await resolver.async_resolve(server_.host, std::to_string(server_.port), use_result);
        if (resolve_error) co_return resolve_error;
        stream.expires_after(patience_.silence);
        const auto [connect_error, address] = co_await stream.async_connect(addresses, use_result);
        if (connect_error) co_return connect_error;
        error_code ignored;
        stream.socket().set_option(tcp::no_delay{true}, ignored);
        co_return error_code{};
    }

    /// Appends what arrives to `bytes`, up to its reserved size.
    asio::awaitable<error_code> read_body(beast::tcp_stream& stream, beast::flat_buffer& buffer,
                                          http::response_parser<http::buffer_body>& parser,
                                          Bytes& bytes, std::uint64_t size) {
        std::byte spare{};  // Even an empty body needs somewhere to go.
        while (!parser.is_done()) {
            const std::size_t filled = bytes.size();
            const std::size_t room = std::min<std::size_t>(size - filled, piece_bytes_max);
            bytes.resize(filled + room);
            auto& body = parser.get().body();
            body.data = room == 0 ? &spare : bytes.data() + filled;
            body.size = room;
            body.more = true;
            stream.expires_after(patience_.silence);
            const auto [error, count] =
                co_await http::async_read(stream, buffer, parser, use_result);
            if (error && error != http::error::need_buffer) co_return error;
            bytes.resize(filled + room - body.size);
        }
        co_return error_code{};
    }

    const BlobServer server_;
    const FetchPatience patience_;
    const std::string host_header_;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> stays_{context_.get_executor()};
    asio::steady_timer asked_;  ///< Never expires; cancelled when there is something to do.
    std::deque<Request> queue_;
    std::thread thread_;
};

std::uint64_t half_of_memory() {
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page_bytes = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page_bytes <= 0) return std::numeric_limits<std::uint64_t>::max();
    return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes) / 2;
}

HttpBlobFetcher::HttpBlobFetcher(BlobServer server, FetchPatience patience)
    : lines_{std::make_unique<Lines>(std::move(server), patience)} {}
HttpBlobFetcher::~HttpBlobFetcher() {
    lines_->stop();
}

void HttpBlobFetcher::fetch(const Sha256& sha256, std::uint64_t size, Done done) {
    lines_->fetch(sha256, size, std::move(done));
}

}  // namespace netcompute::worker
