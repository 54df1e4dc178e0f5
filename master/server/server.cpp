#include "server/server.hpp"

#include "api/server_api.hpp"
#include "data/atomic_file.hpp"
#include "engine/api_backend.hpp"
#include "net/connection_budget.hpp"
#include "net/http/http_server.hpp"
#include "net/http/static_files.hpp"
#include "net/zmtp/zmtp_transport.hpp"
#include "server/addresses.hpp"
#include "server/asio_host.hpp"
#include "server/backup_service.hpp"
#include "server/idle_memory.hpp"
#include "server/local_worker.hpp"
#include "store/blob_store.hpp"
#include "store/sqlite_job_store.hpp"
#include "store/state_lock.hpp"
#include <netcompute/logging.hpp>

#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <chrono>
#include <random>
#include <stdexcept>

namespace netcompute::server {
namespace {

constexpr std::chrono::milliseconds goodbye_time{500};
constexpr auto idle_memory_interval = std::chrono::seconds{1};
constexpr std::uint64_t store_memory_seconds = 10;
constexpr auto left_out_lines_interval = std::chrono::seconds{5};

template <typename T>
T value_or_throw(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
}

/// Nobody can guess which results will be checked.
std::uint64_t random_seed() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

LogFile audit_file(const ServerOptions& options) {
    LogFile file = options.audit;
    if (file.path.empty()) file.path = options.state_dir / "audit.log";
    return file;
}

engine::EngineOptions engine_options(const ServerOptions& options, store::BlobStore& blobs,
                                     data::DatasetCatalog& datasets, AuditLog& audit) {
    engine::EngineOptions engine;
    engine.limits = options.limits;
    engine.gateway.audit = &audit;
    engine.gateway.join_token = options.config.security.join_token.value_or("");
    engine.gateway.sessions_per_address_max = options.config.limits.sessions_per_address;
    engine.live_jobs_max = options.config.limits.jobs;
    engine.round_tasks_max = options.config.limits.tasks_per_job;
    engine.live_tasks_max = options.config.limits.tasks;
    engine.gateway.silence_seconds = to_seconds(options.limits.lost_after);
    engine.root = options.root;
    engine.find_job_type = options.find_job_type;
    engine.blobs = &blobs;
    engine.datasets = &datasets;
    engine.seed = random_seed();
    return engine;
}

/// For the connections of all ports together.
net::ConnectionLimits connection_limits(const LimitsConfig& limits) {
    rlimit descriptors{};
    const bool known = getrlimit(RLIMIT_NOFILE, &descriptors) == 0;
    constexpr std::size_t usual_descriptors = 1024;
    return net::connection_limits(known ? descriptors.rlim_cur : usual_descriptors,
                                  {limits.connections, limits.connections_per_address},
                                  limits.sessions_per_address);
}

net::OwnNames own_names(const Config& config) {
    const PublicUrl url = public_url(config);
    return {host_names(config), url.origin, url.path};
}

net::TrustedProxies trusted_proxies(const Config& config) {
    net::TrustedProxies proxies;
    for (const std::string& text : config.security.trusted_proxies) {
        if (const auto network = IpNetwork::parse(text)) proxies.push_back(*network);
    }
    return proxies;
}

net::StaticFiles load_pages(const std::filesystem::path& web_root) {
    net::StaticFiles files;
    files.add_folder(web_root, "/web/");
    files.add_folder(web_root / "wasm", "/wasm/");
    return files;
}

}  // namespace

/// In the order in which they need each other.
struct Server::Parts {
    Parts(boost::asio::io_context& the_io, ServerOptions the_options)
        : io{the_io},
          options{std::move(the_options)},
          config{options.config},
          lock{value_or_throw(store::StateLock::take(options.state_dir))},
          audit{audit_file(options)},
          blobs{value_or_throw(store::BlobStore::open(options.state_dir / "blobs",
                                                      options.config.limits.blob_bytes))},
          datasets{value_or_throw(data::DatasetCatalog::open(options.state_dir / "datasets",
                                                             options.config.limits.dataset_bytes))},
          jobs{value_or_throw(store::SqliteJobStore::open(
              options.state_dir, {.ended_jobs_max = options.config.limits.ended_jobs}))},
          host{io},
          engine{host, engine_options(options, *blobs, *datasets, audit), *jobs},
          connections{connection_limits(options.config.limits)},
          uploads{options.root, options.config.limits.upload_bytes},
          files{load_pages(options.web_root)},
          backend{engine, [this] { return page_urls(options.config).front() + "worker"; }},
          api{io,
              {options.config.security.join_token.value_or(""), &audit, options.root},
              backend,
              uploads,
              files,
              [this](net::HttpRequest request, std::shared_ptr<net::WebSocket> socket) {
                  accept_worker(std::move(request), std::move(socket));
              }},
          zmtp{io,
               {options.config.master.ip, options.config.master.task_port,
                options.config.master.result_port, options.config.master.heartbeat_port},
               connections,
               engine.gateway()},
          http{io,
               {options.config.dashboard.host, options.config.dashboard.port,
                own_names(options.config), trusted_proxies(options.config)},
               connections,
               api.handlers()},
          backups{io, host, *jobs, audit, options.state_dir},
          left_out_lines{io},
          idle_memory_time{io} {
        if (lock.closed_to_others() > 0) {
            spdlog::warn(
                "{}: other users of this PC could get at {} of its folders and files, which hold "
                "the keys of workers' sessions; it is this user's alone now",
                options.state_dir.string(), lock.closed_to_others());
        }
        gather_descriptor_states(io);
        engine.resume();
        tell_left_out_lines();
        give_back_idle_memory();
        if (options.local_slots > 0) {
            local.emplace(io, engine.gateway(), *blobs,
                          LocalWorkerOptions{options.local_slots,
                                             options.config.security.join_token.value_or("")});
        }
    }

