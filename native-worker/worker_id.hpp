#pragma once

#include <filesystem>
#include <string>

namespace netcompute::worker {

/// Where this user's worker keeps its id: $XDG_STATE_HOME/netcompute/worker-id, or the same under
/// ~/.local/state. Empty if neither variable is set.
[[nodiscard]] std::filesystem::path worker_id_path();

/// The id in that file, which is made if it is not there. Where it can be neither read nor
/// written, a fresh id that lasts as long as this process.
[[nodiscard]] std::string load_worker_id(const std::filesystem::path& path);

}  // namespace netcompute::worker
