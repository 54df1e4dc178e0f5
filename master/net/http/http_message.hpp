#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>  // Boost 1.81's string_view needs it and does not include it.
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netcompute::net {

/// A request; while only its head has come, its body is empty.
using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;

/// A request's body, for who takes it piece by piece because it is too large to be kept.
class BodyReader {
 public:
    BodyReader() = default;
    BodyReader(const BodyReader&) = delete;
    BodyReader& operator=(const BodyReader&) = delete;
    virtual ~BodyReader() = default;

    /// Nothing where it is sent in chunks, which tell no size in advance.
    [[nodiscard]] virtual std::optional<std::uint64_t> size() const = 0;
    /// Fills `into` as far as the body goes; 0 at its end. Errors: Unavailable if the peer hangs up
    /// or is too slow, ProtocolViolation for a body that is not well formed.
    virtual boost::asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) = 0;
};

/// An answer's body, given piece by piece because it is too large to be kept.
class BodySource {
 public:
    BodySource() = default;
    BodySource(const BodySource&) = delete;
    BodySource& operator=(const BodySource&) = delete;
    virtual ~BodySource() = default;

    [[nodiscard]] virtual std::uint64_t size() const = 0;
    /// The next bytes: some, as long as there are any. After an error the connection is closed,
    /// so that the peer sees that something is missing.
    virtual boost::asio::awaitable<Result<Bytes>> next() = 0;
};

struct HttpResponse {
    boost::beast::http::status status = boost::beast::http::status::ok;
    std::string content_type = "application/json";
    std::string cache_control = "no-store";
    std::string etag;
    std::string body;
    /// Instead of `body`: bytes that `owner` keeps alive, sent without a copy.
    ByteSpan shared_body;
    std::shared_ptr<const void> owner;
    std::shared_ptr<BodySource> source;  ///< Instead of both.
    std::vector<std::pair<std::string, std::string>> headers;
};

/// Who sent a request.
struct HttpPeer {
    /// Of the client, which a trusted proxy tells; else of the other end of the connection.
    std::string address;
    /// The request came through a proxy that is not trusted: the address is the proxy's.
    bool is_forwarded = false;
    /// The path below which the client sees the server's "/": a proxy may serve it below a path.
    std::string base_path = "/";
    /// Whether the other end has hung up, so that nobody waits for an answer any more.
    std::function<bool()> is_gone = [] { return false; };
};

/// `{"error": {"code": …, "message": …}}`
[[nodiscard]] HttpResponse http_error(boost::beast::http::status status, std::string_view code,
                                      std::string_view message);

/// A temporary error: the same call may be repeated after `seconds`.
[[nodiscard]] HttpResponse http_busy(boost::beast::http::status status, std::string_view message,
                                     int seconds);

/// An untrusted text, made safe and short enough for a message.
[[nodiscard]] std::string shown(std::string_view text);

/// Whether two texts are equal but for the case of ASCII letters.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace netcompute::net
