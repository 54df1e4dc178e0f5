#include "store/sqlite_reader.hpp"

#include "store/job_texts.hpp"
#include "store/packed_records.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string_view>

namespace netcompute::store {
namespace {

/// The columns of jobs, with as little as may be of what is long. SQLite counts characters here,
/// which are at least as many bytes as shortened() keeps.
#define SHORT_JOB                                                                          \
    "SELECT id, type, name, priority, '', validation, deadline_seconds, paths_anywhere, "  \
    "submitted_unix_ms, state, '', elapsed_seconds, tasks_done, substr(result, 1, 2049), " \
    "error_code, substr(error_message, 1, 301), ended, liars, checks, audits, "            \
    "submitted_steady_ms, slot_seconds, after_jobs, parent, child_index, '', "             \
    "idempotency_key FROM jobs "

/// A job that is over may have rows that are not erased yet: they are not read any more.
#define IS_LIVE "EXISTS (SELECT 1 FROM jobs WHERE id = ?1 AND ended IS NULL) "
/// Nor are those of rounds that are forgotten.
#define IS_KEPT "round > coalesce((SELECT max(round) FROM forgotten_rounds WHERE job = ?1), -1) "

JobRecord job_of(const SqliteStatement& row) {
    JobRecord job;
    job.id = row.id<JobId>(0);
    job.type = row.text(1);
    job.name = row.text(2);
    job.priority = row.integer_as<std::int32_t>(3);
    job.params = row.text(4);
    job.validation = row.text(5);
    job.deadline_seconds = row.real(6);
    job.paths_anywhere = row.integer(7) != 0;
    job.submitted_unix_ms = row.integer(8);
    job.state = static_cast<JobState>(row.integer(9));
    job.inputs = read_job_files(row.text(10));
    job.elapsed_seconds = row.real(11);
    job.tasks_done = row.integer_as<std::uint64_t>(12);
    job.result = row.text(13);
    if (!row.is_null(14)) job.error = Error{static_cast<ErrorCode>(row.integer(14)), row.text(15)};
    job.liars = read_worker_keys(row.text(17));
    job.checks = row.integer_as<std::uint64_t>(18);
    job.audits = row.integer_as<std::uint64_t>(19);
    job.submitted_steady_ms = row.integer(20);
    job.slot_seconds = row.real(21);
    job.after = read_job_ids(row.text(22));
    job.parent = row.id<JobId>(23);
    job.child_index = row.integer_as<std::uint32_t>(24);
    job.outputs = read_job_files(row.text(25));
    job.idempotency_key = row.text(26);
    return job;
}

WorkerRecord worker_of(const SqliteStatement& row) {
    WorkerRecord worker;
    worker.id = row.id<WorkerId>(0);
    worker.key = row.text(1);
    worker.session = row.text(2);
    worker.name = row.text(3);
    worker.is_native = row.integer(4) != 0;
    worker.address = row.text(5);
    worker.validated = row.integer_as<std::uint32_t>(6);
    worker.quarantined = row.text(7);
    worker.tasks_done = row.integer_as<std::uint64_t>(8);
    worker.seen_unix_ms = row.integer(9);
    worker.is_believed = row.integer(10) != 0;
    worker.owner = row.text(11);
    worker.drained = row.integer(12) != 0;
    worker.away = row.integer(13) != 0;
    return worker;
}

JobTrial trial_of(const SqliteStatement& row) {
    return {row.id<JobId>(0), static_cast<HeavyStep>(row.integer(1)),
            static_cast<HeavyStep>(row.integer(2)), row.integer_as<std::uint32_t>(3), row.text(4)};
}

Unexpected damaged(JobId id, std::string_view what) {
    return unexpected(ErrorCode::Internal,
                      "job " + std::to_string(id.value) + ": its " + std::string{what} +
                          " in the job record cannot be read; cancel it and submit it again");
}

}  // namespace

Result<std::unique_ptr<SqliteReader>> SqliteReader::open(SqliteDatabase& database,
                                                         const ResultFiles& files) {
    std::unique_ptr<SqliteReader> reader{new SqliteReader{files}};
    if (auto prepared = reader->prepare(database); !prepared) return unexpected(prepared.error());
    return reader;
}

Result<void> SqliteReader::prepare(SqliteDatabase& database) {
    struct Entry {
        SqliteStatement Statements::*statement;
        std::string_view sql;
    };
    using S = Statements;
    static constexpr std::array entries{
        Entry{&S::job, "SELECT * FROM jobs WHERE id = ?"},
        Entry{&S::jobs, "SELECT * FROM jobs ORDER BY id"},
        Entry{&S::job_of_key,
              "SELECT id FROM jobs WHERE idempotency_key = ?1 AND idempotency_key <> '' "
              "ORDER BY id DESC LIMIT 1"},
        Entry{&S::newest_ended, SHORT_JOB "WHERE ended IS NOT NULL ORDER BY ended DESC LIMIT ?"},
        Entry{&S::ended_jobs,
              SHORT_JOB "WHERE id < ?1 AND ended IS NOT NULL AND (?2 < 0 OR state = ?2) "
                        "AND instr(lower(id || ' ' || type || ' ' || name), lower(?3)) > 0 "
                        "ORDER BY id DESC LIMIT ?4"},
        Entry{&S::workers, "SELECT * FROM workers ORDER BY id"},
        Entry{&S::forgotten, "SELECT round, told FROM forgotten_rounds WHERE job = ?1 AND " IS_LIVE
                             "ORDER BY round"},
        Entry{&S::checkpoints,
              "SELECT round, sha256 FROM checkpoints WHERE job = ?1 AND " IS_LIVE "ORDER BY round"},
        Entry{&S::checkpoint,
              "SELECT state, sequence, file_bytes FROM checkpoints "
              "WHERE job = ?1 AND round = ?2 AND " IS_LIVE},
        Entry{&S::blob,
              "SELECT bytes, round, sequence, file_bytes FROM blobs "
              "WHERE job = ?1 AND sha256 = ?2 AND " IS_LIVE},
        Entry{&S::rounds, "SELECT DISTINCT round FROM outputs WHERE job = ?1 AND " IS_KEPT
                          "AND " IS_LIVE "ORDER BY round"},
        // The index gives both halves in order of sequence: nothing is sorted.
        Entry{&S::slice,
              "SELECT sequence, file_bytes, packed, worker, 0 FROM outputs "
              "WHERE job = ?1 AND round = ?2 AND sequence >= ?3 AND " IS_KEPT "AND " IS_LIVE
              "UNION ALL SELECT sequence, NULL, indices, worker, 1 FROM confirmations "
              "WHERE job = ?1 AND round = ?2 AND sequence >= ?3 AND " IS_KEPT "AND " IS_LIVE
              "ORDER BY sequence LIMIT ?4"},
        Entry{&S::trials, "SELECT * FROM trials ORDER BY job"},
        Entry{&S::leases,
              "SELECT id, worker, round, is_check, tasks FROM leases WHERE job = ?1 AND id >= ?2 "
              "AND round = (SELECT max(round) FROM leases WHERE job = ?1) AND " IS_LIVE
              "ORDER BY id LIMIT ?3"},
        Entry{&S::receipt, "SELECT bytes FROM receipts WHERE job = ?"},
        Entry{&S::written_files, "SELECT name, size, sha256 FROM written_files ORDER BY name"},
        Entry{&S::named_files, "SELECT job, round, sequence FROM files"},
    };
    for (const Entry& entry : entries) {
        auto prepared = database.prepare(entry.sql);
        if (!prepared) return unexpected(prepared.error());
        statements_.*entry.statement = std::move(*prepared);
    }
    return {};
}

Result<std::optional<JobRecord>> SqliteReader::job(JobId id) {
    std::optional<JobRecord> found;
    auto done = statements_.job.each([&](const SqliteStatement& row) { found = job_of(row); }, id);
    if (!done) return unexpected(done.error());
    return found;
}

Result<std::vector<JobRecord>> SqliteReader::jobs() {
    std::vector<JobRecord> found;
    auto done =
        statements_.jobs.each([&](const SqliteStatement& row) { found.push_back(job_of(row)); });
    if (!done) return unexpected(done.error());
    return found;
}

Result<std::optional<JobId>> SqliteReader::job_of_key(std::string_view key) {
    std::optional<JobId> found;
    auto done = statements_.job_of_key.each(
        [&](const SqliteStatement& row) { found = row.id<JobId>(0); }, key);
    if (!done) return unexpected(done.error());
    return found;
}

Result<std::vector<JobRecord>> SqliteReader::newest_ended(std::size_t count_max) {
    std::vector<JobRecord> found;
    auto done = statements_.newest_ended.each(
        [&](const SqliteStatement& row) { found.push_back(shortened(job_of(row))); }, count_max);
    if (!done) return unexpected(done.error());
    return found;
}

Result<std::vector<JobRecord>> SqliteReader::ended_jobs(const EndedJobsQuery& query) {
    const std::int64_t before = query.before ? static_cast<std::int64_t>(query.before->value)
                                             : std::numeric_limits<std::int64_t>::max();
    const std::int64_t state = query.state ? static_cast<std::int64_t>(*query.state) : -1;
    std::vector<JobRecord> found;
    auto done = statements_.ended_jobs.each(
        [&](const SqliteStatement& row) { found.push_back(shortened(job_of(row))); }, before, state,
        query.text, query.count_max);
    if (!done) return unexpected(done.error());
    return found;
}

Result<std::vector<WorkerRecord>> SqliteReader::workers() {
    std::vector<WorkerRecord> found;
    auto done = statements_.workers.each(
        [&](const SqliteStatement& row) { found.push_back(worker_of(row)); });
    if (!done) return unexpected(done.error());
    return found;
}

Result<JobPlan> SqliteReader::plan(JobId id) {
    JobPlan plan;
    auto done = statements_.forgotten.each(
        [&](const SqliteStatement& row) {
            const ByteSpan told = row.blob(1);
            plan.forgotten.push_back(
                {row.integer_as<RoundIndex>(0), Bytes{told.begin(), told.end()}});
        },
        id);
    if (!done) return unexpected(done.error());
    std::vector<std::size_t> unnamed;  // Those of a former version.
    done = statements_.checkpoints.each(
        [&](const SqliteStatement& row) {
            StoredCheckpoint& checkpoint = plan.checkpoints.emplace_back();
            checkpoint.round = row.integer_as<RoundIndex>(0);
            const ByteSpan digest = row.blob(1);
            if (digest.size() == sizeof checkpoint.sha256.digest)
                std::memcpy(checkpoint.sha256.digest.data(), digest.data(), digest.size());
            else
                unnamed.push_back(plan.checkpoints.size() - 1);
        },
        id);
    if (!done) return unexpected(done.error());
    for (const std::size_t place : unnamed) {
        const auto state = checkpoint(id, plan.checkpoints[place].round);
        if (!state) return unexpected(state.error());
        plan.checkpoints[place].sha256 = sha256(**state);
    }
    done = statements_.rounds.each(
        [&](const SqliteStatement& row) { plan.rounds.push_back(row.integer_as<RoundIndex>(0)); },
        id);
    if (!done) return unexpected(done.error());
    return plan;
}

Result<std::shared_ptr<const Bytes>> SqliteReader::checkpoint(JobId id, RoundIndex round) {
    std::shared_ptr<const Bytes> state;
    auto done = statements_.checkpoint.each(
        [&](const SqliteStatement& row) -> Result<void> {
            if (row.is_null(2)) {
                const ByteSpan bytes = row.blob(0);
                state = std::make_shared<const Bytes>(bytes.begin(), bytes.end());
                return {};
            }
            auto read = files_.read({id, round, row.integer_as<std::uint64_t>(1)},
                                    row.integer_as<std::uint64_t>(2));
            if (!read) return unexpected(read.error());
            state = std::move(*read);
            return {};
        },
        id, round);
    if (!done) return unexpected(done.error());
    if (state == nullptr) return damaged(id, "checkpoint of round " + std::to_string(round));
    return state;
}

Result<ReadBytes> SqliteReader::blob(JobId id, const Sha256& sha256) {
    ReadBytes found;
    auto done = statements_.blob.each(
        [&](const SqliteStatement& row) {
            if (row.is_null(3)) {
                const ByteSpan bytes = row.blob(0);
                auto copy = std::make_shared<const Bytes>(bytes.begin(), bytes.end());
                found = [copy]() -> Result<std::shared_ptr<const Bytes>> { return copy; };
                return;
            }
            const ResultFile file{id, row.integer_as<RoundIndex>(1),
                                  row.integer_as<std::uint64_t>(2)};
            found = [this, file, size = row.integer_as<std::uint64_t>(3)] {
                return files_.read(file, size);
            };
        },
        id, std::as_bytes(std::span{sha256.digest}));
    if (!done) return unexpected(done.error());
    if (!found) return damaged(id, "published blob " + to_hex(sha256));
    return found;
}

Result<std::vector<LeaseRecord>> SqliteReader::leases(JobId id, LeaseId from,
                                                      std::size_t count_max) {
    std::vector<LeaseRecord> leases;
    constexpr std::size_t most = std::numeric_limits<std::int64_t>::max();
    auto done = statements_.leases.each(
        [&](const SqliteStatement& row) -> Result<void> {
            auto tasks = unpack_tasks(row.blob(4));
            if (!tasks) return damaged(id, "leases");
            leases.push_back({row.id<LeaseId>(0), row.id<WorkerId>(1), id,
                              row.integer_as<RoundIndex>(2), row.integer(3) != 0,
                              std::move(*tasks)});
            return {};
        },
        id, from, std::min(count_max, most));
    if (!done) return unexpected(done.error());
    return leases;
}

Result<RoundSlice> SqliteReader::slice(JobId id, RoundIndex round, std::uint64_t from,
                                       std::size_t rows_max) {
    RoundSlice slice;
    auto done = statements_.slice.each(
        [&](const SqliteStatement& row) -> Result<void> {
            auto found = entry(id, round, row);
            if (!found) return unexpected(found.error());
            slice.entries.push_back(std::move(*found));
            slice.next = row.integer_as<std::uint64_t>(0) + 1;
            return {};
        },
        id, round, from, rows_max);
    if (!done) return unexpected(done.error());
    slice.is_last = slice.entries.size() < rows_max;
    return slice;
}

Result<RoundEntry> SqliteReader::entry(JobId id, RoundIndex round, const SqliteStatement& row) {
    RoundEntry entry;
    entry.worker = row.id<WorkerId>(3);
    if (row.integer(4) != 0) {
        ByteReader indices{row.blob(2)};
        while (indices.left() > 0) entry.confirmed.push_back(indices.number<TaskIndex>());
        return entry;
    }
    auto bytes = packed(id, round, row);
    if (!bytes) return unexpected(bytes.error());
    auto outputs = unpack_outputs(**bytes);
    if (!outputs) return damaged(id, "outputs");
    entry.outputs = std::move(*outputs);
    entry.owner = std::move(*bytes);
    return entry;
}

Result<std::vector<JobTrial>> SqliteReader::trials() {
    std::vector<JobTrial> found;
    auto done = statements_.trials.each(
        [&](const SqliteStatement& row) { found.push_back(trial_of(row)); });
    if (!done) return unexpected(done.error());
    return found;
}

Result<std::shared_ptr<const Bytes>> SqliteReader::packed(JobId id, RoundIndex round,
                                                          const SqliteStatement& row) {
    if (row.is_null(1)) {
        const ByteSpan bytes = row.blob(2);
        return std::make_shared<const Bytes>(bytes.begin(), bytes.end());
    }
    const ResultFile file{id, round, row.integer_as<std::uint64_t>(0)};
    return files_.read(file, row.integer_as<std::uint64_t>(1));
}

Result<std::vector<WrittenFileRecord>> SqliteReader::written_files() {
    std::vector<WrittenFileRecord> files;
    const auto done = statements_.written_files.each([&](const SqliteStatement& row) {
        WrittenFileRecord& file = files.emplace_back();
        file.name = row.text(0);
        file.size = row.integer_as<std::uint64_t>(1);
        const ByteSpan digest = row.blob(2);
        std::memcpy(file.sha256.digest.data(), digest.data(),
                    std::min(digest.size(), file.sha256.digest.size()));
    });
    if (!done) return unexpected(done.error());
    return files;
}

Result<std::optional<Bytes>> SqliteReader::receipt(JobId id) {
    std::optional<Bytes> found;
    auto done = statements_.receipt.each(
        [&](const SqliteStatement& row) {
            const ByteSpan bytes = row.blob(0);
            found = Bytes{bytes.begin(), bytes.end()};
        },
        id);
    if (!done) return unexpected(done.error());
    return found;
}

Result<std::set<ResultFile>> SqliteReader::named_files() {
    std::set<ResultFile> found;
    auto done = statements_.named_files.each([&](const SqliteStatement& row) {
        found.insert(
            {row.id<JobId>(0), row.integer_as<RoundIndex>(1), row.integer_as<std::uint64_t>(2)});
    });
    if (!done) return unexpected(done.error());
    return found;
}

}  // namespace netcompute::store
