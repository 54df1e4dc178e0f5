#include "store/sqlite_reader.hpp"

#include "store/packed_records.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace netcompute::store {
namespace {

/// The columns of jobs, with as little as may be of what is long. SQLite counts characters here,
/// which are at least as many bytes as shortened() keeps.
#define SHORT_JOB                                                                          \
    "SELECT id, type, name, priority, '', validation, deadline_seconds, paths_anywhere, "  \
    "submitted_unix_ms, state, '', elapsed_seconds, tasks_done, substr(result, 1, 2049), " \
    "error_code, substr(error_message, 1, 301), ended, liars, checks, audits FROM jobs "

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
    job.inputs = row.text(10);
    job.elapsed_seconds = row.real(11);
    job.tasks_done = row.integer_as<std::uint64_t>(12);
    job.result = row.text(13);
    if (!row.is_null(14)) job.error = Error{static_cast<ErrorCode>(row.integer(14)), row.text(15)};
    job.liars = row.text(17);
    job.checks = row.integer_as<std::uint64_t>(18);
    job.audits = row.integer_as<std::uint64_t>(19);
    job.submitted_steady_ms = row.integer(20);
    job.slot_seconds = row.real(21);
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

/// The outputs of a round as votes, in the order in which they came.
struct RoundVotes {
    std::vector<StoredVote> votes;
    std::vector<std::int64_t> sequences;  ///< Of each vote.
    std::vector<std::tuple<TaskIndex, std::int64_t, WorkerId>> confirmations;
};

/// Adds the last vote of each task, by index; confirmed if a confirmation came after it, by the
/// last one's author.
void add_last_votes(RoundVotes& round, std::vector<StoredVote>& votes) {
    std::sort(round.confirmations.begin(), round.confirmations.end());
    // Numbers of (index, place) are much less to sort, and to hold, than votes.
    std::vector<std::uint64_t> order;
    order.reserve(round.votes.size());
    for (std::size_t place = 0; place < round.votes.size(); ++place) {
        order.push_back(std::uint64_t{round.votes[place].index} << 32 | place);
    }
    std::sort(order.begin(), order.end());
    auto confirmation = round.confirmations.begin();
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (i + 1 < order.size() && order[i] >> 32 == order[i + 1] >> 32) continue;
        const std::size_t place = order[i] & 0xffff'ffff;
        StoredVote& vote = votes.emplace_back(round.votes[place]);
        for (; confirmation != round.confirmations.end(); ++confirmation) {
            const auto& [index, sequence, confirmer] = *confirmation;
            if (index > vote.index) break;
            if (index < vote.index || sequence < round.sequences[place]) continue;
            vote.confirmed = true;
            vote.confirmer = confirmer;
        }
    }
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
        Entry{&S::newest_ended, SHORT_JOB "WHERE ended IS NOT NULL ORDER BY ended DESC LIMIT ?"},
        Entry{&S::ended_jobs,
              SHORT_JOB "WHERE id < ?1 AND ended IS NOT NULL AND (?2 < 0 OR state = ?2) "
                        "AND instr(lower(id || ' ' || type || ' ' || name), lower(?3)) > 0 "
                        "ORDER BY id DESC LIMIT ?4"},
        Entry{&S::workers, "SELECT * FROM workers ORDER BY id"},
        Entry{&S::checkpoints, "SELECT round, state FROM checkpoints WHERE job = ? ORDER BY round"},
        Entry{&S::rounds, "SELECT DISTINCT round FROM outputs WHERE job = ? ORDER BY round"},
        Entry{&S::outputs,
              "SELECT sequence, file_bytes, packed, worker FROM outputs "
              "WHERE job = ? AND round = ? ORDER BY sequence"},
        Entry{&S::confirmations,
              "SELECT sequence, indices, worker FROM confirmations WHERE job = ? AND round = ?"},
        Entry{&S::leases,
              "SELECT id, worker, round, is_check, tasks FROM leases WHERE job = ? ORDER BY id"},
        Entry{&S::receipt, "SELECT bytes FROM receipts WHERE job = ?"},
        Entry{&S::written_files, "SELECT name, size, sha256 FROM written_files ORDER BY name"},
        Entry{&S::named_files,
              "SELECT job, round, sequence FROM outputs WHERE file_bytes IS NOT NULL"},
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

Result<JobWork> SqliteReader::work(JobId id) {
    JobWork work;
    auto done = statements_.checkpoints.each(
        [&](const SqliteStatement& row) {
            const ByteSpan state = row.blob(1);
            work.checkpoints.push_back(
                {row.integer_as<RoundIndex>(0), Bytes{state.begin(), state.end()}});
        },
        id);
    if (!done) return unexpected(done.error());
    done = statements_.leases.each(
        [&](const SqliteStatement& row) -> Result<void> {
            auto tasks = unpack_tasks(row.blob(4));
            if (!tasks) return damaged(id, "leases");
            work.leases.push_back({row.id<LeaseId>(0), row.id<WorkerId>(1), id,
                                   row.integer_as<RoundIndex>(2), row.integer(3) != 0,
                                   std::move(*tasks)});
            return {};
        },
        id);
    if (!done) return unexpected(done.error());
    auto found = votes(id);
    if (!found) return unexpected(found.error());
    work.votes = std::move(*found);
    return work;
}

Result<std::vector<StoredVote>> SqliteReader::votes(JobId id) {
    std::vector<RoundIndex> rounds;
    auto done = statements_.rounds.each(
        [&](const SqliteStatement& row) { rounds.push_back(row.integer_as<RoundIndex>(0)); }, id);
    std::vector<StoredVote> votes;
    for (const RoundIndex round : rounds) {
        if (done) done = add_votes(id, round, votes);
    }
    if (!done) return unexpected(done.error());
    return votes;
}

Result<void> SqliteReader::add_votes(JobId id, RoundIndex round, std::vector<StoredVote>& votes) {
    RoundVotes found;
    auto done = statements_.outputs.each(
        [&](const SqliteStatement& row) -> Result<void> {
            const auto bytes = packed(id, round, row);
            if (!bytes) return unexpected(bytes.error());
            const auto outputs = unpack_outputs(**bytes);
            if (!outputs) return damaged(id, "outputs");
            for (const OutputView& output : *outputs) {
                found.votes.push_back(
                    {round, output.index, row.id<WorkerId>(3), sha256(output.bytes), false, {}});
                found.sequences.push_back(row.integer(0));
            }
            return {};
        },
        id, round);
    if (!done) return done;
    done = statements_.confirmations.each(
        [&](const SqliteStatement& row) {
            ByteReader indices{row.blob(1)};
            while (indices.left() > 0) {
                found.confirmations.push_back(
                    {indices.number<TaskIndex>(), row.integer(0), row.id<WorkerId>(2)});
            }
        },
        id, round);
    if (done) add_last_votes(found, votes);
    return done;
}

Result<std::vector<StoredOutput>> SqliteReader::outputs(JobId id, RoundIndex round) {
    std::vector<StoredOutput> found;
    auto done = statements_.outputs.each(
        [&](const SqliteStatement& row) -> Result<void> {
            auto bytes = packed(id, round, row);
            if (!bytes) return unexpected(bytes.error());
            const auto outputs = unpack_outputs(**bytes);
            if (!outputs) return damaged(id, "outputs");
            for (const OutputView& output : *outputs) {
                found.push_back({output.index, output.bytes, *bytes});
            }
            return {};
        },
        id, round);
    if (!done) return unexpected(done.error());
    // The last of each task: the first of each in reverse.
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.index < b.index; });
    const auto first_kept =
        std::unique(found.rbegin(), found.rend(),
                    [](const auto& a, const auto& b) { return a.index == b.index; });
    found.erase(found.begin(), first_kept.base());
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
