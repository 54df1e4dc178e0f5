#include "net/http/request_head.hpp"

#include "net/http/origin.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include <algorithm>
#include <charconv>

namespace netcompute::net {
namespace http = boost::beast::http;
namespace {

constexpr std::string_view empty_line = "\r\n\r\n";

HttpResponse bad_request(std::string_view why) {
    return http_error(http::status::bad_request, "bad_request",
                      "this is not an HTTP/1.1 request: " + std::string{why});
}

/// RFC 9110, 5.6.2: what a method is made of.
bool is_token_character(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}

/// Syntax that the parser accepts and that a proxy might interpret differently.
std::optional<std::string_view> ambiguity_in_lines(std::string_view head) {
    for (std::size_t at = 0; at < head.size(); ++at) {
        const char c = head[at];
        const bool ends_line = c == '\r' && at + 1 < head.size() && head[at + 1] == '\n';
        if (c == '\0') return "a NUL in the header";
        if (c == '\n' || (c == '\r' && !ends_line)) return "a CR or an LF that ends no line";
        if (!ends_line) continue;
        ++at;
        if (at + 1 < head.size() && (head[at + 1] == ' ' || head[at + 1] == '\t')) {
            return "a header folded over two lines";
        }
    }
    return std::nullopt;
}

std::size_t count_of(const HttpRequest& request, http::field name) {
    const auto range = request.equal_range(name);
    return static_cast<std::size_t>(std::distance(range.first, range.second));
}

std::string text_of(const HttpRequest& request, http::field name) {
    return std::string{request[name]};
}

/// Reads Content-Length and Transfer-Encoding; an answer if they do not say one thing.
std::optional<HttpResponse> read_framing(RequestHead& head) {
    const HttpRequest& request = head.request;
    const std::size_t lengths = count_of(request, http::field::content_length);
    const std::size_t codings = count_of(request, http::field::transfer_encoding);
    if (lengths + codings > 1) return bad_request("the body's length is given twice");
    if (codings == 1) {
        const std::string coding = text_of(request, http::field::transfer_encoding);
        if (request.version() < 11) return bad_request("HTTP/1.0 has no Transfer-Encoding");
        if (!equal_ignoring_case(coding, "chunked")) {
            return http_error(http::status::not_implemented, "not_implemented",
                              "Transfer-Encoding: \"" + shown(coding) +
                                  "\" is not \"chunked\", the only one that this server reads");
        }
        head.is_chunked = true;
    }
    if (lengths == 1) {
        const std::string text = text_of(request, http::field::content_length);
        const char* const last = text.data() + text.size();
        const auto [end, error] = std::from_chars(text.data(), last, head.content_length);
        if (text.empty() || error != std::errc{} || end != last) {
            return bad_request("Content-Length: \"" + shown(text) + "\" is no number of bytes");
        }
    }
    return std::nullopt;
}

/// Names that say one thing only once, and the form of the target.
std::optional<HttpResponse> refuse_repeats(const HttpRequest& request) {
    for (const http::field name : {http::field::host, http::field::origin,
                                   http::field::authorization, http::field::expect}) {
        if (count_of(request, name) > 1) {
            return bad_request(std::string{http::to_string(name)} + " is given twice");
        }
    }
    const std::string_view target{request.target().data(), request.target().size()};
    const bool is_form = target.starts_with('/') || target == "*";
    if (!is_form) return bad_request("the target is not a path of this server");
    return std::nullopt;
}

/// A page of another site makes the request, as the browser itself says (W3C Fetch Metadata).
bool is_of_another_site(const HttpRequest& request) {
    const auto site = request.find("Sec-Fetch-Site");
    if (site == request.end()) return false;
    return site->value() != "same-origin" && site->value() != "none";
}

/// Somebody follows a link to a page; it is not shown within another.
bool is_followed_link(const HttpRequest& request) {
    const bool reads = request.method() == http::verb::get || request.method() == http::verb::head;
    const bool is_socket = boost::beast::websocket::is_upgrade(request);
    return reads && !is_socket && request["Sec-Fetch-Mode"] == "navigate" &&
           request["Sec-Fetch-Dest"] == "document";
}

}  // namespace

std::variant<std::size_t, HttpResponse> find_head(std::string_view text) {
    // Checked at once, so that other protocols are not waited for: TLS starts with 0x16.
    if (!text.empty() && !is_token_character(text.front())) {
        return bad_request("it does not start with a method");
    }
    const std::size_t end = text.substr(0, head_bytes_max).find(empty_line);
    if (end != std::string_view::npos) return end + empty_line.size();
    if (text.size() < head_bytes_max) return std::size_t{0};
    return http_error(http::status::request_header_fields_too_large, "limit_exceeded",
                      "the request's header is over " + std::to_string(head_bytes_max) + " bytes");
}

std::variant<RequestHead, HttpResponse> parse_head(std::string_view head) {
    if (const auto why = ambiguity_in_lines(head)) return bad_request(*why);
    http::request_parser<http::empty_body> parser;
    parser.header_limit(head_bytes_max);
    parser.body_limit(boost::none);  // Each route has its own, which its caller looks at.
    boost::beast::error_code error;
    parser.put(boost::asio::buffer(head.data(), head.size()), error);
    if (!error && !parser.is_header_done()) error = http::error::partial_message;
    if (error) return bad_request(error.message());
    RequestHead parsed;
    parsed.request = HttpRequest{parser.get().base()};
    if (auto refusal = refuse_repeats(parsed.request)) return std::move(*refusal);
    if (auto refusal = read_framing(parsed)) return std::move(*refusal);
    return parsed;
}

std::optional<HttpResponse> refuse_stranger(const HttpRequest& request, const OwnNames& names) {
    const std::string host = text_of(request, http::field::host);
    if (!host_is_ours(host, names.hosts)) {
        return http_error(http::status::forbidden, "host_refused",
                          "Host: \"" + shown(host) +
                              "\" is not a name of this server; use its address, or add the name "
                              "to security.allowed_hosts in config.json");
    }
    const auto origin = request.find(http::field::origin);
    if (origin != request.end()) {
        const std::string from{origin->value()};
        const bool is_public =
            !names.public_origin.empty() && equal_ignoring_case(from, names.public_origin);
        if (!is_public && !origin_is_ours(from, host)) {
            return http_error(http::status::forbidden, "origin_refused",
                              "Origin: \"" + shown(from) + "\" is not a page of this server (" +
                                  shown(host) + ")");
        }
    }
    if (is_of_another_site(request) && !is_followed_link(request)) {
        return http_error(http::status::forbidden, "origin_refused",
                          "Sec-Fetch-Site: another site's page asks, and may not");
    }
    return std::nullopt;
}

}  // namespace netcompute::net
