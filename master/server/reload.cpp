#include "server/reload.hpp"

#include <netcompute/logging.hpp>

#include <fmt/core.h>

namespace netcompute::server {
namespace {

std::string joined(const std::vector<std::string>& keys) {
    std::string text;
    for (const std::string& key : keys) text += (text.empty() ? "" : ", ") + key;
    return text.empty() ? "nothing" : text;
}

}  // namespace

void reload_config(Server& server, const std::filesystem::path& path, bool keep_level) {
    const AuditEntry entry{.action = "config reload", .who = audit_by::local};
    // One that was there may be gone while it is being replaced: that is no reason to drop a token.
    const Result<Config> config = load_config(path, MissingConfig::IsAnError);
    if (!config) {
        spdlog::error("the configuration stays as it was: {}", config.error().message);
        AuditEntry refused = entry;
        refused.outcome = error_code_name(config.error().code);
        refused.detail = config.error().message;
        return server.audit().write(refused);
    }
    const ConfigChanges changes = server.reload(*config);
    if (!keep_level) spdlog::set_level(spdlog::level::from_str(changes.config.log.level));
    spdlog::info("read {} again; in force now: {}", path.string(), joined(changes.at_once));
    if (!changes.at_restart.empty()) {
        spdlog::warn("these need a restart of the master: {}", joined(changes.at_restart));
    }
    AuditEntry done = entry;
    done.detail = fmt::format("in force: {}; at the next start: {}", joined(changes.at_once),
                              joined(changes.at_restart));
    server.audit().write(done);
}

}  // namespace netcompute::server
