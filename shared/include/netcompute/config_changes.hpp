#pragma once

#include <netcompute/config.hpp>

#include <string>
#include <vector>

namespace netcompute {

/// What a config that is read again changes for a master that runs.
struct ConfigChanges {
    Config config;                        ///< The running one with what can change at once.
    std::vector<std::string> at_once;     ///< Keys, such as "limits.jobs".
    std::vector<std::string> at_restart;  ///< Keys whose new value waits for a restart.
};

[[nodiscard]] ConfigChanges config_changes(const Config& running, const Config& read);

}  // namespace netcompute
