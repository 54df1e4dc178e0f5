#pragma once

#include "api/backend.hpp"
#include "api/server_api.hpp"
#include "net/http/static_files.hpp"
#include "temporary_folder.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <string_view>

namespace netcompute::fuzz {

/// A master with one job, one worker and one blob, which counts what would change it.
class CountingBackend final : public api::Backend {
 public:
    static constexpr std::uint64_t job_number = 7;

    std::size_t change_count = 0;

    [[nodiscard]] nlohmann::json cluster() override { return {{"tasks_per_second", 0}}; }
    [[nodiscard]] Result<api::ListPage> workers(const api::ListQuery&) override {
        return api::ListPage{};
    }
    [[nodiscard]] std::optional<nlohmann::json> worker(std::string_view id) override;
    /// A page, with more to come, that shows what was asked for.
    [[nodiscard]] Result<api::ListPage> jobs(const api::ListQuery& query) override;
    [[nodiscard]] std::optional<nlohmann::json> job(JobId id) override;
    [[nodiscard]] Result<nlohmann::json> job_result(JobId id) override;
    [[nodiscard]] nlohmann::json job_types() const override;
    [[nodiscard]] Result<std::vector<api::JobFile>> job_files(JobId id) override;
    [[nodiscard]] Result<JobId> submit(std::string_view body, std::string_view key) override;
    [[nodiscard]] Result<void> cancel(JobId id) override;
    [[nodiscard]] Result<void> pause(JobId id, bool paused) override;
    [[nodiscard]] Result<void> prioritize(JobId id, std::string_view body) override;
    [[nodiscard]] Result<void> drain(std::string_view worker, bool drained) override;
    [[nodiscard]] Result<void> readmit(std::string_view worker) override;
    [[nodiscard]] Result<ReceiptMaker> receipt(JobId id) override;
    void when_over(JobId, std::function<void()> callback) override { callback(); }
    void when_written(std::function<void(Result<void>)> callback) override { callback({}); }
    [[nodiscard]] std::optional<api::BlobView> blob(const Sha256& sha256) override;
    [[nodiscard]] std::string metrics() override { return "up 1\n"; }
    [[nodiscard]] nlohmann::json dashboard_state() override { return nlohmann::json::object(); }
};

/// A web site on real files, with a secret beside them, over a CountingBackend. No sockets.
class Site {
 public:
    static constexpr std::string_view token = "open-sesame";
    static constexpr std::string_view secret = "nobody may read this";
    static constexpr std::string_view host_name = "lab-pc";

    Site();

    [[nodiscard]] const net::HttpServer::Handlers& open_api() const { return open_; }
    [[nodiscard]] const net::HttpServer::Handlers& guarded_api() const { return guarded_; }
    [[nodiscard]] CountingBackend& backend() { return backend_; }

    /// What the site answers to a whole request, whose head it judges first; the backend's count
    /// is then that of this request alone.
    [[nodiscard]] net::HttpResponse answer(const net::HttpServer::Handlers& handlers,
                                           const net::HttpRequest& request);

 private:
    test_support::TemporaryFolder folder_;
    net::StaticFiles files_;
    data::Uploads uploads_;
    boost::asio::io_context io_;
    CountingBackend backend_;
    api::ServerApi open_api_;
    api::ServerApi guarded_api_;
    net::HttpServer::Handlers open_;
    net::HttpServer::Handlers guarded_;
};

}  // namespace netcompute::fuzz
