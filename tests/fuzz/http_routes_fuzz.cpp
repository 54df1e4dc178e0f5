/// Input: the bytes of an HTTP request.
#include "api/query.hpp"
#include "api/routes.hpp"
#include "api/server_api.hpp"
#include "fuzz_target.hpp"
#include "http_site.hpp"
#include "net/http/origin.hpp"
#include "net/http/proxy_client.hpp"
#include "net/http/request_head.hpp"

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include <algorithm>

namespace netcompute::fuzz {
namespace {

namespace http = boost::beast::http;
using net::HttpRequest;
using net::HttpResponse;

bool has_control_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; });
}

void check_response(const HttpResponse& response) {
    const std::string_view body =
        response.owner != nullptr ? as_text(response.shared_body) : std::string_view{response.body};
    NETCOMPUTE_ASSERT(body.find(Site::secret) == std::string_view::npos,
                      "no answer holds a file from outside of the site");
    for (const auto& [name, value] : response.headers) {
        NETCOMPUTE_ASSERT(!has_control_character(name) && !has_control_character(value),
                          "nobody writes header lines of their own into an answer");
    }
    if (response.status < http::status::bad_request) return;
    const auto document = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
    NETCOMPUTE_ASSERT(document.is_object() && document.contains("error") &&
                          document["error"].value("code", "") != "" &&
                          document["error"].value("message", "") != "",
                      "an error is told as JSON with a code and a message");
    NETCOMPUTE_ASSERT(response.status != http::status::internal_server_error,
                      "no request makes us fail");
}

constexpr std::size_t body_bytes_max = std::size_t{1} << 20;

/// The head as the server reads it; an answer that refuses the bytes is one as any other.
std::optional<net::RequestHead> read_head(std::string_view text) {
    const auto found = net::find_head(text);
    if (const auto* const refusal = std::get_if<HttpResponse>(&found)) check_response(*refusal);
    const std::size_t* const size = std::get_if<std::size_t>(&found);
    if (size == nullptr || *size == 0) return std::nullopt;
    NETCOMPUTE_ASSERT(*size <= net::head_bytes_max && text.substr(0, *size).ends_with("\r\n\r\n"),
                      "a head ends with an empty line, and soon");
    auto parsed = net::parse_head(text.substr(0, *size));
    if (const auto* const refusal = std::get_if<HttpResponse>(&parsed)) {
        check_response(*refusal);
        return std::nullopt;
    }
    return std::get<net::RequestHead>(std::move(parsed));
}

/// The whole request as the server reads it; nothing if it is none or not whole.
std::optional<HttpRequest> read_request(std::string_view text) {
    const auto head = read_head(text);
    if (!head) return std::nullopt;
    http::request_parser<http::string_body> parser;
    parser.eager(true);
    parser.header_limit(net::head_bytes_max);
    parser.body_limit(body_bytes_max);
    while (!parser.is_done()) {
        boost::beast::error_code error;
        const std::size_t used = parser.put(boost::asio::buffer(text.data(), text.size()), error);
        if (error || used == 0) return std::nullopt;
        text.remove_prefix(used);
    }
    NETCOMPUTE_ASSERT(head->has_body() || parser.get().body().empty(),
                      "a body is where the head says that one is");
    HttpRequest request = head->request;  // What stands behind the body is no header.
    request.body() = parser.get().body();
    return request;
}

std::string lower(std::string_view text) {
    std::string lowered{text};
    for (char& c : lowered) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return lowered;
}

bool is_all_of(std::string_view text, std::string_view characters) {
    return text.find_first_not_of(characters) == std::string_view::npos;
}

/// What can stand in a Host header that is an address or one of our names; asked for in a way of
/// its own, so that a name which only looks like ours is seen.
bool may_be_ours(std::string_view host) {
    const std::string lowered = lower(host);
    for (const std::string_view name : {std::string_view{"localhost"}, Site::host_name}) {
        if (lowered == name) return true;
        const std::string with_colon = std::string{name} + ":";
        if (lowered.starts_with(with_colon)) {
            return is_all_of(std::string_view{lowered}.substr(with_colon.size()), "0123456789");
        }
    }
    const std::size_t scope = lowered.find('%');  // [fe80::1%eth0] is an address of one link.
    const std::string_view address = std::string_view{lowered}.substr(0, scope);
    const std::size_t close = scope == std::string::npos ? scope : lowered.find(']', scope);
    const std::string_view rest =
        close == std::string::npos ? "" : std::string_view{lowered}.substr(close);
    return is_all_of(address, "0123456789abcdef.:[]") && is_all_of(rest, "0123456789:]");
}

void check_stranger(const HttpRequest& request) {
    const std::string host{request[http::field::host]};
    const std::string origin{request[http::field::origin]};
    NETCOMPUTE_ASSERT(!net::host_is_ours(host, {std::string{Site::host_name}}) || may_be_ours(host),
                      "a Host that is let in is an address or a name of ours");
    const bool is_same =
        lower(origin) == "http://" + lower(host) || lower(origin) == "https://" + lower(host);
    NETCOMPUTE_ASSERT(!net::origin_is_ours(origin, host) || is_same,
                      "an Origin that is let in is the site itself");
}

