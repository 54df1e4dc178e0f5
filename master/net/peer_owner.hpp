#pragma once

namespace netcompute::net {

/// Whether a program of this PC holds the other end of this TCP connection, and runs as the user
/// that this process runs as, or as root: who may read this process's files anyway. False for
/// every peer whose address is not a loopback one, and where the system does not say.
[[nodiscard]] bool peer_is_this_user(int socket_descriptor);

}  // namespace netcompute::net
