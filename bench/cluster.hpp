#pragma once

#include "child_process.hpp"
#include "http_client.hpp"
#include <netcompute/config.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace netcompute::bench {

/// A folder of its own under the system's folder for temporary files; gone with this object.
class TemporaryFolder {
 public:
    TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder();
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
    std::filesystem::path path_;
};

/// Loopback with ports that are free.
[[nodiscard]] Config free_ports();

/// Starts a worker for the master whose endpoints.json is given. Slots 0: its default.
[[nodiscard]] ChildProcess start_worker(const std::filesystem::path& endpoints, int slots,
                                        const std::filesystem::path& folder);

/// How a job went, as its client sees it.
struct JobTimes {
    double client_seconds = 0;  ///< From before the submission to the answer that it is over.
    double master_seconds = 0;  ///< The master's own figure.
    nlohmann::json document;    ///< What GET /api/v1/jobs/{id} says.
};

/// A whole cluster of processes on loopback: one netcompute-master, and workers as they are added.
class Cluster {
 public:
    /// Starts the master and waits until it answers.
    Cluster();

    void add_workers(int count, int slots);
    /// Waits until so many workers, of both kinds together, are connected.
    void wait_for_workers(std::uint32_t count);

    [[nodiscard]] HttpClient& http() { return *http_; }
    [[nodiscard]] const Config& endpoints() const { return endpoints_; }
    [[nodiscard]] pid_t master_id() const { return master_->id(); }
    [[nodiscard]] const std::vector<ChildProcess>& workers() const { return workers_; }
    /// The folder that holds Data/ for this master.
    [[nodiscard]] const std::filesystem::path& root() const { return folder_.path(); }

    /// When the job has come to another phase than this one, or is over.
    std::chrono::steady_clock::time_point wait_while(const nlohmann::json& id,
                                                     const std::string& phase);
    /// Submits over HTTP and waits for the end. Throws std::runtime_error unless it succeeds.
    JobTimes run_job(const nlohmann::json& request);

 private:
    TemporaryFolder folder_;
    std::filesystem::path endpoints_file_;
    Config endpoints_;
    std::optional<ChildProcess> master_;
    std::vector<ChildProcess> workers_;
    std::optional<HttpClient> http_;
};

}  // namespace netcompute::bench
