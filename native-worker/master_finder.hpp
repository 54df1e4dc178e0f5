#pragma once

#include <netcompute/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netcompute::worker {

/// Where a master takes native workers.
struct MasterPorts {
    std::uint16_t task = 0;
    std::uint16_t result = 0;
    std::uint16_t heartbeat = 0;
    friend bool operator==(const MasterPorts&, const MasterPorts&) = default;
};

/// From the document of GET /api/v1/cluster. Error: it is not from a NetCompute master.
[[nodiscard]] Result<MasterPorts> parse_master_ports(std::string_view document);

/// The pages of a master.
struct MasterPages {
    std::string host;
    std::uint16_t port = 0;
    std::string token;  ///< Sent as a bearer token unless empty.
};

/// Asks the master's pages for its ports, until they answer; logs why they do not, whenever that
/// changes. None: `stop`, a descriptor, became readable. Error: the token is refused.
[[nodiscard]] Result<std::optional<MasterPorts>> find_master(const MasterPages& pages, int stop);

}  // namespace netcompute::worker
