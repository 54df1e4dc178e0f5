#pragma once

#include <netcompute/config.hpp>

#include <string>
#include <vector>

namespace netcompute::server {

/// Where people find the dashboard through a proxy.
struct PublicUrl {
    std::string origin;      ///< "https://office.example"; empty: there is no such place.
    std::string host;        ///< "office.example".
    std::string path = "/";  ///< With a slash at its end.
};
[[nodiscard]] PublicUrl public_url(const Config& config);

/// The names that HTTP answers to besides addresses: this PC's and those of the configuration.
[[nodiscard]] std::vector<std::string> host_names(const Config& config);

/// The public URL if there is one, then "http://127.0.0.1:5051/"; where the dashboard listens
/// everywhere, one URL for each address that other PCs can reach, and this PC's own last.
[[nodiscard]] std::vector<std::string> page_urls(const Config& config);

}  // namespace netcompute::server
