#pragma once

#include "engine/engine.hpp"
#include "jobs/job_type.hpp"
#include <netcompute/audit_log.hpp>
#include <netcompute/config.hpp>
#include <netcompute/config_changes.hpp>

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::server {

struct ServerOptions {
    Config config;
    std::filesystem::path state_dir = "state";
    std::filesystem::path root = ".";  ///< The folder that holds Data/.
    std::filesystem::path web_root;    ///< The built pages.
    std::uint32_t local_slots = 0;     ///< Slots of a worker in this process; 0: none.
    core::SchedulerLimits limits;
    /// Which job types there are: for measurements, which bring their own.
    std::function<const jobs::JobType*(std::string_view)> find_job_type = jobs::find_job_type;
    LogFile audit{{}, std::size_t{16} << 20, 10};  ///< No path: audit.log in the state folder.
};

/// A whole master: engine, store, both transports and the API, on one io_context.
class Server {
 public:
    /// Takes the state folder, binds every port and writes endpoints.json. Throws
    /// std::runtime_error that says what is wrong, where, and what to do.
    Server(boost::asio::io_context& io, ServerOptions options);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    [[nodiscard]] engine::Engine& engine();
    /// The configuration with the real ports.
    [[nodiscard]] const Config& endpoints() const;
    /// Where this master's pages are: one address, or each of this PC's on 0.0.0.0.
    [[nodiscard]] std::vector<std::string> urls() const;
    /// Takes over what a config that was read again changes at once.
    ConfigChanges reload(const Config& config);
    [[nodiscard]] AuditLog& audit();
    /// Says goodbye to the workers, closes every port.
    void stop();

 private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace netcompute::server
