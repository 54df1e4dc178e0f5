#include "net/http/http_server.hpp"

#include "net/http/origin.hpp"
#include "net/port_owner.hpp"
#include <netcompute/logging.hpp>
#include <netcompute/printable.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <nlohmann/json.hpp>

#include <stdexcept>

namespace netcompute::net {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
namespace {

constexpr auto use_result = asio::as_tuple(asio::use_awaitable);
constexpr auto read_timeout = std::chrono::seconds{15};    ///< For a request to arrive whole.
constexpr auto write_timeout = std::chrono::seconds{120};  ///< For an answer to be taken.

std::string peer_address(const beast::tcp_stream& stream) {
    boost::system::error_code error;
    const auto endpoint = stream.socket().remote_endpoint(error);
    return error ? "unknown" : endpoint.address().to_string();
}

/// What is wrong with a request before anyone looks at its path; nothing if it may go on.
std::optional<HttpResponse> refuse_stranger(const HttpRequest& request,
                                            const std::vector<std::string>& host_names) {
    const std::string host{request[http::field::host]};
    if (!host_is_ours(host, host_names)) {
        return http_error(http::status::forbidden, "host_refused",
                          "Host: \"" + host +
                              "\" is not a name of this server; use its address, or add the name "
                              "to security.allowed_hosts in config.json");
    }
    const auto origin = request.find(http::field::origin);
    if (origin != request.end() && !origin_is_ours(std::string{origin->value()}, host)) {
        return http_error(http::status::forbidden, "origin_refused",
                          "Origin: \"" + std::string{origin->value()} +
                              "\" is not a page of this server (" + host + ")");
    }
    return std::nullopt;
}

// g++ 12 may free a temporary twice that lives across a co_await: what a coroutine is given here
// has a name at its caller, and no co_await stands within a larger expression.
asio::awaitable<bool> write_response(beast::tcp_stream& stream, const HttpResponse& response,
                                     const HttpRequest& request, bool keep_alive) {
    const ByteSpan body =
        response.owner != nullptr ? response.shared_body : as_byte_span(response.body);
    const bool is_head = request.method() == http::verb::head;
    http::response<http::span_body<const char>> message{response.status, request.version()};
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
    message.content_length(body.size());
    if (!is_head) {
        message.body() = {reinterpret_cast<const char*>(body.data()), body.size()};
    }
    http::response_serializer<http::span_body<const char>> serializer{message};
    serializer.split(is_head);
    stream.expires_after(write_timeout);
    if (is_head) {
        const auto [error, size] =
            co_await http::async_write_header(stream, serializer, use_result);
        co_return !error;
    }
    const auto [error, size] = co_await http::async_write(stream, serializer, use_result);
    co_return !error;
}

HttpResponse describe_read_error(const beast::error_code& error) {
    if (error == http::error::body_limit) {
        return http_error(
            http::status::payload_too_large, "limit_exceeded",
            "the request's body is over " + std::to_string(HttpServer::body_bytes_max) + " bytes");
    }
    if (error == http::error::header_limit) {
        return http_error(http::status::request_header_fields_too_large, "limit_exceeded",
                          "the request's header is over " +
                              std::to_string(HttpServer::header_bytes_max) + " bytes");
    }
    return http_error(http::status::bad_request, "bad_request",
                      "this is not an HTTP/1.1 request: " + error.message());
}

}  // namespace

HttpResponse http_error(http::status status, std::string_view code, std::string_view message) {
    HttpResponse response;
    response.status = status;
    const nlohmann::json body = {{"error", {{"code", code}, {"message", message}}}};
    response.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return response;
}

struct HttpServer::State : std::enable_shared_from_this<HttpServer::State> {
    State(asio::io_context& context, HttpServerOptions the_options, Handlers the_handlers)
        : acceptor{context}, options{std::move(the_options)}, handlers{std::move(the_handlers)} {}

    tcp::acceptor acceptor;
    HttpServerOptions options;
    Handlers handlers;
    std::size_t connection_count = 0;

