#pragma once

#include "store/files.hpp"
#include "store/job_store.hpp"
#include "store/sqlite.hpp"

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace netcompute::store {

/// What waits for the disk of a database's write-ahead log, beside the connection that writes it.
/// Commits there flush nothing. flush() does by the log's own descriptor: a commit is durable once
/// the log is, or once a checkpoint, which flushes both files, has moved it to the database.
class WriteAheadLog {
 public:
    /// The database is open, in WAL mode, and stays open as long as this object lives.
    [[nodiscard]] static Result<std::unique_ptr<WriteAheadLog>> open(
        const std::filesystem::path& database);

    /// As JobStore::flush(). For any thread, one at a time.
    [[nodiscard]] Result<void> flush();
    /// As JobStore::upkeep(), for the thread that commits: `pages` are in the log after the last
    /// commit.
    [[nodiscard]] std::optional<Upkeep> upkeep(int pages);

 private:
    WriteAheadLog(std::filesystem::path path, int descriptor, SqliteDatabase database);
    [[nodiscard]] Result<void> checkpoint();

    std::filesystem::path path_;
    Descriptor file_;
    SqliteDatabase database_;  ///< A connection for checkpoints alone.
    std::mutex checkpointing_;
    bool flush_failed_ = false;
    int pages_before_ = 0;  ///< When upkeep was last looked for.
    int due_at_pages_;
    bool was_tried_ = false;  ///< Since the log was begun anew.
};

}  // namespace netcompute::store