    void accept_worker(net::HttpRequest request, std::shared_ptr<net::WebSocket> socket) {
        auto session = std::make_shared<net::WebSocketSession>(std::move(socket), engine.gateway());
        engine.gateway().expect_hello(session, engine.now());
        session->run(std::move(request));
    }

    /// Of the log and the audit log, also where nobody causes another line.
    void tell_left_out_lines() {
        left_out_lines.expires_after(left_out_lines_interval);
        left_out_lines.async_wait([this](const boost::system::error_code& error) {
            if (error) return;
            log_left_out_lines();
            audit.write_left_out();
            tell_left_out_lines();
        });
    }

    void give_back_idle_memory() {
        idle_memory_time.expires_after(idle_memory_interval);
        idle_memory_time.async_wait([this](const boost::system::error_code& error) {
            if (error) return;
            if (++seconds_up % store_memory_seconds == 0) jobs->release_memory();
            idle_memory.give_back();
            give_back_idle_memory();
        });
    }

    boost::asio::io_context& io;
    ServerOptions options;
    Config config;  ///< As it was read: ports may be 0 in it.
    store::StateLock lock;
    AuditLog audit;
    std::unique_ptr<store::BlobStore> blobs;
    std::unique_ptr<data::DatasetCatalog> datasets;
    std::unique_ptr<store::SqliteJobStore> jobs;
    AsioHost host;
    engine::Engine engine;
    net::ConnectionBudget connections;
    data::Uploads uploads;
    net::StaticFiles files;
    engine::ApiBackend backend;
    api::ServerApi api;
    net::ZmtpTransport zmtp;
    net::HttpServer http;
    BackupService backups;
    boost::asio::steady_timer left_out_lines;
    boost::asio::steady_timer idle_memory_time;
    IdleMemory idle_memory;
    std::uint64_t seconds_up = 0;
    std::optional<LocalWorker> local;
    bool stopped = false;
};

Server::Server(boost::asio::io_context& io, ServerOptions options)
    : parts_{std::make_unique<Parts>(io, std::move(options))} {
    Config& config = parts_->options.config;
    config.master.task_port = parts_->zmtp.endpoints().task_port;
    config.master.result_port = parts_->zmtp.endpoints().result_port;
    config.master.heartbeat_port = parts_->zmtp.endpoints().heartbeat_port;
    config.dashboard.port = parts_->http.port();
    parts_->backend.set_worker_ports(config.master.task_port, config.master.result_port,
                                     config.master.heartbeat_port);
    const std::string text = endpoints_text(config);
    const auto written = data::write_file_atomically(parts_->options.state_dir / "endpoints.json",
                                                     as_byte_span(text), 0600);
    if (!written) throw std::runtime_error(written.error().message);
    spdlog::info("native workers: {} ports {} (tasks), {} (results), {} (heartbeats)",
                 config.master.ip, config.master.task_port, config.master.result_port,
                 config.master.heartbeat_port);
    audit().write({.action = "start", .who = audit_by::local, .detail = NETCOMPUTE_VERSION});
}

Server::~Server() = default;

engine::Engine& Server::engine() {
    return parts_->engine;
}

const Config& Server::endpoints() const {
    return parts_->options.config;
}

std::vector<std::string> Server::urls() const {
    return page_urls(endpoints());
}

ConfigChanges Server::reload(const Config& config) {
    ConfigChanges changes = config_changes(parts_->config, config);
    parts_->config = changes.config;
    parts_->options.config.security = changes.config.security;
    parts_->options.config.limits = changes.config.limits;
    const std::string token = changes.config.security.join_token.value_or("");
    parts_->engine.gateway().set_join_token(token);
    parts_->engine.gateway().set_sessions_per_address_max(
        changes.config.limits.sessions_per_address);
    parts_->engine.set_limits(changes.config.limits.jobs, changes.config.limits.tasks_per_job,
                              changes.config.limits.tasks);
    parts_->api.set_join_token(token);
    parts_->uploads.set_bytes_max(changes.config.limits.upload_bytes);
    parts_->http.set_names(own_names(parts_->options.config),
                           trusted_proxies(parts_->options.config));
    if (parts_->local) parts_->local->set_token(token);
    return changes;
}

AuditLog& Server::audit() {
    return parts_->audit;
}

void Server::stop() {
    if (!std::exchange(parts_->stopped, true)) {
        audit().write({.action = "stop", .who = audit_by::local});
    }
    parts_->backups.close();
    parts_->left_out_lines.cancel();
    parts_->idle_memory_time.cancel();
    parts_->http.stop();
    parts_->engine.stop("the master stops");
    parts_->zmtp.close(goodbye_time);
}

}  // namespace netcompute::server