    static asio::awaitable<void> accept(std::shared_ptr<State> state);
    static asio::awaitable<void> serve(std::shared_ptr<State> state, tcp::socket socket);
    static asio::awaitable<HttpResponse> answer(std::shared_ptr<State> state, HttpRequest request,
                                                HttpPeer peer);
};

asio::awaitable<void> HttpServer::State::accept(std::shared_ptr<State> state) {
    for (;;) {
        auto [error, socket] = co_await state->acceptor.async_accept(use_result);
        if (error == asio::error::operation_aborted || !state->acceptor.is_open()) co_return;
        if (error) {  // Out of descriptors, mostly: wait for some to be given back.
            log_within_budget("connection that cannot be accepted", "", spdlog::level::warn,
                              "cannot accept a connection: {}", error.message());
            asio::steady_timer pause{state->acceptor.get_executor(), std::chrono::seconds{1}};
            co_await pause.async_wait(use_result);
            continue;
        }
        if (state->connection_count >= connections_max) continue;  // Closes it.
        asio::co_spawn(state->acceptor.get_executor(), serve(state, std::move(socket)),
                       asio::detached);
    }
}

asio::awaitable<HttpResponse> HttpServer::State::answer(std::shared_ptr<State> state,
                                                        HttpRequest request, HttpPeer peer) {
    const std::string target{request.target()};
    HttpResponse response;
    try {
        response = co_await state->handlers.handle(std::move(request), std::move(peer));
    } catch (const std::exception& exception) {  // Our own mistake; the server goes on.
        log_within_budget("failed answer", "", spdlog::level::err, "HTTP {}: {}", printable(target),
                          exception.what());
        response = http_error(http::status::internal_server_error, "internal",
                              "the server failed to answer; its log says more");
    }
    co_return response;
}

asio::awaitable<void> HttpServer::State::serve(std::shared_ptr<State> state, tcp::socket socket) {
    struct Counted {
        State& state;
        explicit Counted(State& the_state) : state{the_state} { ++state.connection_count; }
        Counted(const Counted&) = delete;
        Counted& operator=(const Counted&) = delete;
        ~Counted() { --state.connection_count; }
    } const counted{*state};

    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay{true}, ignored);
    beast::tcp_stream stream{std::move(socket)};
    beast::flat_buffer buffer;
    for (bool keep_alive = true; keep_alive;) {
        http::request_parser<http::string_body> parser;
        parser.header_limit(header_bytes_max);
        parser.body_limit(body_bytes_max);
        stream.expires_after(read_timeout);
        const auto [error, size] = co_await http::async_read(stream, buffer, parser, use_result);
        const bool is_http_error =
            error && error.category() == make_error_code(http::error::bad_method).category() &&
            error != http::error::end_of_stream && error != http::error::partial_message;
        if (is_http_error) {
            const HttpResponse complaint = describe_read_error(error);
            co_await write_response(stream, complaint, parser.get(), false);
        }
        if (error) break;
        HttpRequest request = parser.release();
        const bool is_upgrade = beast::websocket::is_upgrade(request);
        std::optional<HttpResponse> refusal = refuse_stranger(request, state->options.host_names);
        if (!refusal && is_upgrade) refusal = state->handlers.refuse_upgrade(request);
        if (!refusal && is_upgrade) {
            const std::string address = peer_address(stream);
            state->handlers.upgrade(
                std::move(request),
                std::make_shared<WebSocket>(std::move(stream), address, protocol::frame_bytes_max));
            co_return;
        }
        keep_alive = request.keep_alive();
        const HttpRequest head{request.base()};
        HttpPeer peer{peer_address(stream)};
        HttpResponse response;
        if (refusal)
            response = std::move(*refusal);
        else
            response = co_await answer(state, std::move(request), std::move(peer));
        const bool written = co_await write_response(stream, response, head, keep_alive);
        keep_alive = keep_alive && written;
    }
    stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

HttpServer::HttpServer(asio::io_context& context, HttpServerOptions options, Handlers handlers)
    : state_{std::make_shared<State>(context, std::move(options), std::move(handlers))} {
    const std::string host = state_->options.host;
    const std::uint16_t port = state_->options.port;
    try {
        const tcp::endpoint endpoint{asio::ip::make_address(host), port};
        state_->acceptor.open(endpoint.protocol());
        state_->acceptor.set_option(tcp::acceptor::reuse_address{true});
        state_->acceptor.bind(endpoint);
        state_->acceptor.listen(1024);
    } catch (const boost::system::system_error& error) {
        const bool taken = error.code() == asio::error::address_in_use;
        throw std::runtime_error("cannot listen on " + host + ":" + std::to_string(port) +
                                 " (dashboard.port): " + error.code().message() +
                                 (taken ? describe_port_owner(port) : "") +
                                 "; choose another port or address in config.json");
    }
    asio::co_spawn(context, State::accept(state_), asio::detached);
}

HttpServer::~HttpServer() {
    stop();
}

std::uint16_t HttpServer::port() const {
    return state_->acceptor.local_endpoint().port();
}

void HttpServer::set_host_names(std::vector<std::string> names) {
    state_->options.host_names = std::move(names);
}

void HttpServer::stop() {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
}

}  // namespace netcompute::net
