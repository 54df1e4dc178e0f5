#include "store/write_ahead_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace netcompute::store {
namespace {

constexpr int pages_due = 1000;  ///< 4 MB.

}  // namespace

WriteAheadLog::WriteAheadLog(std::filesystem::path path, int descriptor, SqliteDatabase database)
    : path_{std::move(path)},
      file_{descriptor},
      database_{std::move(database)},
      due_at_pages_{pages_due} {}

Result<std::unique_ptr<WriteAheadLog>> WriteAheadLog::open(const std::filesystem::path& database) {
    auto opened = SqliteDatabase::open(database);
    if (!opened) return unexpected(opened.error());
    // A connection that has read nothing yet knows of no log, and moves nothing.
    const auto version = opened->number("PRAGMA schema_version");
    if (!version) return unexpected(version.error());
    std::filesystem::path path = database;
    path += "-wal";
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return file_error(path, "open", errno);
    return std::unique_ptr<WriteAheadLog>{
        new WriteAheadLog{std::move(path), descriptor, std::move(*opened)}};
}

Result<void> WriteAheadLog::flush() {
    if (flush_failed_) {
        // The system may have dropped what it could not write, and would not say so twice. The
        // database gets its own copy of it.
        if (auto moved = checkpoint(); !moved) return moved;
    }
    flush_failed_ = ::fdatasync(file_.get()) != 0;
    if (flush_failed_) {
        return unexpected(ErrorCode::Unavailable,
                          path_.string() + ": cannot be written: " + reason_and_next_step(errno));
    }
    return {};
}

Result<void> WriteAheadLog::checkpoint() {
    const std::lock_guard lock{checkpointing_};
    return database_.checkpoint();
}

/// At first commits go on meanwhile. What they add is moved while they wait, so that the log can
/// restart; continuous commits would make it grow without limit.
std::optional<Upkeep> WriteAheadLog::upkeep(int pages) {
    if (pages < pages_before_) {
        due_at_pages_ = pages_due;
        was_tried_ = false;
    }
    pages_before_ = pages;
    if (pages < due_at_pages_) return std::nullopt;
    const bool holds_commits = std::exchange(was_tried_, true);
    // If even that did not do, which is when the disk is full, the log is let grow for a while.
    due_at_pages_ = holds_commits ? 2 * pages : pages;
    return Upkeep{[this] { return checkpoint(); }, holds_commits};
}

}  // namespace netcompute::store
