#pragma once

#include <netcompute/result.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute {

/// Where the master listens for native workers, and where they connect.
struct MasterConfig {
    std::string ip = "127.0.0.1";
    std::uint16_t task_port = 5555;  ///< 0 takes a free port; so for all ports.
    std::uint16_t result_port = 5556;
    std::uint16_t heartbeat_port = 5557;
    friend bool operator==(const MasterConfig&, const MasterConfig&) = default;
};

/// Where the pages, the API and browser workers are served.
struct DashboardConfig {
    std::string host = "127.0.0.1";
    std::uint16_t port = 5051;
    friend bool operator==(const DashboardConfig&, const DashboardConfig&) = default;
};

/// Who may take part.
struct SecurityConfig {
    std::optional<std::string> join_token;   ///< Visible ASCII, at least join_token_bytes_min.
    std::vector<std::string> allowed_hosts;  ///< More names, in lower case, that HTTP answers to.
    /// Addresses and networks of proxies that may say for whom they ask.
    std::vector<std::string> trusted_proxies;
    /// Where people find the dashboard, if not at this PC's address: "https://host/path/".
    std::optional<std::string> public_url;
    friend bool operator==(const SecurityConfig&, const SecurityConfig&) = default;
};

/// How much one master takes on; what comes beyond is refused, and told so.
struct LimitsConfig {
    std::uint64_t jobs = 1000;                              ///< That are not over.
    std::uint64_t tasks_per_job = 10'000'000;               ///< In one of its rounds.
    std::uint64_t tasks = 20'000'000;                       ///< In those of all jobs not over.
    std::uint64_t blob_bytes = std::uint64_t{64} << 30;     ///< Inputs of live jobs, on the disk.
    std::uint64_t dataset_bytes = std::uint64_t{64} << 30;  ///< Tables that were read.
    std::uint64_t upload_bytes = std::uint64_t{64} << 30;   ///< Files that people sent.
    std::uint64_t sessions_per_address = 512;  ///< Workers that are connected from one PC.
    std::uint64_t ended_jobs = 1000;           ///< That are kept, with their receipts.
    /// Over all ports, and of one PC; 0: as many as the system's limit of open files allows.
    std::uint64_t connections = 0;
    std::uint64_t connections_per_address = 0;
    friend bool operator==(const LimitsConfig&, const LimitsConfig&) = default;
};

/// What the log tells.
struct LogConfig {
    std::string level = "info";  ///< One of log_level_names.
    friend bool operator==(const LogConfig&, const LogConfig&) = default;
};

/// From the one that tells most; spdlog's names.
inline constexpr std::array<std::string_view, 7> log_level_names{
    "trace", "debug", "info", "warning", "error", "critical", "off"};

/// What config.json says; a default-made one is what an empty file says.
struct Config {
    MasterConfig master;
    DashboardConfig dashboard;
    SecurityConfig security;
    LimitsConfig limits;
    LogConfig log;
    friend bool operator==(const Config&, const Config&) = default;
};

inline constexpr std::size_t join_token_bytes_min = 8;
inline constexpr std::size_t join_token_bytes_max = 256;

/// The config that a JSON text holds; missing keys take their defaults. `name` is what messages
/// call the text, usually its path.
/// Errors: InvalidArgument naming file, key and value: broken JSON, an unknown key, a bad value,
/// the same port twice on one address.
[[nodiscard]] Result<Config> parse_config(std::string_view text, std::string_view name);

/// What a config file that is not there means.
enum class MissingConfig {
    IsAnError,      ///< Somebody named this file.
    MeansDefaults,  ///< It is the file that is looked for when nobody names one.
};

/// Errors: those of parse_config() and read_text_file().
[[nodiscard]] Result<Config> load_config(const std::filesystem::path& path, MissingConfig missing);

/// The text of endpoints.json: addresses and real ports in the shape of config.json, so it can be
/// given as --config. The security section is left out: a secret is kept in one place.
[[nodiscard]] std::string endpoints_text(const Config& config);

}  // namespace netcompute
