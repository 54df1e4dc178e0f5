#include "api/server_api.hpp"

#include "api/openapi.hpp"
#include "api/query.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>

namespace netcompute::api {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using net::http_error;
using net::HttpRequest;
using net::HttpResponse;
namespace {

constexpr double wait_seconds_max = 60;
constexpr std::string_view worker_socket_path = "/ws/worker";
constexpr std::string_view dashboard_socket_path = "/ws/dashboard";

http::status status_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::NotFound: return http::status::not_found;
        case ErrorCode::PermissionDenied: return http::status::forbidden;
        case ErrorCode::LimitExceeded: return http::status::too_many_requests;
        case ErrorCode::Unavailable: return http::status::conflict;
        case ErrorCode::Internal:
        case ErrorCode::OutOfMemory: return http::status::internal_server_error;
        case ErrorCode::InvalidArgument:
        case ErrorCode::ShapeMismatch:
        case ErrorCode::ProtocolViolation: return http::status::bad_request;
    }
    return http::status::internal_server_error;
}

HttpResponse error_response(const Error& error) {
    return http_error(status_of(error.code), error_code_name(error.code), error.message);
}

HttpResponse json_response(const nlohmann::json& document,
                           http::status status = http::status::ok) {
    HttpResponse response;
    response.status = status;
    response.body = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return response;
}

HttpResponse text_response(std::string text, std::string content_type) {
    HttpResponse response;
    response.content_type = std::move(content_type);
    response.body = std::move(text);
    return response;
}

std::optional<JobId> job_id(std::string_view text) {
    JobId id;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id.value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return id;
}

HttpResponse no_such(std::string_view what, std::string_view id) {
    return http_error(http::status::not_found, "not_found",
                      std::string{what} + " " + std::string{id} + ": there is no such " +
                          std::string{what});
}

}  // namespace

ServerApi::ServerApi(asio::io_context& io, ServerApiOptions options, Backend& backend,
                     const net::StaticFiles& files, AcceptWorker accept_worker)
    : io_{io},
      options_{std::move(options)},
      backend_{backend},
      files_{files},
      accept_worker_{std::move(accept_worker)},
      feed_{io, backend} {}

net::HttpServer::Handlers ServerApi::handlers() {
    return {[this](HttpRequest request) { return handle(std::move(request)); },
            [this](const HttpRequest& request) { return refuse_upgrade(request); },
            [this](HttpRequest request, std::shared_ptr<net::WebSocket> socket) {
                upgrade(std::move(request), std::move(socket));
            }};
}

asio::awaitable<HttpResponse> ServerApi::handle(HttpRequest request) {
    Target target = split_target({request.target().data(), request.target().size()});
    const bool reads = request.method() == http::verb::get || request.method() == http::verb::head;
    RouteMatch match = match_route(request.method(), target.path);
    if (match.name == RouteName::NotFound) {
        const std::string path = target.path == "/"         ? "/web/index.html"
                                 : target.path == "/worker" ? "/web/worker.html"
                                                            : target.path;
        auto file = files_.find(path, std::string{request[http::field::if_none_match]});
        if (file && reads) co_return std::move(*file);
        if (file) {
            match.name = RouteName::MethodNotAllowed;
            match.allowed_methods = "GET";
        }
    }
    if (match.name == RouteName::NotFound) {
        co_return http_error(http::status::not_found, "not_found",
                             target.path + ": there is nothing here; the API is described at "
                                           "/api/v1/openapi.json");
    }
    if (match.name == RouteName::MethodNotAllowed) {
        HttpResponse response =
            http_error(http::status::method_not_allowed, "method_not_allowed",
                       std::string{request.method_string()} + " " + target.path +
                           ": this path takes " + match.allowed_methods);
        response.headers.emplace_back("Allow", match.allowed_methods);
        co_return response;
    }
    if (match.changes_something && !token_fits(request, target.query)) {
        HttpResponse response =
            http_error(http::status::unauthorized, "refused_token",
                       "this call changes something and needs the header \"Authorization: Bearer "
                       "TOKEN\" with the master's token (security.join_token in its config.json)");
        response.headers.emplace_back("WWW-Authenticate", "Bearer");
        co_return response;
    }
    // The match's argument points into target.path, which lives until the answer is there.
    co_return co_await answer(match, std::move(target.query), std::move(request));
}

