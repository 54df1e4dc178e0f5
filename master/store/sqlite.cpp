#include "store/sqlite.hpp"

#include "store/files.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <tuple>

namespace netcompute::store {
namespace {

std::string file_of(sqlite3* database) {
    const char* const name = sqlite3_db_filename(database, "main");
    return name == nullptr ? "the database" : shown_path(name);
}

/// Why the system refused the last operation: as the statement noted it or, where other calls came
/// in between, as the log's file still knows it.
int system_errno(sqlite3* database) {
    int number = sqlite3_system_errno(database);
    sqlite3_file* log = nullptr;
    sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log));
    if (number == 0 && log != nullptr && log->pMethods != nullptr) {
        log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &number);
    }
    return number;
}

Unexpected sqlite_error(sqlite3* database, int code) {
    const std::string file = file_of(database) + ": ";
    const auto unavailable = [&](std::string_view text) {
        return unexpected(ErrorCode::Unavailable, file + std::string{text});
    };
    switch (code & 0xff) {
        case SQLITE_FULL:
            return unavailable("cannot be written: the disk is full; free some space");
        case SQLITE_READONLY:
        case SQLITE_PERM:
            return unavailable("is read-only; make the file and its folder writable");
        case SQLITE_IOERR:
            return unavailable("cannot be read or written: " +
                               reason_and_next_step(system_errno(database)));
        case SQLITE_CANTOPEN:
            return unavailable("cannot be opened: " + reason_and_next_step(system_errno(database)));
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return unavailable("another program has it open; close that one");
        case SQLITE_NOTADB:
            return unavailable("is not a database; move it away, or choose another --state-dir");
        case SQLITE_CORRUPT:
            return unavailable(
                "is damaged; put a copy in its place, move it away, or choose another --state-dir");
        case SQLITE_NOMEM:
            return unexpected(ErrorCode::OutOfMemory, file + "there is no memory left to use it");
        case SQLITE_TOOBIG:
            return unexpected(ErrorCode::LimitExceeded,
                              file + "a record is larger than a database can hold (1 GB)");
        default:
            return unexpected(ErrorCode::Internal, file + sqlite3_errmsg(database));
    }
}

/// Why a database could not be opened for writing. SQLite's own answer is why it could not be
/// opened for reading either, which it tries next.
int opening_errno(const std::filesystem::path& path) {
    errno = 0;
    if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) != 0 && errno == ENOENT) {
        errno = 0;
        std::ignore = ::faccessat(AT_FDCWD, path.parent_path().c_str(), W_OK | X_OK, AT_EACCESS);
    }
    return errno;
}

}  // namespace

// ---- Statements ---------------------------------------------------------------------------------

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

Result<bool> SqliteStatement::step() {
    const int code = bind_error_ != SQLITE_OK ? bind_error_ : sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return sqlite_error(sqlite3_db_handle(statement_.get()), code);
}

void SqliteStatement::reset() {
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
    bind_error_ = SQLITE_OK;
}

void SqliteStatement::note_bind(int code) {
    if (code != SQLITE_OK) bind_error_ = code;
}

void SqliteStatement::bind(int place, std::nullopt_t) {
    note_bind(sqlite3_bind_null(statement_.get(), place));
}

void SqliteStatement::bind(int place, std::int64_t value) {
    note_bind(sqlite3_bind_int64(statement_.get(), place, value));
}

void SqliteStatement::bind(int place, double value) {
    note_bind(sqlite3_bind_double(statement_.get(), place, value));
}

void SqliteStatement::bind(int place, std::string_view text) {
    const char* const start = text.data() == nullptr ? "" : text.data();
    note_bind(sqlite3_bind_text64(statement_.get(), place, start, text.size(), SQLITE_STATIC,
                                  SQLITE_UTF8));
}

void SqliteStatement::bind(int place, ByteSpan bytes) {
    const void* const start = bytes.data() == nullptr ? "" : static_cast<const void*>(bytes.data());
    note_bind(sqlite3_bind_blob64(statement_.get(), place, start, bytes.size(), SQLITE_STATIC));
}

bool SqliteStatement::is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t SqliteStatement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

double SqliteStatement::real(int column) const {
    return sqlite3_column_double(statement_.get(), column);
}

std::string SqliteStatement::text(int column) const {
    return std::string{as_text(blob(column))};
}

