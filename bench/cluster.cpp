#include "cluster.hpp"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace netcompute::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto start_timeout = std::chrono::seconds{60};
constexpr auto look_again_after = std::chrono::milliseconds{10};

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "netcompute-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error("cannot make a folder like " + name + ": " + std::strerror(errno));
    }
    path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Config free_ports() {
    Config config;
    config.master.task_port = 0;
    config.master.result_port = 0;
    config.master.heartbeat_port = 0;
    config.dashboard.port = 0;
    return config;
}

ChildProcess start_worker(const std::filesystem::path& endpoints, int slots,
                          const std::filesystem::path& folder) {
    std::vector<std::string> command{(program_folder() / "netcompute-worker").string(), "--config",
                                     endpoints.string()};
    if (slots > 0) command.insert(command.end(), {"--slots", std::to_string(slots)});
    return {command, folder, folder / "worker.log"};
}

Cluster::Cluster() : endpoints_file_{folder_.path() / "state" / "endpoints.json"} {
    const auto config_file = folder_.path() / "config.json";
    std::filesystem::create_directory(folder_.path() / "Data");
    auto config = nlohmann::json::parse(endpoints_text(free_ports()));
    config["limits"]["sessions_per_address"] = 10'000;  // All of them are on this PC.
    config["limits"]["connections_per_address"] = 40'000;
    std::ofstream{config_file} << config.dump();
    const std::vector<std::string> command{(program_folder() / "netcompute-master").string(),
                                           "--mode", "serve", "--config", config_file.string()};
    master_.emplace(command, folder_.path(), folder_.path() / "master.log");
    for (const auto start = Clock::now(); !std::filesystem::exists(endpoints_file_);) {
        master_->require_running();
        if (Clock::now() - start > start_timeout) {
            throw std::runtime_error("the master has not written endpoints.json");
        }
        std::this_thread::sleep_for(look_again_after);
    }
    auto endpoints = load_config(endpoints_file_, MissingConfig::IsAnError);
    if (!endpoints) throw std::runtime_error(endpoints.error().message);
    endpoints_ = std::move(*endpoints);
    http_.emplace(endpoints_.dashboard.port);
}

void Cluster::add_workers(int count, int slots) {
    for (int i = 0; i < count; ++i) {
        workers_.push_back(start_worker(endpoints_file_, slots, folder_.path()));
    }
    wait_for_workers(static_cast<std::uint32_t>(workers_.size()));
}

void Cluster::wait_for_workers(std::uint32_t count) {
    std::uint32_t connected = 0;
    for (const auto start = Clock::now(); connected < count;) {
        for (ChildProcess& worker : workers_) worker.require_running();
        master_->require_running();
        connected = http_->get("/api/v1/cluster").at("workers").at("connected");
        if (connected < count && Clock::now() - start > start_timeout) {
            throw std::runtime_error(std::to_string(connected) + " of " + std::to_string(count) +
                                     " workers have joined");
        }
        std::this_thread::sleep_for(look_again_after);
    }
}

Clock::time_point Cluster::wait_while(const nlohmann::json& id, const std::string& phase) {
    constexpr auto next_look_after = std::chrono::milliseconds{2};  // Phases are short.
    for (;;) {
        const auto job = http_->get("/api/v1/jobs/" + id.dump());
        const bool is_live = job.at("state") == "Queued" || job.at("state") == "Running";
        if (!is_live || job.at("phase") != phase) return Clock::now();
        std::this_thread::sleep_for(next_look_after);
    }
}

JobTimes Cluster::run_job(const nlohmann::json& request) {
    const auto start = Clock::now();
    const auto id = http_->post("/api/v1/jobs", request).at("id").get<std::uint64_t>();
    const std::string target = "/api/v1/jobs/" + std::to_string(id);
    JobTimes times;
    do {
        times.document = http_->get(target + "?wait=60");
    } while (times.document.at("state") == "Running" || times.document.at("state") == "Queued");
    times.client_seconds = seconds_since(start);
    times.master_seconds = times.document.at("elapsed");
    if (times.document.at("state") != "Succeeded") {
        throw std::runtime_error("the job did not succeed: " + times.document.dump());
    }
    return times;
}

}  // namespace netcompute::bench
