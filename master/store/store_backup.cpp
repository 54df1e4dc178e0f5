#include "store/store_backup.hpp"

#include "store/files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

namespace netcompute::store {
namespace fs = std::filesystem;
namespace {

constexpr int pages_a_step = 256;

/// Nobody reads the copy before it is complete, and an incomplete one is made again.
constexpr const char* settings_of_the_copy =
    "PRAGMA journal_mode = OFF;"
    "PRAGMA synchronous = OFF;";

Result<void> flush_file(const fs::path& path) {
    const Descriptor file{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    if (file.get() < 0 || ::fsync(file.get()) != 0) {
        return unexpected(ErrorCode::Unavailable, file_error(path, "write", errno).error.message);
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<StoreBackup>> StoreBackup::begin(SqliteDatabase& database,
                                                        const ResultFiles& files,
                                                        const fs::path& target) {
    std::error_code ignored;
    fs::remove(target, ignored);
    auto copy = SqliteDatabase::open(target);
    if (!copy) return unexpected(copy.error());
    if (auto set = copy->execute(settings_of_the_copy); !set) return unexpected(set.error());
    auto readable = ResultFiles::open(files.folder());
    if (!readable) return unexpected(readable.error());
    std::unique_ptr<StoreBackup> backup{
        new StoreBackup{std::move(*readable), target, std::move(*copy)}};
    auto copying = SqliteCopy::begin(database, backup->copy_);
    if (!copying) return unexpected(copying.error());
    backup->copying_ = std::move(*copying);
    return backup;
}

Result<bool> StoreBackup::step() {
    auto is_over = copying_->step(pages_a_step);
    if (is_over && *is_over) copying_.reset();
    return is_over;
}

Result<void> StoreBackup::finish() {
    // The original's log belongs to the original.
    if (auto set = copy_.execute(settings_of_the_copy); !set) return set;
    if (auto added = add_result_files(); !added) return added;
    auto check = copy_.prepare("PRAGMA quick_check(1)");
    if (!check) return unexpected(check.error());
    std::string verdict;
    const auto checked = check->each([&](const SqliteStatement& row) { verdict = row.text(0); });
    if (!checked) return checked;
    if (verdict != "ok") {
        return unexpected(ErrorCode::Internal,
                          shown_path(target_) + ": the copy is damaged: " + verdict);
    }
    return flush_file(target_);
}

Result<void> StoreBackup::add_result_files() {
    auto begun = copy_.execute(
        "BEGIN;"
        "CREATE TABLE carried_files (job INTEGER NOT NULL, round INTEGER NOT NULL,"
        " sequence INTEGER NOT NULL, bytes BLOB NOT NULL);");
    if (!begun) return begun;
    auto named = copy_.prepare("SELECT job, round, sequence, file_bytes FROM files");
    if (!named) return unexpected(named.error());
    auto add = copy_.prepare("INSERT INTO carried_files VALUES (?, ?, ?, ?)");
    if (!add) return unexpected(add.error());
    const auto added = named->each([&](const SqliteStatement& row) -> Result<void> {
        const ResultFile file{row.id<JobId>(0), row.integer_as<RoundIndex>(1),
                              row.integer_as<std::uint64_t>(2)};
        const auto bytes = files_.read(file, row.integer_as<std::uint64_t>(3));
        if (!bytes) return unexpected(bytes.error());
        return add->run(file.job, file.round, static_cast<std::int64_t>(file.sequence),
                        ByteSpan{**bytes});
    });
    if (!added) return added;
    return copy_.execute("COMMIT");
}

Result<void> unpack_backup(SqliteDatabase& database, ResultFiles& files) {
    const auto carried =
        database.number("SELECT count(*) FROM sqlite_schema WHERE name = 'carried_files'");
    if (!carried) return unexpected(carried.error());
    if (*carried == 0) return {};
    auto all = database.prepare("SELECT job, round, sequence, bytes FROM carried_files");
    if (!all) return unexpected(all.error());
    const auto written = all->each([&](const SqliteStatement& row) {
        return files.write(
            {row.id<JobId>(0), row.integer_as<RoundIndex>(1), row.integer_as<std::uint64_t>(2)},
            row.blob(3));
    });
    if (!written) return written;
    if (auto flushed = files.flush(); !flushed) return flushed;
    return database.execute("DROP TABLE carried_files");
}

}  // namespace netcompute::store
