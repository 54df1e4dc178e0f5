#pragma once

#include <filesystem>

namespace netcompute::server {

struct BackupOptions {
    std::filesystem::path state_dir = "state";
    std::filesystem::path target;
};

/// The command: has the state folder's master make a backup, or makes it where none runs, and puts
/// it at `target`, for this user alone; what was there stays until the backup is whole. Prints what
/// it did. Throws std::runtime_error, saying why, if it cannot.
void run_backup(const BackupOptions& options);

}  // namespace netcompute::server
