#pragma once

#include <filesystem>
#include <string>

namespace netcompute::worker {

/// Where this user's worker keeps its id: $XDG_STATE_HOME/netcompute/worker-id, or the same under
/// ~/.local/state. Empty if neither variable is set.
[[nodiscard]] std::filesystem::path worker_id_path();

/// Who a worker says that it is, and what proves it.
struct WorkerIdentity {
    std::string id;
    std::string secret;  ///< 32 hexadecimal digits; or empty, if it could not be kept.
};

/// The first two lines of that file: the id, and its secret. What is missing is made and kept, for
/// this user's eyes only; so a file with an id alone, as an administrator or a former version
/// wrote it, keeps its id. Where it can be neither read nor written, a fresh id that lasts as long
/// as this process.
[[nodiscard]] WorkerIdentity load_worker_identity(const std::filesystem::path& path);

}  // namespace netcompute::worker
