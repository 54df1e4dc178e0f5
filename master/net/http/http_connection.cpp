#include "net/http/http_connection.hpp"

#include "net/http/use_result.hpp"

#include <boost/asio/write.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <poll.h>
#include <spdlog/spdlog.h>

// g++ 12 may free a temporary twice that lives across a co_await: what a coroutine is given here
// has a name at its caller, and no co_await stands within a larger expression.

namespace netcompute::net {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
namespace {

constexpr std::chrono::seconds head_timeout{15};  ///< For a head, from the answer before it on.
constexpr std::chrono::seconds body_timeout{15};  ///< For a whole body.
/// Timeouts of an answer: without progress, and in all, plus its size at the slowest rate.
constexpr std::chrono::seconds write_step_timeout{15};
constexpr std::chrono::seconds write_timeout{30};
constexpr std::size_t write_bytes_per_second_min = std::size_t{32} << 10;
constexpr std::size_t write_step_bytes = std::size_t{64} << 10;
constexpr std::chrono::seconds linger_timeout{2};
constexpr std::size_t linger_bytes_max = std::size_t{1} << 20;
constexpr std::size_t request_step_bytes = std::size_t{4} << 10;
constexpr std::size_t buffer_bytes_max = head_bytes_max + (std::size_t{64} << 10);

asio::ip::address remote_address(const tcp::socket& socket) {
    boost::system::error_code error;
    const auto endpoint = socket.remote_endpoint(error);
    const asio::ip::address address = error ? asio::ip::address{} : endpoint.address();
    if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

bool has_hung_up(tcp::socket& socket) {
    if (!socket.is_open()) return true;
    pollfd state{socket.native_handle(), POLLRDHUP, 0};
    return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

HttpResponse too_large(std::size_t bytes_max) {
    return http_error(
        http::status::payload_too_large, "limit_exceeded",
        "the request's body is over " + std::to_string(bytes_max) + " bytes, what this call takes");
}

HttpResponse describe_body_error(const beast::error_code& error, std::size_t bytes_max) {
    if (error == http::error::body_limit) return too_large(bytes_max);
    return http_error(http::status::bad_request, "bad_request",
                      "the request's body is not well formed: " + error.message());
}

HttpResponse failed(std::string_view target, const std::exception& exception) {
    spdlog::error("HTTP {}: {}", shown(target), exception.what());
    return http_error(http::status::internal_server_error, "internal",
                      "the server failed to answer; its log says more");
}

/// What all answers say before their bodies.
template <typename Message>
void set_head(Message& message, const HttpResponse& response, std::uint64_t size, bool keep_alive) {
    message.set(http::field::content_type, response.content_type);
    message.set(http::field::cache_control, response.cache_control);
    if (!response.etag.empty()) message.set(http::field::etag, response.etag);
    message.set("X-Content-Type-Options", "nosniff");
    message.set("Referrer-Policy", "no-referrer");
    message.set("Cross-Origin-Resource-Policy", "same-origin");
    message.set("Content-Security-Policy",
                "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data:; "
                "connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; "
                "form-action 'none'; frame-ancestors 'none'");
    for (const auto& [name, value] : response.headers) message.set(name, value);
    message.keep_alive(keep_alive);
    message.content_length(size);
}

using Message = http::response<http::span_body<const char>>;

Message message_of(const HttpResponse& response, unsigned version, bool keep_alive) {
    const ByteSpan body =
        response.owner != nullptr ? response.shared_body : as_byte_span(response.body);
    Message message{response.status, version};
    set_head(message, response, body.size(), keep_alive);
    message.body() = {reinterpret_cast<const char*>(body.data()), body.size()};
    return message;
}

}  // namespace

HttpConnection::HttpConnection(std::shared_ptr<HttpShared> shared, tcp::socket socket)
    : shared_{std::move(shared)},
      stream_{std::move(socket)},
      buffer_{buffer_bytes_max},
      remote_{remote_address(stream_.socket())},
      body_share_{shared_->bodies, [this] { stream_.close(); }},
      answer_share_{shared_->answers, [this] { stream_.close(); }} {
    boost::system::error_code ignored;
    stream_.socket().set_option(tcp::no_delay{true}, ignored);
}

void HttpConnection::enter(ConnectionBudget& budget) {
    *place_.evict = [this] { stream_.close(); };
    place_.lease = budget.take(remote_, [evict = place_.evict] { (*evict)(); });
}

HttpConnection::~HttpConnection() {
    if (place_.evict != nullptr) *place_.evict = [] {};
}

asio::awaitable<void> HttpConnection::run(std::shared_ptr<HttpConnection> self) {
    for (bool goes_on = true; goes_on;) {
        auto exchanging = self->exchange();
        goes_on = co_await std::move(exchanging);
    }
    if (self->is_upgraded_) co_return;
    auto lingering = self->linger();
    co_await std::move(lingering);
}

asio::awaitable<bool> HttpConnection::exchange() {
    auto reading_head = read_head();
    const bool has_head = co_await std::move(reading_head);
    if (!has_head) co_return false;
    const HttpPeer peer = peer_of_request();
    const bool is_upgrade = beast::websocket::is_upgrade(head_.request);
    auto refusal = refuse_stranger(head_.request, shared_->options.names);
    if (!refusal && is_upgrade) refusal = shared_->handlers.refuse_upgrade(head_.request, peer);
    HttpServer::Verdict verdict;
    if (!refusal && !is_upgrade) {
        verdict = shared_->handlers.look(head_.request, peer);
        refusal = std::move(verdict.refusal);
    }
    if (!refusal && !place_.lease.prove()) {
        refusal = http_busy(http::status::service_unavailable,
                            "this server has as many connections from " + peer.address +
                                " as it takes; close some, or ask again in a moment",
                            5);
    }
    if (!refusal && is_upgrade && !head_.has_body()) {
        become_socket(peer);
        co_return false;
    }
    const bool has_body = head_.has_body();
    const bool is_received = !refusal && !is_upgrade && verdict.receive;
    if (!refusal && has_body && !is_received) {
        place_.lease.doubt();  // Until its body is there, too.
        auto reading_body = read_body(verdict.body_bytes_max);
        refusal = co_await std::move(reading_body);
        if (!stream_.socket().is_open()) co_return false;
        if (!refusal) std::ignore = place_.lease.prove();
    }
    bool keep_alive = head_.request.keep_alive() && (!refusal || !has_body);
    HttpResponse response;
    if (refusal) {
        response = std::move(*refusal);
    } else if (is_received) {
        bool is_read = true;
        auto receiving = receive(std::move(verdict), peer, is_read);
        response = co_await std::move(receiving);
        keep_alive = keep_alive && is_read;
    } else {
        auto answering = answer(peer);
        response = co_await std::move(answering);
    }
    place_.lease.doubt();
    auto writing = response.source != nullptr ? write_pieces(std::move(response), keep_alive)
                                              : write(std::move(response), keep_alive);
    const bool written = co_await std::move(writing);
    co_return written&& keep_alive;
}

std::string_view HttpConnection::buffered() const {
    const auto data = buffer_.cdata();
    return {static_cast<const char*>(data.data()), data.size()};
}

/// Takes the buffer's head into head_; an answer if it cannot be taken.
std::optional<HttpResponse> HttpConnection::take_head(std::string_view text) {
    auto parsed = parse_head(text);
    if (auto* const refusal = std::get_if<HttpResponse>(&parsed)) return std::move(*refusal);
    head_ = std::move(std::get<RequestHead>(parsed));
    method_ = head_.request.method();
    version_ = head_.request.version();
    head_text_ = text;
    buffer_.consume(text.size());
    if (buffer_.size() == 0) buffer_.shrink_to_fit();
    return std::nullopt;
}

asio::awaitable<bool> HttpConnection::read_head() {
    head_ = {};
    stream_.expires_after(head_timeout);
    std::optional<HttpResponse> refusal;
    for (;;) {
        while (buffered().starts_with("\r\n")) buffer_.consume(2);  // RFC 9112, 2.2.
        auto found = find_head(buffered() == "\r" ? std::string_view{} : buffered());
        if (auto* const answer = std::get_if<HttpResponse>(&found)) refusal = std::move(*answer);
        const std::size_t* const size = std::get_if<std::size_t>(&found);
        const bool is_whole = size != nullptr && *size > 0;
        if (is_whole) refusal = take_head(buffered().substr(0, *size));
        if (refusal) break;
        if (is_whole) co_return true;
        const auto room = buffer_.prepare(request_step_bytes);
        const auto [error, count] = co_await stream_.async_read_some(room, use_result);
        if (error) co_return false;
        buffer_.commit(count);
    }
    auto writing = write(std::move(*refusal), false);
    co_await std::move(writing);
    co_return false;
}

asio::awaitable<std::optional<HttpResponse>> HttpConnection::invite_body() {
    const std::string expectation{head_.request[http::field::expect]};
    if (expectation.empty()) co_return std::nullopt;
    if (!equal_ignoring_case(expectation, "100-continue")) {
        co_return http_error(http::status::expectation_failed, "bad_request",
                             "Expect: \"" + shown(expectation) + "\" is not 100-continue");
    }
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto bytes = asio::buffer(go_on.data(), go_on.size());
    const auto [error, count] = co_await asio::async_write(stream_, bytes, use_result);
    if (error) stream_.close();
    co_return std::nullopt;
}

/// An answer if the body cannot be read; the connection may be closed then.
asio::awaitable<std::optional<HttpResponse>> HttpConnection::read_body(std::size_t bytes_max) {
    if (head_.content_length > bytes_max) co_return too_large(bytes_max);
    stream_.expires_after(body_timeout);
    auto inviting = invite_body();
    auto refusal = co_await std::move(inviting);
    if (refusal || !stream_.socket().is_open()) co_return refusal;
    body_share_.set(head_.is_chunked ? bytes_max : head_.content_length);
    http::request_parser<http::string_body> parser;
    parser.header_limit(head_bytes_max);
    parser.body_limit(boost::none);
    beast::error_code failure;
    parser.put(asio::buffer(head_text_), failure);
    parser.body_limit(bytes_max);
    if (!failure) {
        const auto [error, count] = co_await http::async_read(stream_, buffer_, parser, use_result);
        failure = error;
    }
    body_share_.set(0);
    // Trailers (fields after a chunked body) are dropped: they must not pass for headers.
    if (!failure) head_.request.body() = std::move(parser.get().body());
    const bool is_http_error =
        failure.category() == make_error_code(http::error::bad_method).category() &&
        failure != http::error::end_of_stream && failure != http::error::partial_message;
    if (failure && !is_http_error) stream_.close();
    if (failure) co_return describe_body_error(failure, bytes_max);
    co_return std::nullopt;
}

/// Reads the body of the connection's request, a piece at a time.
class HttpConnection::PieceReader final : public BodyReader {
 public:
    explicit PieceReader(HttpConnection& connection) : connection_{connection} {
        parser_.header_limit(head_bytes_max);
        parser_.body_limit(boost::none);
        beast::error_code failure;
        parser_.put(asio::buffer(connection.head_text_), failure);
        if (failure) {  // Never of a head that was parsed before.
            failed_ = Error{ErrorCode::ProtocolViolation, failure.message()};
        }
    }

    [[nodiscard]] bool is_done() const { return !failed_ && parser_.is_done(); }
    [[nodiscard]] std::optional<std::uint64_t> size() const override {
        if (connection_.head_.is_chunked) return std::nullopt;
        return connection_.head_.content_length;
    }

    asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override {
        if (failed_) co_return unexpected(*failed_);
        auto& body = parser_.get().body();
        body.data = into.data();
        body.size = into.size();
        if (parser_.is_done()) co_return std::size_t{0};
        // A piece has this time, so a peer that sends a byte now and then does not hold its place.
        connection_.stream_.expires_after(body_timeout);
        const auto [error, count] = co_await http::async_read(
            connection_.stream_, connection_.buffer_, parser_, use_result);
        connection_.stream_.expires_never();
        if (error && error != http::error::need_buffer) {
            const bool is_form =
                error.category() == make_error_code(http::error::bad_method).category() &&
                error != http::error::end_of_stream && error != http::error::partial_message;
            failed_ = is_form ? Error{ErrorCode::ProtocolViolation,
                                      "the request's body is not well formed: " + error.message()}
                              : Error{ErrorCode::Unavailable,
                                      "the connection was lost before the body had come"};
            co_return unexpected(*failed_);
        }
        co_return into.size() - body.size;
    }

 private:
    HttpConnection& connection_;
    http::request_parser<http::buffer_body> parser_;
    std::optional<Error> failed_;
};

asio::awaitable<HttpResponse> HttpConnection::receive(HttpServer::Verdict verdict, HttpPeer peer,
                                                      bool& is_read) {
    is_read = false;
    stream_.expires_after(body_timeout);
    auto inviting = invite_body();
    auto refusal = co_await std::move(inviting);
    if (refusal) co_return std::move(*refusal);
    PieceReader reader{*this};
    const std::string target{head_.request.target()};
    HttpResponse response;
    try {
        auto receiving = verdict.receive(std::move(head_.request), std::move(peer), reader);
        response = co_await std::move(receiving);
    } catch (const std::exception& exception) {  // A bug of ours; the server goes on.
        response = failed(target, exception);
    }
    is_read = reader.is_done();
    co_return response;
}

HttpPeer HttpConnection::peer_of_request() {
    const ProxyClient client =
        client_of(head_.request, remote_.to_string(), shared_->options.trusted_proxies);
    return {client.address, client.is_forwarded,
            client.is_by_proxy ? shared_->options.names.public_path : "/",
            [this] { return has_hung_up(stream_.socket()); }};
}

asio::awaitable<HttpResponse> HttpConnection::answer(HttpPeer peer) {
    const std::string target{head_.request.target()};
    stream_.expires_never();
    HttpResponse response;
    try {
        auto handling = shared_->handlers.handle(std::move(head_.request), std::move(peer));
        response = co_await std::move(handling);
    } catch (const std::exception& exception) {  // A bug of ours; the server goes on.
        response = failed(target, exception);
    }
    co_return response;
}

asio::awaitable<bool> HttpConnection::write(HttpResponse response, bool keep_alive) {
    const bool is_head = method_ == http::verb::head;
    const Message message = message_of(response, version_, keep_alive);
    http::response_serializer<http::span_body<const char>> serializer{message};
    serializer.split(is_head);
    serializer.limit(write_step_bytes);
    const std::size_t size = message.body().size();
    const auto whole = write_timeout + std::chrono::seconds{size / write_bytes_per_second_min};
    const auto deadline = std::chrono::steady_clock::now() + whole;
    answer_share_.set(response.body.size());  // Shared bytes are there without it.
    bool is_written = true;
    while (is_written && !(is_head ? serializer.is_header_done() : serializer.is_done())) {
        stream_.expires_at(
            std::min(deadline, std::chrono::steady_clock::now() + write_step_timeout));
        const auto [error, count] =
            co_await http::async_write_some(stream_, serializer, use_result);
        is_written = !error;
    }
    answer_share_.set(0);
    co_return is_written;
}

/// Each piece has the time of a step, so what is slower than write_bytes_per_second_min ends.
asio::awaitable<bool> HttpConnection::write_pieces(HttpResponse response, bool keep_alive) {
    const std::uint64_t size = response.source->size();
    http::response<http::empty_body> head{response.status, version_};
    set_head(head, response, size, keep_alive);
    http::response_serializer<http::empty_body> serializer{head};
    stream_.expires_after(write_step_timeout);
    const auto [failure, head_bytes] =
        co_await http::async_write_header(stream_, serializer, use_result);
    if (failure) co_return false;
    if (method_ == http::verb::head) co_return true;
    for (std::uint64_t sent = 0; sent < size;) {
        stream_.expires_never();
        auto reading = response.source->next();
        const Result<Bytes> piece = co_await std::move(reading);
        if (!piece || piece->empty() || !stream_.socket().is_open()) co_return false;
        answer_share_.set(piece->size());
        stream_.expires_after(write_step_timeout +
                              std::chrono::seconds{piece->size() / write_bytes_per_second_min});
        const auto bytes = asio::buffer(piece->data(), piece->size());
        const auto [error, count] = co_await asio::async_write(stream_, bytes, use_result);
        answer_share_.set(0);
        if (error) co_return false;
        sent += piece->size();
    }
    co_return true;
}

asio::awaitable<void> HttpConnection::linger() {
    boost::system::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    buffer_.clear();
    stream_.expires_after(linger_timeout);
    for (std::size_t read = 0; read < linger_bytes_max;) {
        const auto room = buffer_.prepare(request_step_bytes);
        const auto [error, count] = co_await stream_.async_read_some(room, use_result);
        if (error) co_return;
        read += count;
    }
}

void HttpConnection::become_socket(const HttpPeer& peer) {
    is_upgraded_ = true;
    place_.lease.doubt();
    auto socket = std::make_shared<WebSocket>(std::move(stream_),
                                              WebSocketPeer{peer.address, peer.is_forwarded},
                                              std::move(place_), shared_->sockets);
    shared_->handlers.upgrade(std::move(head_.request), std::move(socket));
}

}  // namespace netcompute::net
