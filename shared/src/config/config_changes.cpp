#include <netcompute/config_changes.hpp>

#include <array>

namespace netcompute {
namespace {

/// Takes one setting over; says whether it was another.
template <auto section, auto setting>
bool take(Config& running, const Config& read) {
    auto& mine = running.*section.*setting;
    const auto& theirs = read.*section.*setting;
    if (mine == theirs) return false;
    mine = theirs;
    return true;
}

struct Setting {
    std::string_view key;
    bool (*take)(Config& running, const Config& read);
};

constexpr std::array at_once{
    Setting{"security.join_token", take<&Config::security, &SecurityConfig::join_token>},
    Setting{"security.allowed_hosts", take<&Config::security, &SecurityConfig::allowed_hosts>},
    Setting{"security.trusted_proxies", take<&Config::security, &SecurityConfig::trusted_proxies>},
    Setting{"security.public_url", take<&Config::security, &SecurityConfig::public_url>},
    Setting{"limits.jobs", take<&Config::limits, &LimitsConfig::jobs>},
    Setting{"limits.tasks_per_job", take<&Config::limits, &LimitsConfig::tasks_per_job>},
    Setting{"limits.tasks", take<&Config::limits, &LimitsConfig::tasks>},
    Setting{"limits.upload_bytes", take<&Config::limits, &LimitsConfig::upload_bytes>},
    Setting{"limits.sessions_per_address",
            take<&Config::limits, &LimitsConfig::sessions_per_address>},
    Setting{"log.level", take<&Config::log, &LogConfig::level>},
};

constexpr std::array at_restart{
    Setting{"master.ip", take<&Config::master, &MasterConfig::ip>},
    Setting{"master.task_port", take<&Config::master, &MasterConfig::task_port>},
    Setting{"master.result_port", take<&Config::master, &MasterConfig::result_port>},
    Setting{"master.heartbeat_port", take<&Config::master, &MasterConfig::heartbeat_port>},
    Setting{"dashboard.host", take<&Config::dashboard, &DashboardConfig::host>},
    Setting{"dashboard.port", take<&Config::dashboard, &DashboardConfig::port>},
    Setting{"limits.blob_bytes", take<&Config::limits, &LimitsConfig::blob_bytes>},
    Setting{"limits.dataset_bytes", take<&Config::limits, &LimitsConfig::dataset_bytes>},
    Setting{"limits.ended_jobs", take<&Config::limits, &LimitsConfig::ended_jobs>},
    Setting{"limits.connections", take<&Config::limits, &LimitsConfig::connections>},
    Setting{"limits.connections_per_address",
            take<&Config::limits, &LimitsConfig::connections_per_address>},
};

}  // namespace

ConfigChanges config_changes(const Config& running, const Config& read) {
    ConfigChanges changes;
    changes.config = running;
    for (const Setting& setting : at_once) {
        if (setting.take(changes.config, read)) changes.at_once.emplace_back(setting.key);
    }
    Config rest = changes.config;
    for (const Setting& setting : at_restart) {
        if (setting.take(rest, read)) changes.at_restart.emplace_back(setting.key);
    }
    // A setting that is in neither list is read at the start alone.
    if (!(rest.master == read.master)) changes.at_restart.emplace_back("master");
    if (!(rest.dashboard == read.dashboard)) changes.at_restart.emplace_back("dashboard");
    if (!(rest.security == read.security)) changes.at_restart.emplace_back("security");
    if (!(rest.limits == read.limits)) changes.at_restart.emplace_back("limits");
    if (!(rest.log == read.log)) changes.at_restart.emplace_back("log");
    return changes;
}

}  // namespace netcompute
