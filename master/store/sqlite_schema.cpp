#include "store/sqlite_schema.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace netcompute::store {
namespace {

// `ended` counts the jobs that are over in the order in which they ended; NULL while one lives.
// `sequence` is the order in which outputs and confirmations came; the last one counts.
// `outputs.packed` is as pack_outputs() makes it, or empty if a file of `file_bytes` holds it.
constexpr std::string_view jobs_and_their_work = R"sql(
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY,
        type TEXT NOT NULL,
        name TEXT NOT NULL,
        priority INTEGER NOT NULL,
        params TEXT NOT NULL,
        validation TEXT NOT NULL,
        deadline_seconds REAL NOT NULL,
        paths_anywhere INTEGER NOT NULL,
        submitted_unix_ms INTEGER NOT NULL,
        state INTEGER NOT NULL,
        inputs TEXT NOT NULL,
        elapsed_seconds REAL NOT NULL,
        tasks_done INTEGER NOT NULL,
        result TEXT NOT NULL,
        error_code INTEGER,
        error_message TEXT,
        ended INTEGER);
    CREATE UNIQUE INDEX jobs_ended ON jobs (ended) WHERE ended IS NOT NULL;
    CREATE TABLE workers (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        session TEXT NOT NULL,
        name TEXT NOT NULL,
        is_native INTEGER NOT NULL,
        address TEXT NOT NULL,
        validated INTEGER NOT NULL,
        quarantined TEXT NOT NULL,
        tasks_done INTEGER NOT NULL,
        seen_unix_ms INTEGER NOT NULL);
    CREATE TABLE leases (
        id INTEGER PRIMARY KEY,
        job INTEGER NOT NULL,
        round INTEGER NOT NULL,
        worker INTEGER NOT NULL,
        is_check INTEGER NOT NULL,
        tasks BLOB NOT NULL);
    CREATE INDEX leases_job ON leases (job, round);
    CREATE TABLE outputs (
        sequence INTEGER PRIMARY KEY,
        job INTEGER NOT NULL,
        round INTEGER NOT NULL,
        worker INTEGER NOT NULL,
        file_bytes INTEGER,
        packed BLOB NOT NULL);
    CREATE INDEX outputs_job ON outputs (job, round);
    CREATE INDEX outputs_files ON outputs (job, round) WHERE file_bytes IS NOT NULL;
    CREATE TABLE confirmations (
        sequence INTEGER PRIMARY KEY,
        job INTEGER NOT NULL,
        round INTEGER NOT NULL,
        indices BLOB NOT NULL);
    CREATE INDEX confirmations_job ON confirmations (job, round);
    CREATE TABLE checkpoints (
        job INTEGER NOT NULL,
        round INTEGER NOT NULL,
        state BLOB NOT NULL,
        PRIMARY KEY (job, round));
)sql";

// `size` comes before the bytes, so that adding up all receipts reads none of them.
constexpr std::string_view receipts = R"sql(
    CREATE TABLE receipts (
        job INTEGER PRIMARY KEY,
        size INTEGER NOT NULL,
        bytes BLOB NOT NULL);
)sql";

constexpr std::string_view validation = R"sql(
    ALTER TABLE jobs ADD COLUMN liars TEXT NOT NULL DEFAULT '';
    ALTER TABLE jobs ADD COLUMN checks INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN audits INTEGER NOT NULL DEFAULT 0;
)sql";

// 0: the master's.
constexpr std::string_view confirmers = R"sql(
    ALTER TABLE confirmations ADD COLUMN worker INTEGER NOT NULL DEFAULT 0;
)sql";

// Files for people that jobs have made below Data/.
constexpr std::string_view written_files = R"sql(
    CREATE TABLE written_files (
        name TEXT PRIMARY KEY,
        size INTEGER NOT NULL,
        sha256 BLOB NOT NULL) WITHOUT ROWID;
)sql";

// Before there was a clock that nobody sets, jobs were timed by the time of day.
constexpr std::string_view steady_time = R"sql(
    ALTER TABLE jobs ADD COLUMN submitted_steady_ms INTEGER NOT NULL DEFAULT 0;
    UPDATE jobs SET submitted_steady_ms = submitted_unix_ms;
    ALTER TABLE jobs ADD COLUMN slot_seconds REAL NOT NULL DEFAULT 0;
)sql";

// `owner` is a hash; empty where a former version did not know it.
constexpr std::string_view owned_ids = R"sql(
    ALTER TABLE workers ADD COLUMN is_believed INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE workers ADD COLUMN owner TEXT NOT NULL DEFAULT '';
    ALTER TABLE workers ADD COLUMN drained INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE workers ADD COLUMN away INTEGER NOT NULL DEFAULT 0;
)sql";

