#pragma once

#include <netcompute/config.hpp>

#include <string>
#include <vector>

namespace netcompute::server {

/// The names that HTTP answers to besides addresses: this PC's and those of the configuration.
[[nodiscard]] std::vector<std::string> host_names(const Config& config);

/// "http://127.0.0.1:5051/"; where the dashboard listens everywhere, one URL for each address that
/// other PCs can reach, and this PC's own last.
[[nodiscard]] std::vector<std::string> page_urls(const DashboardConfig& dashboard);

}  // namespace netcompute::server
