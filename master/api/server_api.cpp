#include "api/server_api.hpp"

#include "api/answers.hpp"
#include "api/audit.hpp"
#include "api/list_query.hpp"
#include "api/openapi.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>

namespace netcompute::api {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using net::http_error;
using net::HttpPeer;
using net::HttpRequest;
using net::HttpResponse;
using net::shown;
namespace {

constexpr double wait_seconds_max = 60;
constexpr std::size_t waiting_max = 2000;  ///< Each is an open connection.
constexpr std::size_t waiting_per_address_max = 64;
constexpr std::chrono::seconds waiting_look_interval{1};  ///< Whether the peer is still there.
constexpr std::size_t receipts_in_making_max = 4;         ///< Each takes the memory of its text.
constexpr std::string_view worker_socket_path = "/ws/worker";
constexpr std::string_view dashboard_socket_path = "/ws/dashboard";

std::optional<JobId> job_id(std::string_view text) {
    JobId id;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id.value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return id;
}

/// What the query asks for with wait=SECONDS, no more than can be; 0 where it does not ask.
Result<double> read_wait_seconds(const std::string& query) {
    const auto text = query_value(query, "wait");
    if (!text) return 0.0;
    double seconds = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
    if (error != std::errc{} || end != text->data() + text->size() || !(seconds >= 0)) {
        return unexpected(ErrorCode::InvalidArgument,
                          "wait: \"" + shown(*text) + "\" is not a number of seconds from 0 to 60");
    }
    return std::min(seconds, wait_seconds_max);
}

/// The file that a path stands for.
std::string file_path(const Target& target) {
    if (target.path == "/") return "/web/index.html";
    return target.path == "/worker" ? "/web/worker.html" : target.path;
}

/// Optional only because Asio needs a default-constructed one for exceptions.
asio::awaitable<std::optional<Result<std::string>>> make_receipt(Backend::ReceiptMaker maker) {
    co_return maker();
}

}  // namespace

ServerApi::ServerApi(asio::io_context& io, ServerApiOptions options, Backend& backend,
                     data::Uploads& uploads, const net::StaticFiles& pages,
                     AcceptWorker accept_worker)
    : io_{io},
      options_{std::move(options)},
      backend_{backend},
      files_{options_.root, uploads},
      pages_{pages},
      accept_worker_{std::move(accept_worker)},
      feed_{io, backend} {}

net::HttpServer::Handlers ServerApi::handlers() {
    return {[this](const HttpRequest& head, const HttpPeer& peer) { return look(head, peer); },
            [this](HttpRequest request, HttpPeer peer) {
                return handle(std::move(request), std::move(peer));
            },
            [this](const HttpRequest& request, const HttpPeer& peer) {
                return refuse_upgrade(request, peer);
            },
            [this](HttpRequest request, std::shared_ptr<net::WebSocket> socket) {
                upgrade(std::move(request), std::move(socket));
            }};
}

void ServerApi::write_down(const RouteMatch& match, const HttpResponse& response,
                           const HttpPeer& peer) const {
    if (options_.audit == nullptr) return;
    const auto who = options_.join_token.empty() ? audit_by::anyone : audit_by::token;
    if (const auto entry = audit_entry(match, response, who, peer.address)) {
        options_.audit->write(*entry);
    }
}

net::HttpServer::Verdict ServerApi::look(const HttpRequest& head, const HttpPeer& peer) {
    const Target target = split_target({head.target().data(), head.target().size()});
    const RouteMatch match = match_route(head.method(), target.path);
    auto refusal = refuse_path(head, target, match);
    if (refusal) write_down(match, *refusal, peer);
    net::HttpServer::Verdict verdict{std::move(refusal), body_bytes_max(match.name), {}};
    if (match.name == RouteName::SendFile || match.name == RouteName::PostFile) {
        verdict.receive = [this](HttpRequest request, HttpPeer from, net::BodyReader& body) {
            return receive_file(std::move(request), std::move(from), body);
        };
    }
    return verdict;
}

/// What is wrong with a request for a path or a method, with its query, or without its token.
std::optional<HttpResponse> ServerApi::refuse_path(const HttpRequest& head, const Target& target,
                                                   const RouteMatch& match) const {
    if (target.path == worker_socket_path || target.path == dashboard_socket_path) {
        // A page cannot see why its upgrade was refused, so it asks again without one.
        if (auto refusal = refuse_upgrade(head, HttpPeer{})) return refusal;
        return http_error(http::status::upgrade_required, "upgrade_required",
                          target.path + ": this is a WebSocket");
    }
    const bool is_file = match.name == RouteName::NotFound && pages_.find(file_path(target), "");
    if (match.name == RouteName::NotFound && !is_file) {
        return http_error(http::status::not_found, "not_found",
                          shown(target.path) +
                              ": there is nothing here; the API is described at "
                              "/api/v1/openapi.json");
    }
    const bool reads = head.method() == http::verb::get || head.method() == http::verb::head;
    if (is_file && reads) return std::nullopt;
    if (is_file || match.name == RouteName::MethodNotAllowed) {
        const std::string allowed = is_file ? "GET" : match.allowed_methods;
        HttpResponse response =
            http_error(http::status::method_not_allowed, "method_not_allowed",
                       shown({head.method_string().data(), head.method_string().size()}) + " " +
                           shown(target.path) + ": this path takes " + allowed);
        response.headers.emplace_back("Allow", allowed);
        return response;
    }
    if (match.changes_something && !token_fits(head, target.query)) {
        HttpResponse response =
            http_error(http::status::unauthorized, "refused_token",
                       "this call changes something and needs the header \"Authorization: Bearer "
                       "TOKEN\" with the master's token (security.join_token in its config.json)");
        response.headers.emplace_back("WWW-Authenticate", "Bearer");
        return response;
    }
    const auto query = check_query(target.query, match.parameters);
    if (!query) return error_response(query.error());
    return std::nullopt;
}

asio::awaitable<HttpResponse> ServerApi::handle(HttpRequest request, HttpPeer peer) {
    const Target target = split_target({request.target().data(), request.target().size()});
    const RouteMatch match = match_route(request.method(), target.path);
    if (match.name == RouteName::NotFound) {
        auto file =
            pages_.find(file_path(target), std::string{request[http::field::if_none_match]});
        co_return file ? std::move(*file) : no_such("page", target.path);
    }
    const bool may_wait = match.name == RouteName::Job || match.name == RouteName::JobResult;
    const auto id = may_wait ? job_id(match.argument) : std::nullopt;
    const Result<double> wait_seconds = read_wait_seconds(target.query);
    if (id && !wait_seconds) co_return error_response(wait_seconds.error());
    if (id && *wait_seconds > 0 && backend_.job(*id)) {
        auto waiting = wait_for_end(*id, *wait_seconds, peer);
        auto refusal = co_await std::move(waiting);
        if (refusal) co_return std::move(*refusal);
    }
    if (match.name == RouteName::JobReceipt) co_return co_await receipt(match.argument);
    if (match.name == RouteName::JobFile) {
        auto fetching = job_file(match, std::string{request[http::field::if_none_match]});
        co_return co_await std::move(fetching);
    }
    if (match.name == RouteName::Files || match.name == RouteName::File ||
        match.name == RouteName::EraseFile) {
        auto answering = files_.answer(match);
        HttpResponse response = co_await std::move(answering);
        write_down(match, response, peer);
        co_return response;
    }
    HttpResponse response = answer(match, request, target, peer);
    const bool has_changed = match.changes_something && is_success(response.status);
    if (has_changed) {
        const Result<void> written = co_await wait_until_written();
        if (!written) response = error_response(written.error());
    }
    write_down(match, response, peer);
    co_return response;
}

HttpResponse ServerApi::answer(const RouteMatch& match, const HttpRequest& request,
                               const Target& target, const HttpPeer& peer) {
    switch (match.name) {
        case RouteName::Healthz:
            return text_response("ok", "text/plain; charset=utf-8");
        case RouteName::Metrics:
            return text_response(backend_.metrics(), "text/plain; version=0.0.4");
        case RouteName::OpenApi:
            return json_response(openapi_document(backend_.job_types()));
        case RouteName::JobTypes:
            return json_response(backend_.job_types());
        case RouteName::Cluster:
            return json_response(backend_.cluster());
        case RouteName::Workers:
        case RouteName::Jobs:
            return list(match, target, peer);
        case RouteName::SubmitJob:
            return submit(request, peer);
        case RouteName::Blob:
            return blob(match.argument);
        case RouteName::Worker:
        case RouteName::DrainWorker:
        case RouteName::UndrainWorker:
        case RouteName::ReadmitWorker:
            return answer_for_worker(match);
        case RouteName::Job:
        case RouteName::CancelJob:
        case RouteName::PauseJob:
        case RouteName::ResumeJob:
        case RouteName::PrioritizeJob:
        case RouteName::JobResult:
        case RouteName::JobFiles:
            return answer_for_job(match, request);
        case RouteName::JobReceipt:
        case RouteName::JobFile:
        case RouteName::Files:
        case RouteName::File:
        case RouteName::SendFile:
        case RouteName::PostFile:
        case RouteName::EraseFile:
        case RouteName::NotFound:
        case RouteName::MethodNotAllowed:
            break;
    }
    return no_such("page", match.argument);
}

HttpResponse ServerApi::list(const RouteMatch& match, const Target& target, const HttpPeer& peer) {
    const auto query = read_list_query(target.query);
    if (!query) return error_response(query.error());
    const auto page =
        match.name == RouteName::Jobs ? backend_.jobs(*query) : backend_.workers(*query);
    if (!page) return error_response(page.error());
    HttpResponse response = json_response(page->items);
    if (!page->next.empty()) {
        response.headers.emplace_back("Link", "<" + peer.base_path +
                                                  next_page(target, *query, page->next).substr(1) +
                                                  ">; rel=\"next\"");
    }
    return response;
}

HttpResponse ServerApi::answer_for_job(const RouteMatch& match, const HttpRequest& request) {
    const auto id = job_id(match.argument);
    const auto job = id ? backend_.job(*id) : std::nullopt;
    if (!job) return no_such("job", match.argument);
    if (match.name == RouteName::Job) return json_response(*job);
    if (match.name == RouteName::JobFiles) {
        const auto files = backend_.job_files(*id);
        return files ? json_response(job_files_document(*files)) : error_response(files.error());
    }
    if (match.name != RouteName::JobResult) return change_job(match, *id, *job, request.body());
    const auto result = backend_.job_result(*id);
    return result ? json_response(*result) : error_response(result.error());
}

HttpResponse ServerApi::change_job(const RouteMatch& match, JobId id, const nlohmann::json& job,
                                   std::string_view body) {
    const bool pauses = match.name == RouteName::PauseJob;
    const Result<void> changed = match.name == RouteName::CancelJob ? backend_.cancel(id)
                                 : match.name == RouteName::PrioritizeJob
                                     ? backend_.prioritize(id, body)
                                     : backend_.pause(id, pauses);
    if (!changed && changed.error().code == ErrorCode::Conflict) {
        return http_error(http::status::conflict, "already_over", changed.error().message);
    }
    if (!changed) return error_response(changed.error());
    if (match.name == RouteName::CancelJob) {
        return json_response({{"id", id.value}, {"state", "Cancelled"}});
    }
    const auto changed_job = backend_.job(id);
    return json_response(changed_job ? *changed_job : job);
}

HttpResponse ServerApi::answer_for_worker(const RouteMatch& match) {
    const std::string_view id = match.argument;
    const auto worker = backend_.worker(id);
    if (!worker) return no_such("worker", id);
    if (match.name == RouteName::Worker) return json_response(*worker);
    const bool drains = match.name == RouteName::DrainWorker;
    const Result<void> changed =
        match.name == RouteName::ReadmitWorker ? backend_.readmit(id) : backend_.drain(id, drains);
    if (!changed) return error_response(changed.error());
    const auto changed_worker = backend_.worker(id);
    return json_response(changed_worker ? *changed_worker : *worker);
}

asio::awaitable<HttpResponse> ServerApi::receive_file(HttpRequest request, HttpPeer peer,
                                                      net::BodyReader& body) {
    Target target = split_target({request.target().data(), request.target().size()});
    const std::string path = target.path;  // What the match points into.
    const RouteMatch match = match_route(request.method(), path);
    auto receiving = files_.receive(match, std::move(request), std::move(target), body);
    HttpResponse response = co_await std::move(receiving);
    write_down(match, response, peer);
    co_return response;
}

asio::awaitable<HttpResponse> ServerApi::job_file(const RouteMatch& match,
                                                  std::string if_none_match) {
    const auto id = job_id(match.argument);
    if (!id) co_return no_such("job", match.argument);
    const auto files = backend_.job_files(*id);
    if (!files) co_return error_response(files.error());
    const std::string name = decode_segment(match.second).value_or("");
    const auto file = std::ranges::find(*files, name, &JobFile::name);
    if (file == files->end()) {
        std::string names;
        for (const JobFile& each : *files) names += (names.empty() ? "" : ", ") + each.name;
        co_return http_error(
            http::status::not_found, "not_found",
            "job " + std::to_string(id->value) + " wrote no file called \"" + shown(name) + "\"" +
                (names.empty() ? "; it has written none" : "; it wrote: " + names));
    }
    auto fetching = files_.fetch(*file, std::move(if_none_match));
    co_return co_await std::move(fetching);
}

/// Made on a thread of its own: that of a million tasks takes a third of a second, in which no
/// worker may wait.
asio::awaitable<HttpResponse> ServerApi::receipt(std::string_view argument) {
    const auto id = job_id(argument);
    if (!id) co_return no_such("job", argument);
    if (receipts_in_making_ >= receipts_in_making_max) {
        co_return net::http_busy(http::status::too_many_requests,
                                 "receipts are being made for others; ask again in a moment",
                                 retry_seconds);
    }
    auto maker = backend_.receipt(*id);
    if (!maker) co_return error_response(maker.error());
    ++receipts_in_making_;
    auto making = asio::co_spawn(receipt_maker_, make_receipt(std::move(*maker)),
                                 asio::as_tuple(asio::use_awaitable));
    auto [failure, text] = co_await std::move(making);
    --receipts_in_making_;
    if (failure || !text) {
        co_return http_error(http::status::internal_server_error, "out_of_memory",
                             "the receipt could not be made: this PC lacks the memory for it");
    }
    if (!*text) co_return error_response((*text).error());
    HttpResponse response = text_response(std::move(**text), "application/json");
    response.headers.emplace_back(
        "Content-Disposition",
        "attachment; filename=\"job-" + std::to_string(id->value) + "-receipt.json\"");
    co_return response;
}

/// Returns when the change is durable: a client that gets this answer can rely on it.
asio::awaitable<Result<void>> ServerApi::wait_until_written() {
    struct Watch {
        std::optional<Result<void>> written;
        asio::steady_timer timer;
    };
    const auto watch = std::make_shared<Watch>(Watch{{}, asio::steady_timer{io_}});
    backend_.when_written([watch](const Result<void>& written) {
        watch->written = written;
        watch->timer.cancel();
    });
    if (!watch->written) {
        watch->timer.expires_at(asio::steady_timer::time_point::max());
        co_await watch->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    // Not called if the server ends first.
    co_return watch->written.value_or(unexpected(ErrorCode::Unavailable, "the master stops"));
}

/// Returns when the job is over, the time is up, or the peer has hung up. All polls for one job
/// share one callback, so those that give up leave nothing behind.
asio::awaitable<std::optional<HttpResponse>> ServerApi::wait_for_end(JobId id, double seconds,
                                                                     const HttpPeer& peer) {
    const auto at_address = waiting_by_address_.find(peer.address);
    const std::size_t of_peer = at_address == waiting_by_address_.end() ? 0 : at_address->second;
    if (of_peer >= waiting_per_address_max || waiting_ >= waiting_max) {
        co_return net::http_busy(http::status::too_many_requests,
                                 std::to_string(of_peer) + " calls from " + peer.address +
                                     " wait already; ask without ?wait, or again in a moment",
                                 retry_seconds);
    }
    std::shared_ptr<EndWatch>& shared = end_watches_[id];
    if (!shared) {
        shared = std::make_shared<EndWatch>();
        backend_.when_over(id, [watch = shared] {
            watch->is_over = true;
            for (const auto& timer : watch->timers)
                if (const auto waiting = timer.lock()) waiting->cancel();
        });
    }
    const std::shared_ptr<EndWatch> watch = shared;
    ++waiting_;
    ++waiting_by_address_[peer.address];
    const auto timer = std::make_shared<asio::steady_timer>(io_);
    std::erase_if(watch->timers, [](const auto& each) { return each.expired(); });
    watch->timers.emplace_back(timer);
    const auto deadline = std::chrono::steady_clock::now() +
                          std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                              std::chrono::duration<double>(seconds));
    while (!watch->is_over && std::chrono::steady_clock::now() < deadline && !peer.is_gone()) {
        timer->expires_at(
            std::min(deadline, std::chrono::steady_clock::now() + waiting_look_interval));
        co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
    }
    --waiting_;
    if (--waiting_by_address_[peer.address] == 0) waiting_by_address_.erase(peer.address);
    std::erase_if(end_watches_, [](const auto& entry) { return entry.second->is_over; });
    co_return std::nullopt;
}

HttpResponse ServerApi::submit(const HttpRequest& request, const HttpPeer& peer) {
    const std::string key{request["Idempotency-Key"]};
    const auto id = backend_.submit(request.body(), key);
    if (!id) return error_response(id.error());
    HttpResponse response = json_response({{"id", id->value}}, http::status::created);
    response.headers.emplace_back("Location",
                                  peer.base_path + "api/v1/jobs/" + std::to_string(id->value));
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
    if (net::equal_ignoring_case(given.substr(0, prefix.size()), prefix))
        given.erase(0, prefix.size());
    else
        given = query_value(query, "token").value_or("");
    return given.size() == options_.join_token.size() &&
           CRYPTO_memcmp(given.data(), options_.join_token.data(), given.size()) == 0;
}

std::optional<HttpResponse> ServerApi::refuse_upgrade(const HttpRequest& request,
                                                      const HttpPeer& peer) const {
    const Target target = split_target({request.target().data(), request.target().size()});
    const bool is_feed = target.path == dashboard_socket_path;
    if (!is_feed && target.path != worker_socket_path) {
        return http_error(http::status::not_found, "not_found",
                          shown(target.path) +
                              ": there is no WebSocket here; those are /ws/worker and "
                              "/ws/dashboard");
    }
    // A worker's token comes in its hello, so that the page can say what was wrong with it.
    if (is_feed && !token_fits(request, target.query)) {
        return http_error(http::status::unauthorized, "refused_token",
                          "the feed needs ?token=TOKEN with the master's token "
                          "(security.join_token in its config.json)");
    }
    if (const auto query = check_query(target.query, ""); !query) {
        return error_response(query.error());
    }
    if (is_feed && !feed_.has_room(peer.address)) {
        return net::http_busy(http::status::service_unavailable,
                              "as many dashboards are open as this master serves at a time; close "
                              "some, or try again in a moment",
                              retry_seconds);
    }
    return std::nullopt;
}

void ServerApi::upgrade(HttpRequest request, std::shared_ptr<net::WebSocket> socket) {
    const Target target = split_target({request.target().data(), request.target().size()});
    if (target.path == worker_socket_path)
        accept_worker_(std::move(request), std::move(socket));
    else
        feed_.accept(std::move(request), std::move(socket));
}

}  // namespace netcompute::api