asio::awaitable<HttpResponse> ServerApi::answer(RouteMatch match, std::string query,
                                                HttpRequest request) {
    const std::string argument{match.argument};
    switch (match.name) {
        case RouteName::Healthz: co_return text_response("ok\n", "text/plain; charset=utf-8");
        case RouteName::Metrics:
            co_return text_response(backend_.metrics(), "text/plain; version=0.0.4");
        case RouteName::OpenApi: co_return json_response(openapi_document());
        case RouteName::Cluster: co_return json_response(backend_.cluster());
        case RouteName::Workers: co_return json_response(backend_.workers());
        case RouteName::Jobs: co_return json_response(backend_.jobs());
        case RouteName::SubmitJob: co_return submit(request);
        case RouteName::Blob: co_return blob(argument);
        case RouteName::Worker: {
            const auto worker = backend_.worker(argument);
            co_return worker ? json_response(*worker) : no_such("worker", argument);
        }
        case RouteName::Job:
        case RouteName::CancelJob:
        case RouteName::JobResult: break;
        case RouteName::NotFound:
        case RouteName::MethodNotAllowed: co_return no_such("page", argument);
    }
    const auto id = job_id(argument);
    if (!id || !backend_.job(*id)) co_return no_such("job", argument);
    if (match.name == RouteName::CancelJob) {
        const auto cancelled = backend_.cancel(*id);
        if (!cancelled && cancelled.error().code == ErrorCode::InvalidArgument) {
            co_return http_error(http::status::conflict, "already_over", cancelled.error().message);
        }
        if (!cancelled) co_return error_response(cancelled.error());
        co_return json_response({{"id", id->value}, {"state", "Cancelled"}});
    }
    co_await wait_for_end(*id, std::move(query));
    if (match.name == RouteName::Job) {
        const auto job = backend_.job(*id);
        co_return job ? json_response(*job) : no_such("job", argument);
    }
    const auto result = backend_.job_result(*id);
    if (result) co_return json_response(*result);
    if (result.error().code == ErrorCode::NotFound) co_return error_response(result.error());
    co_return http_error(http::status::conflict, error_code_name(result.error().code),
                         result.error().message);
}

/// Where the query asks for it (?wait=SECONDS), comes back when the job is over or time is up.
asio::awaitable<void> ServerApi::wait_for_end(JobId id, std::string query) {
    const auto text = query_value(query, "wait");
    if (!text) co_return;
    double seconds = 0;
    std::from_chars(text->data(), text->data() + text->size(), seconds);
    if (!(seconds > 0)) co_return;
    auto timer = std::make_shared<asio::steady_timer>(io_);
    timer->expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>(std::min(seconds, wait_seconds_max))));
    // Expired rather than cancelled: so it also ends a wait that has not begun yet.
    backend_.when_over(id, [weak = std::weak_ptr{timer}] {
        if (const auto waiting = weak.lock()) {
            waiting->expires_at(std::chrono::steady_clock::time_point::min());
        }
    });
    const auto end = timer->expiry();
    while (std::chrono::steady_clock::now() < end &&
           timer->expiry() != std::chrono::steady_clock::time_point::min()) {
        std::ignore = co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

HttpResponse ServerApi::submit(const HttpRequest& request) {
    const auto id = backend_.submit(request.body());
    if (!id) return error_response(id.error());
    HttpResponse response = json_response({{"id", id->value}}, http::status::created);
    response.headers.emplace_back("Location", "/api/v1/jobs/" + std::to_string(id->value));
    return response;
}

HttpResponse ServerApi::blob(std::string_view hex) const {
    const auto sha256 = sha256_from_hex(hex);
    const auto found = sha256 ? backend_.blob(*sha256) : std::nullopt;
    if (!found) return no_such("blob", hex);
    HttpResponse response;
    response.content_type = "application/octet-stream";
    response.cache_control = "public, max-age=31536000, immutable";
    response.shared_body = found->bytes;
    response.owner = found->owner;
    return response;
}

/// The token may come as a header or, where a browser cannot set one, in the query.
bool ServerApi::token_fits(const HttpRequest& request, const std::string& query) const {
    if (options_.join_token.empty()) return true;
    constexpr std::string_view prefix = "Bearer ";
    std::string given{request[http::field::authorization]};
    if (given.starts_with(prefix)) given.erase(0, prefix.size());
    else given = query_value(query, "token").value_or("");
    return given.size() == options_.join_token.size() &&
           CRYPTO_memcmp(given.data(), options_.join_token.data(), given.size()) == 0;
}

std::optional<HttpResponse> ServerApi::refuse_upgrade(const HttpRequest& request) {
    const Target target = split_target({request.target().data(), request.target().size()});
    // A worker's token comes in its hello, so that the page can say what was wrong with it.
    if (target.path == worker_socket_path) return std::nullopt;
    if (target.path != dashboard_socket_path) {
        return http_error(http::status::not_found, "not_found",
                          target.path + ": there is no WebSocket here; those are /ws/worker and "
                                        "/ws/dashboard");
    }
    if (token_fits(request, target.query)) return std::nullopt;
    return http_error(http::status::unauthorized, "refused_token",
                      "the feed needs ?token=TOKEN with the master's token (security.join_token "
                      "in its config.json)");
}

void ServerApi::upgrade(HttpRequest request, std::shared_ptr<net::WebSocket> socket) {
    const Target target = split_target({request.target().data(), request.target().size()});
    if (target.path == worker_socket_path) accept_worker_(std::move(request), std::move(socket));
    else feed_.accept(std::move(request), std::move(socket));
}

}  // namespace netcompute::api
