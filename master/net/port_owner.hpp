#pragma once

#include <cstdint>
#include <string>

namespace netcompute::net {

/// Who listens on a TCP port of this PC, for an error message: " (in use by netcompute-master,
/// process 4711)"; empty if that cannot be found out.
[[nodiscard]] std::string describe_port_owner(std::uint16_t port);

}  // namespace netcompute::net
