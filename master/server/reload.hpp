#pragma once

#include "server/server.hpp"

#include <filesystem>

namespace netcompute::server {

/// Reads the config again, as SIGHUP asks, and says in the log and the audit log what is in force
/// now and what waits for a restart. A file that is missing or bad changes nothing.
/// `keep_level`: the command line has set the log's level.
void reload_config(Server& server, const std::filesystem::path& path, bool keep_level);

}  // namespace netcompute::server