/// The path that a route and its argument stand for.
std::string path_of(const api::Route& route, std::string_view argument) {
    const std::size_t open = route.path.find('{');
    if (open == std::string_view::npos) return std::string{route.path};
    return std::string{route.path.substr(0, open)} + std::string{argument} +
           std::string{route.path.substr(route.path.find('}') + 1)};
}

api::RouteMatch check_route(http::verb method, const std::string& path) {
    const api::RouteMatch match = api::match_route(method, path);
    NETCOMPUTE_ASSERT(match.argument.find('/') == std::string_view::npos,
                      "an argument is one segment of a path");
    const bool is_route =
        match.name != api::RouteName::NotFound && match.name != api::RouteName::MethodNotAllowed;
    NETCOMPUTE_ASSERT(
        (match.name == api::RouteName::MethodNotAllowed) == !match.allowed_methods.empty(),
        "a wrong method is told which would be right");
    if (!is_route) return match;
    const auto route =
        std::find_if(api::routes.begin(), api::routes.end(),
                     [&](const api::Route& each) { return each.name == match.name; });
    NETCOMPUTE_ASSERT(path_of(*route, match.argument) == path,
                      "a route with its argument is the path that was asked for");
    return match;
}

/// An address that only a trusted proxy tells is believed, and nobody else's.
void check_client(const HttpRequest& request) {
    const std::string remote = "192.0.2.1";
    const auto stranger = net::client_of(request, remote, {});
    NETCOMPUTE_ASSERT(stranger.address == remote, "a stranger cannot say who it is");
    const auto proxy = IpNetwork::parse(remote);
    const auto client = net::client_of(request, remote, {*proxy});
    NETCOMPUTE_ASSERT(IpAddress::parse(client.address).has_value(), "a client has an address");
    NETCOMPUTE_ASSERT(client.address == remote || client.is_by_proxy,
                      "nobody is somebody else without saying so");
}

void check_query(const std::string& path) {
    const std::string query =
        "other=" + api::encode_query("&=") + "&key=" + api::encode_query(path);
    NETCOMPUTE_ASSERT(api::query_value(query, "key") == path, "a query's value is decoded");
    NETCOMPUTE_ASSERT(!api::query_value(query, "ke"), "a key is compared whole");
}

bool names_token(const HttpRequest& request, const std::string& query) {
    const std::string token{Site::token};
    const std::string given{request[http::field::authorization]};
    // The name of the scheme may be written in any case (RFC 9110, 11.1); the token may not.
    return (net::equal_ignoring_case(given.substr(0, 7), "Bearer ") &&
            given.ends_with(" " + token) && given.size() == 7 + token.size()) ||
           api::query_value(query, "token") == token;
}

/// The site without a token and the one with it, which lets nobody change anything without it.
void check_answers(Site& site, const HttpRequest& request, const api::Target& target,
                   const api::RouteMatch& match) {
    const HttpResponse open = site.answer(site.open_api(), request);
    check_response(open);
    const std::size_t changes_without_token = site.backend().change_count;
    NETCOMPUTE_ASSERT(changes_without_token == 0 || match.changes_something,
                      "only calls that are known to change something do");

    const HttpResponse guarded = site.answer(site.guarded_api(), request);
    check_response(guarded);
    const bool may_change = names_token(request, target.query);
    NETCOMPUTE_ASSERT(site.backend().change_count == 0 || may_change,
                      "who does not know the token changes nothing");
    NETCOMPUTE_ASSERT(
        !match.changes_something || may_change || guarded.status == http::status::unauthorized,
        "who does not know the token is told so");
    if (match.changes_something) return;
    NETCOMPUTE_ASSERT(target.path.starts_with("/ws/") ||
                          (guarded.status == open.status && guarded.body == open.body),
                      "a token is asked of those alone who change something");
}

void check_upgrade(Site& site, const HttpRequest& request, const api::Target& target) {
    const auto refusal = site.guarded_api().refuse_upgrade(request, {});
    if (refusal) check_response(*refusal);
    const bool may = target.path == "/ws/worker" ||
                     (target.path == "/ws/dashboard" && names_token(request, target.query));
    NETCOMPUTE_ASSERT(refusal || may, "a WebSocket is where one is, for those who may");
}

}  // namespace

bool try_input(ByteSpan input) {
    // Who says the secret may be told what it said.
    if (as_text(input).find(Site::secret) != std::string_view::npos) return false;
    static Site site;
    const auto request = read_request(as_text(input));
    if (!request) return false;
    check_stranger(*request);
    const std::string_view text{request->target().data(), request->target().size()};
    const api::Target target = api::split_target(text);
    check_query(target.path);
    check_client(*request);
    const api::RouteMatch match = check_route(request->method(), target.path);
    check_upgrade(site, *request, target);
    check_answers(site, *request, target, match);

    HttpRequest get = *request;
    get.method(http::verb::get);
    HttpRequest head = *request;
    head.method(http::verb::head);
    const HttpResponse got = site.answer(site.open_api(), get);
    const HttpResponse heard = site.answer(site.open_api(), head);
    const bool names_method = got.status == http::status::method_not_allowed;
    NETCOMPUTE_ASSERT(got.status == heard.status && (names_method || got.body == heard.body),
                      "HEAD is answered as GET is");
    return got.status < http::status::bad_request;
}

}  // namespace netcompute::fuzz
