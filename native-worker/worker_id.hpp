#pragma once

#include <filesystem>
#include <string>

namespace netcompute::worker {

/// Where this user's worker keeps its id: $XDG_STATE_HOME/netcompute/worker-id; or the same below
/// $STATE_DIRECTORY, which a service has (systemd.exec(5)), or below ~/.local/state of $HOME, or of
/// the home that the system knows for this user. Empty if there is none of these.
[[nodiscard]] std::filesystem::path worker_id_path();

/// Who a worker says that it is, and what proves it.
struct WorkerIdentity {
    std::string id;
    std::string secret;  ///< 32 hexadecimal digits; or empty, if it could not be kept.
};

/// The first two lines of that file: the id, and its secret. What is missing is made and kept, for
/// this user's eyes only; so a file with an id alone, as an administrator or a former version
/// wrote it, keeps its id. Where nothing can be written, both follow from the system's and the
/// user's own ids (machine-id(5)), so that they are the same at the next start; where the system
/// has none, they last as long as this process.
[[nodiscard]] WorkerIdentity load_worker_identity(const std::filesystem::path& path);

}  // namespace netcompute::worker