ByteSpan SqliteStatement::blob(int column) const {
    const void* const start = sqlite3_column_blob(statement_.get(), column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return {static_cast<const std::byte*>(start), start == nullptr ? 0 : size};
}

// ---- The database -------------------------------------------------------------------------------

void SqliteDatabase::Close::operator()(sqlite3* database) const {
    sqlite3_close(database);
}

SqliteDatabase::SqliteDatabase(sqlite3* database) : database_{database} {
    if (database == nullptr) return;
    const auto note = [](void* pages, sqlite3*, const char*, int log_pages) {
        *static_cast<int*>(pages) = log_pages;
        return SQLITE_OK;
    };
    // In the place of SQLite's own, which would move the log to the database within a commit.
    sqlite3_wal_hook(database, note, log_pages_.get());
}

Result<SqliteDatabase> SqliteDatabase::open(const std::filesystem::path& path) {
    // For this user alone from its first byte; SQLite gives the files beside it the same mode.
    const Descriptor made{
        ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    sqlite3* opened = nullptr;
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(path.c_str(), &opened, flags, "unix-excl");
    SqliteDatabase database{opened};
    if (opened == nullptr) {
        return unexpected(ErrorCode::OutOfMemory, shown_path(path) + ": no memory to open it");
    }
    if (code != SQLITE_OK) {
        return unexpected(ErrorCode::Unavailable, shown_path(path) + ": cannot be opened: " +
                                                      reason_and_next_step(opening_errno(path)));
    }
    // SQLite opens a file that may not be written all the same, for reading.
    if (sqlite3_db_readonly(opened, "main") == 1) return sqlite_error(opened, SQLITE_READONLY);
    return database;
}

Result<void> SqliteDatabase::execute(const std::string& statements) {
    const int code = sqlite3_exec(database_.get(), statements.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return sqlite_error(database_.get(), code);
    return {};
}

Result<SqliteStatement> SqliteDatabase::prepare(std::string_view statement) {
    sqlite3_stmt* prepared = nullptr;
    const int code =
        sqlite3_prepare_v3(database_.get(), statement.data(), static_cast<int>(statement.size()),
                           SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    if (code != SQLITE_OK) return sqlite_error(database_.get(), code);
    return SqliteStatement{prepared};
}

Result<std::int64_t> SqliteDatabase::number(std::string_view statement) {
    auto prepared = prepare(statement);
    if (!prepared) return unexpected(prepared.error());
    const auto found = prepared->first_integer();
    if (!found) return unexpected(found.error());
    if (!*found) {
        return unexpected(ErrorCode::Internal,
                          file() + ": \"" + std::string{statement} + "\" gave no number");
    }
    return **found;
}

Result<void> SqliteDatabase::checkpoint() {
    const int code = sqlite3_wal_checkpoint_v2(database_.get(), "main", SQLITE_CHECKPOINT_PASSIVE,
                                               nullptr, nullptr);
    if (code != SQLITE_OK) return sqlite_error(database_.get(), code);
    return {};
}

void SqliteDatabase::roll_back() {
    if (sqlite3_get_autocommit(database_.get()) != 0) return;
    // What it could not roll back, the next opening will: the write-ahead log has no commit of it.
    std::ignore = execute("ROLLBACK");
}

std::string SqliteDatabase::file() const {
    return file_of(database_.get());
}

void SqliteDatabase::release_memory() {
    sqlite3_db_release_memory(database_.get());
}

// ---- Copies -------------------------------------------------------------------------------------

void SqliteCopy::Finish::operator()(sqlite3_backup* copy) const {
    sqlite3_backup_finish(copy);
}

Result<SqliteCopy> SqliteCopy::begin(SqliteDatabase& from, SqliteDatabase& to) {
    sqlite3* const target = to.database_.get();
    sqlite3_backup* const copy = sqlite3_backup_init(target, "main", from.database_.get(), "main");
    if (copy == nullptr) return sqlite_error(target, sqlite3_errcode(target));
    return SqliteCopy{target, copy};
}

Result<bool> SqliteCopy::step(int pages) {
    const int code = sqlite3_backup_step(copy_.get(), pages);
    if (code == SQLITE_DONE) return true;
    if (code == SQLITE_OK) return false;
    return sqlite_error(to_, code);
}

}  // namespace netcompute::store
