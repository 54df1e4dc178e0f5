#pragma once

#include "api/backend.hpp"
#include "api/dashboard_feed.hpp"
#include "api/file_calls.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"
#include "net/http/http_server.hpp"
#include "net/http/static_files.hpp"
#include <netcompute/audit_log.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace netcompute::api {

struct ServerApiOptions {
    std::string join_token;      ///< Empty: nothing asks for a token.
    AuditLog* audit = nullptr;   ///< Hears of each call that changes something; outlives the API.
    std::filesystem::path root;  ///< The folder that holds Data/.
};

/// Everything that the dashboard port answers: pages, the API, blobs, and both WebSockets.
class ServerApi {
 public:
    /// Takes a worker's WebSocket.
    using AcceptWorker = std::function<void(net::HttpRequest, std::shared_ptr<net::WebSocket>)>;

    ServerApi(boost::asio::io_context& io, ServerApiOptions options, Backend& backend,
              data::Uploads& uploads, const net::StaticFiles& pages, AcceptWorker accept_worker);

    /// For the HttpServer.
    [[nodiscard]] net::HttpServer::Handlers handlers();
    /// Applies to calls and feeds from now on.
    void set_join_token(std::string token) { options_.join_token = std::move(token); }

 private:
    /// Those who wait for one job's end.
    struct EndWatch {
        bool is_over = false;
        std::vector<std::weak_ptr<boost::asio::steady_timer>> timers;
    };

    [[nodiscard]] net::HttpServer::Verdict look(const net::HttpRequest& head,
                                                const net::HttpPeer& peer);
    void write_down(const RouteMatch& match, const net::HttpResponse& response,
                    const net::HttpPeer& peer) const;
    /// Of what look() lets pass.
    boost::asio::awaitable<net::HttpResponse> handle(net::HttpRequest request, net::HttpPeer peer);
    [[nodiscard]] std::optional<net::HttpResponse> refuse_path(const net::HttpRequest& head,
                                                               const Target& target,
                                                               const RouteMatch& match) const;
    [[nodiscard]] net::HttpResponse answer(const RouteMatch& match, const net::HttpRequest& request,
                                           const Target& target, const net::HttpPeer& peer);
    [[nodiscard]] net::HttpResponse answer_for_job(const RouteMatch& match,
                                                   const net::HttpRequest& request);
    [[nodiscard]] net::HttpResponse change_job(const RouteMatch& match, JobId id,
                                               const nlohmann::json& job, std::string_view body);
    [[nodiscard]] net::HttpResponse answer_for_worker(const RouteMatch& match);
    [[nodiscard]] net::HttpResponse list(const RouteMatch& match, const Target& target,
                                         const net::HttpPeer& peer);
    boost::asio::awaitable<net::HttpResponse> receipt(std::string_view argument);
    boost::asio::awaitable<net::HttpResponse> receive_file(net::HttpRequest request,
                                                           net::HttpPeer peer,
                                                           net::BodyReader& body);
    boost::asio::awaitable<net::HttpResponse> job_file(const RouteMatch& match,
                                                       std::string if_none_match);
    boost::asio::awaitable<Result<void>> wait_until_written();
    /// An answer if too many polls are waiting.
    boost::asio::awaitable<std::optional<net::HttpResponse>> wait_for_end(
        JobId id, double seconds, const net::HttpPeer& peer);
    [[nodiscard]] std::optional<net::HttpResponse> refuse_upgrade(const net::HttpRequest& request,
                                                                  const net::HttpPeer& peer) const;
    void upgrade(net::HttpRequest request, std::shared_ptr<net::WebSocket> socket);
    [[nodiscard]] bool token_fits(const net::HttpRequest& request, const std::string& query) const;
    [[nodiscard]] net::HttpResponse blob(std::string_view hex) const;
    [[nodiscard]] net::HttpResponse submit(const net::HttpRequest& request,
                                           const net::HttpPeer& peer);

    boost::asio::io_context& io_;
    ServerApiOptions options_;
    Backend& backend_;
    FileCalls files_;
    const net::StaticFiles& pages_;
    AcceptWorker accept_worker_;
    DashboardFeed feed_;
    std::map<JobId, std::shared_ptr<EndWatch>> end_watches_;
    std::map<std::string, std::size_t> waiting_by_address_;
    std::size_t waiting_ = 0;
    std::size_t receipts_in_making_ = 0;
    boost::asio::thread_pool receipt_maker_{1};  ///< Last: it ends before what its work needs.
};

}  // namespace netcompute::api
