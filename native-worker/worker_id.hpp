#pragma once

#include <filesystem>
#include <string>

namespace netcompute::worker {

/// Where this user's worker keeps its id: $XDG_STATE_HOME/netcompute/worker-id; or the same below
/// $STATE_DIRECTORY, which a service has (systemd.exec(5)), or below ~/.local/state of $HOME, or of
/// the home that the system knows for this user. Empty if there is none of these.
[[nodiscard]] std::filesystem::path worker_id_path();

/// The id in that file, which is made if it is not there. Where it can be neither read nor
/// written, one that follows from this system's and this user's own ids (machine-id(5)), so that it
/// is the same at the next start; a fresh one where the system has none.
[[nodiscard]] std::string load_worker_id(const std::filesystem::path& path);

}  // namespace netcompute::worker
