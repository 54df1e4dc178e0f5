#pragma once

#include "store/result_files.hpp"
#include "store/sqlite.hpp"
#include <netcompute/result.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

namespace netcompute::store {

/// A copy of a store, made while it is in use, in one file: the database, with a table more that
/// holds the result files which its rows name. Given to a master as netcompute.db of a new state
/// folder, it is the store of the moment at which step() said that all is copied; see
/// unpack_backup().
class StoreBackup {
 public:
    /// The copy replaces what was at `target`. Result files must stay until finish() is over: see
    /// ResultFiles::hold_removals(). Errors: Unavailable, if it cannot be written.
    [[nodiscard]] static Result<std::unique_ptr<StoreBackup>> begin(
        SqliteDatabase& database, const ResultFiles& files, const std::filesystem::path& target);

    /// Copies about a megabyte; true once everything is. On the store's thread, which also ends
    /// this object if it is to go before that. Errors: Unavailable.
    [[nodiscard]] Result<bool> step();
    /// Then: adds the result files, looks whether the copy is sound, and has it on the disk when
    /// this returns. Any thread. Errors: Unavailable, Internal.
    [[nodiscard]] Result<void> finish();

 private:
    StoreBackup(ResultFiles files, std::filesystem::path target, SqliteDatabase copy)
        : files_{std::move(files)}, target_{std::move(target)}, copy_{std::move(copy)} {}
    [[nodiscard]] Result<void> add_result_files();

    const ResultFiles files_;  ///< To read them by: nothing of it is shared with the store.
    const std::filesystem::path target_;
    SqliteDatabase copy_;
    std::optional<SqliteCopy> copying_;
};

/// If the database is a backup that takes a store's place: its result files become files again.
/// Errors: Unavailable.
[[nodiscard]] Result<void> unpack_backup(SqliteDatabase& database, ResultFiles& files);

}  // namespace netcompute::store
