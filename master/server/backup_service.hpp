#pragma once

#include "engine/engine_host.hpp"
#include "store/sqlite_job_store.hpp"
#include <netcompute/audit_log.hpp>

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <memory>

namespace netcompute::server {

/// Where a running master is asked for a backup: a Unix socket in its state folder, which only its
/// own user can reach. Who connects and says `backup` gets, once it is done, a line `ok`, or
/// `error` and why; the backup is then in the state folder under backup_name, until that connection
/// ends.
class BackupService {
 public:
    static constexpr const char* socket_name = "control";
    static constexpr const char* backup_name = "backup.db";
    static constexpr std::string_view request = "backup\n";

    /// Without a socket, where the system allows none there, the log says why, and all else works.
    /// What it is given outlives it, and ends by close().
    BackupService(boost::asio::io_context& io, engine::EngineHost& host,
                  store::SqliteJobStore& jobs, AuditLog& audit,
                  const std::filesystem::path& state_dir);
    BackupService(const BackupService&) = delete;
    BackupService& operator=(const BackupService&) = delete;
    ~BackupService();

    /// No more backups: one that is under way is not finished.
    void close();

 private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace netcompute::server