// What a master that died may have died of: see JobTrial.
constexpr std::string_view trials = R"sql(
    CREATE TABLE trials (
        job INTEGER PRIMARY KEY,
        step INTEGER NOT NULL,
        suspect INTEGER NOT NULL,
        deaths INTEGER NOT NULL,
        held TEXT NOT NULL);
)sql";

// `sha256` is empty where a former version did not write it. A large state is in a file of
// `file_bytes`, which `sequence` names, as it does for outputs. `files` are all that rows name.
constexpr std::string_view large_checkpoints = R"sql(
    ALTER TABLE checkpoints ADD COLUMN sha256 BLOB NOT NULL DEFAULT x'';
    ALTER TABLE checkpoints ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE checkpoints ADD COLUMN file_bytes INTEGER;
    CREATE INDEX checkpoints_files ON checkpoints (job, round) WHERE file_bytes IS NOT NULL;
    CREATE VIEW files AS
        SELECT job, round, sequence, file_bytes FROM outputs WHERE file_bytes IS NOT NULL
        UNION ALL
        SELECT job, round, sequence, file_bytes FROM checkpoints WHERE file_bytes IS NOT NULL;
)sql";

// `told` is what a receipt tells of the round.
constexpr std::string_view forgotten_rounds = R"sql(
    CREATE TABLE forgotten_rounds (
        job INTEGER NOT NULL,
        round INTEGER NOT NULL,
        told BLOB NOT NULL,
        PRIMARY KEY (job, round));
)sql";

// Blobs that folds have published, and which checkpoints name them; a large one is in a file, as
// states are.
constexpr std::string_view published_blobs = R"sql(
    CREATE TABLE blobs (
        job INTEGER NOT NULL,
        sha256 BLOB NOT NULL,
        round INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        file_bytes INTEGER,
        bytes BLOB NOT NULL,
        PRIMARY KEY (job, sha256));
    CREATE INDEX blobs_sequence ON blobs (sequence);
    CREATE INDEX blobs_files ON blobs (job, round) WHERE file_bytes IS NOT NULL;
    CREATE TABLE checkpoint_blobs (
        job INTEGER NOT NULL,
        round INTEGER NOT NULL,
        sha256 BLOB NOT NULL,
        PRIMARY KEY (job, round, sha256));
    CREATE INDEX checkpoint_blobs_names ON checkpoint_blobs (job, sha256);
    DROP VIEW files;
    CREATE VIEW files AS
        SELECT job, round, sequence, file_bytes FROM outputs WHERE file_bytes IS NOT NULL
        UNION ALL
        SELECT job, round, sequence, file_bytes FROM checkpoints WHERE file_bytes IS NOT NULL
        UNION ALL
        SELECT job, round, sequence, file_bytes FROM blobs WHERE file_bytes IS NOT NULL;
)sql";

// `after_jobs` and `outputs` are JSON; `parent` is 0 for a job that a user submitted.
constexpr std::string_view linked_jobs = R"sql(
    ALTER TABLE jobs ADD COLUMN after_jobs TEXT NOT NULL DEFAULT '';
    ALTER TABLE jobs ADD COLUMN parent INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN child_index INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN outputs TEXT NOT NULL DEFAULT '';
)sql";

// A submission that is repeated with its key is found again.
constexpr std::string_view repeated_submissions = R"sql(
    ALTER TABLE jobs ADD COLUMN idempotency_key TEXT NOT NULL DEFAULT '';
    CREATE INDEX jobs_by_key ON jobs (idempotency_key) WHERE idempotency_key <> '';
)sql";

constexpr std::array steps_so_far{
    jobs_and_their_work,  receipts,         validation,      confirmers,
    written_files,        steady_time,      owned_ids,       trials,
    large_checkpoints,    forgotten_rounds, published_blobs, linked_jobs,
    repeated_submissions,
};

}  // namespace

std::span<const std::string_view> schema_steps() {
    return steps_so_far;
}

Result<void> migrate(SqliteDatabase& database, std::span<const std::string_view> steps) {
    const auto version = database.number("PRAGMA user_version");
    if (!version) return unexpected(version.error());
    const auto known = static_cast<std::int64_t>(steps.size());
    if (*version < 0 || *version > known) {
        return unexpected(ErrorCode::Unavailable,
                          database.file() + ": its schema is version " + std::to_string(*version) +
                              ", this program knows up to " + std::to_string(known) +
                              "; use the newer program or another --state-dir");
    }
    if (*version == known) return {};
    std::string transaction = "BEGIN IMMEDIATE;";
    for (const std::string_view step : steps.subspan(static_cast<std::size_t>(*version))) {
        transaction += step;
    }
    transaction += "PRAGMA user_version = " + std::to_string(known) + "; COMMIT;";
    auto migrated = database.execute(transaction);
    if (!migrated) database.roll_back();
    return migrated;
}

}  // namespace netcompute::store
