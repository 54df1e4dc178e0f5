#include "store/sqlite_writer.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace netcompute::store {

Result<void> SqliteWriter::prepare() {
    struct Entry {
        SqliteStatement Statements::*statement;
        std::string_view sql;
    };
    using S = Statements;
    static constexpr std::array entries{
        Entry{&S::begin, "BEGIN IMMEDIATE"},
        Entry{&S::commit, "COMMIT"},
        Entry{&S::put_counter, "INSERT OR REPLACE INTO counters VALUES (?, ?)"},
        Entry{&S::ended_of_job, "SELECT ended FROM jobs WHERE id = ?"},
        Entry{&S::is_live, "SELECT 1 FROM jobs WHERE id = ? AND ended IS NULL"},
        Entry{&S::put_job,
              "INSERT OR REPLACE INTO jobs VALUES "
              "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
        Entry{&S::forget_job, "DELETE FROM jobs WHERE id = ?"},
        Entry{&S::forget_receipt, "DELETE FROM receipts WHERE job = ?"},
        Entry{&S::put_worker,
              "INSERT OR REPLACE INTO workers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
        Entry{&S::forget_worker, "DELETE FROM workers WHERE id = ?"},
        Entry{&S::put_lease, "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?)"},
        Entry{&S::erase_leases, "DELETE FROM leases WHERE job = ?"},
        Entry{&S::erase_leases_before, "DELETE FROM leases WHERE job = ? AND round < ?"},
        Entry{&S::put_outputs, "INSERT INTO outputs VALUES (?, ?, ?, ?, ?, ?)"},
        Entry{&S::files_from,
              "SELECT round, sequence FROM outputs "
              "WHERE job = ? AND round >= ? AND file_bytes IS NOT NULL"},
        Entry{&S::checkpoint_files_from,
              "SELECT round, sequence FROM checkpoints "
              "WHERE job = ? AND round >= ? AND file_bytes IS NOT NULL"},
        Entry{&S::erase_outputs, "DELETE FROM outputs WHERE job = ? AND round >= ?"},
        Entry{&S::put_confirmations, "INSERT INTO confirmations VALUES (?, ?, ?, ?, ?)"},
        Entry{&S::erase_confirmations, "DELETE FROM confirmations WHERE job = ? AND round >= ?"},
        Entry{&S::put_checkpoint,
              "INSERT OR REPLACE INTO checkpoints "
              "(job, round, state, sha256, sequence, file_bytes) VALUES (?, ?, ?, ?, ?, ?)"},
        Entry{&S::drop_checkpoint, "DELETE FROM checkpoints WHERE job = ? AND round = ?"},
        Entry{&S::put_blob, "INSERT INTO blobs VALUES (?, ?, ?, ?, ?, ?)"},
        Entry{&S::is_blob_there, "SELECT 1 FROM blobs WHERE job = ? AND sha256 = ?"},
        Entry{&S::name_blob, "INSERT OR REPLACE INTO checkpoint_blobs VALUES (?, ?, ?)"},
        Entry{&S::unname_blobs,
              "DELETE FROM checkpoint_blobs WHERE job = ? AND round BETWEEN ? AND ? "
              "RETURNING sha256"},
        Entry{&S::erase_unnamed_blob,
              "DELETE FROM blobs WHERE job = ?1 AND sha256 = ?2 AND NOT EXISTS "
              "(SELECT 1 FROM checkpoint_blobs WHERE job = ?1 AND sha256 = ?2) "
              "RETURNING round, sequence, file_bytes"},
        Entry{&S::erase_some_blobs,
              "DELETE FROM blobs WHERE rowid IN "
              "(SELECT rowid FROM blobs WHERE job = ? AND round < ? LIMIT ?) "
              "RETURNING round, sequence, file_bytes"},
        Entry{&S::erase_some_blob_names,
              "DELETE FROM checkpoint_blobs WHERE rowid IN "
              "(SELECT rowid FROM checkpoint_blobs WHERE job = ? AND round < ? LIMIT ?) "
              "RETURNING 0"},
        Entry{&S::forget_round, "INSERT OR REPLACE INTO forgotten_rounds VALUES (?, ?, ?)"},
        Entry{&S::erase_forgotten, "DELETE FROM forgotten_rounds WHERE job = ? AND round >= ?"},
        Entry{&S::checkpoint_file,
              "SELECT sequence FROM checkpoints "
              "WHERE job = ? AND round = ? AND file_bytes IS NOT NULL"},
        Entry{&S::erase_checkpoints, "DELETE FROM checkpoints WHERE job = ? AND round >= ?"},
        Entry{&S::put_receipt,
              "INSERT OR REPLACE INTO receipts "
              "SELECT id, ?2, ?3 FROM jobs WHERE id = ?1"},
        Entry{&S::put_written_file, "INSERT OR REPLACE INTO written_files VALUES (?, ?, ?)"},
        Entry{&S::receipt_bytes, "SELECT sum(size) FROM receipts"},
        Entry{&S::ended_receipts,
              "SELECT id, size FROM jobs JOIN receipts ON job = id "
              "WHERE ended IS NOT NULL ORDER BY ended"},
        Entry{&S::oldest_ended,
              "SELECT id FROM jobs WHERE ended IS NOT NULL ORDER BY ended LIMIT ?"},
        Entry{&S::put_trial, "INSERT OR REPLACE INTO trials VALUES (?, ?, ?, ?, ?)"},
        Entry{&S::forget_trial, "DELETE FROM trials WHERE job = ?"},
        Entry{&S::erase_some_outputs,
              "DELETE FROM outputs WHERE sequence IN "
              "(SELECT sequence FROM outputs WHERE job = ? AND round < ? LIMIT ?) "
              "RETURNING round, sequence, file_bytes"},
        Entry{&S::erase_some_confirmations,
              "DELETE FROM confirmations WHERE sequence IN "
              "(SELECT sequence FROM confirmations WHERE job = ? AND round < ? LIMIT ?) "
              "RETURNING 0"},
        Entry{&S::erase_some_checkpoints,
              "DELETE FROM checkpoints WHERE rowid IN "
              "(SELECT rowid FROM checkpoints WHERE job = ? AND round < ? LIMIT ?) "
              "RETURNING round, sequence, file_bytes"},
        Entry{&S::erase_some_leases,
              "DELETE FROM leases WHERE id IN "
              "(SELECT id FROM leases WHERE job = ? AND round < ? LIMIT ?) RETURNING 0"},
        Entry{&S::erase_some_forgotten,
              "DELETE FROM forgotten_rounds WHERE rowid IN "
              "(SELECT rowid FROM forgotten_rounds WHERE job = ? AND round < ? LIMIT ?) "
              "RETURNING 0"},
    };
    for (const Entry& entry : entries) {
        auto prepared = database_.prepare(entry.sql);
        if (!prepared) return unexpected(prepared.error());
        statements_.*entry.statement = std::move(*prepared);
    }
    return {};
}

}  // namespace netcompute::store
