#include "store/sqlite_job_store.hpp"

#include "store/files.hpp"
#include "store/result_files.hpp"
#include "store/sqlite.hpp"
#include "store/sqlite_reader.hpp"
#include "store/sqlite_schema.hpp"
#include "store/sqlite_writer.hpp"
#include "store/store_backup.hpp"
#include "store/write_ahead_log.hpp"

#include <stdexcept>
#include <utility>

namespace netcompute::store {
namespace fs = std::filesystem;
namespace {

/// A commit flushes nothing (NORMAL) and moves nothing from the log to the database: WriteAheadLog
/// does both on other threads. What is deleted is not wiped.
constexpr const char* settings =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA journal_size_limit = 67108864;"
    "PRAGMA cache_size = -16384;"
    "PRAGMA secure_delete = OFF;";

/// A master cannot go on if its records cannot be read.
template <typename T>
T value_or_throw(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
}

}  // namespace

struct SqliteJobStore::Parts {
    SqliteDatabase database;
    ResultFiles files;
    std::unique_ptr<WriteAheadLog> log;
    std::unique_ptr<SqliteWriter> writer;
    std::unique_ptr<SqliteReader> reader;
    std::vector<ResultFile> to_remove;  ///< Removed by the flushes, one at a time.
};

SqliteJobStore::SqliteJobStore(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {}
SqliteJobStore::~SqliteJobStore() = default;

Result<std::unique_ptr<SqliteJobStore>> SqliteJobStore::open(const fs::path& state_dir,
                                                             JobStoreLimits limits) {
    auto database = SqliteDatabase::open(state_dir / "netcompute.db");
    if (!database) return unexpected(database.error());
    auto files = ResultFiles::open(state_dir / "results");
    if (!files) return unexpected(files.error());
    auto parts = std::make_unique<Parts>(
        Parts{std::move(*database), std::move(*files), nullptr, nullptr, nullptr, {}});
    if (auto set = parts->database.execute(settings); !set) return unexpected(set.error());
    if (auto migrated = migrate(parts->database); !migrated) return unexpected(migrated.error());
    if (auto unpacked = unpack_backup(parts->database, parts->files); !unpacked) {
        return unexpected(unpacked.error());
    }
    auto log = WriteAheadLog::open(state_dir / "netcompute.db");
    if (!log) return unexpected(log.error());
    parts->log = std::move(*log);
    // What a killed former master had committed is visible from now on, and
    // what it took the names from goes.
    if (auto flushed = parts->log->flush(); !flushed) return unexpected(flushed.error());
    auto writer = SqliteWriter::open(parts->database, parts->files, limits);
    if (!writer) return unexpected(writer.error());
    auto reader = SqliteReader::open(parts->database, parts->files);
    if (!reader) return unexpected(reader.error());
    const auto named = (*reader)->named_files();
    if (!named) return unexpected(named.error());
    parts->files.remove_others(*named);
    // The names of the new files, before anything is promised.
    if (auto flushed = flush_folder(state_dir); !flushed) return unexpected(flushed.error());
    parts->writer = std::move(*writer);
    parts->reader = std::move(*reader);
    return std::unique_ptr<SqliteJobStore>{new SqliteJobStore{std::move(parts)}};
}

Result<void> SqliteJobStore::commit(std::span<const Record> records, Durability durability) {
    auto committed = parts_->writer->commit(records);
    if (!committed || durability == Durability::Process) return committed;
    return flush()();
}

SlowWork SqliteJobStore::stage(std::span<const Record> records) {
    return parts_->writer->stage(records);
}

SlowWork SqliteJobStore::flush() {
    return [parts = parts_.get(), unnamed = parts_->writer->take_unnamed()]() -> Result<void> {
        auto& files = parts->to_remove;
        files.insert(files.end(), unnamed.begin(), unnamed.end());
        auto flushed = parts->log->flush();
        if (flushed) parts->files.remove(std::exchange(files, {}));
        return flushed;
    };
}

std::optional<Upkeep> SqliteJobStore::upkeep() {
    return parts_->log->upkeep(parts_->database.log_pages());
}

bool SqliteJobStore::has_leftovers() const {
    return parts_->writer->has_leftovers();
}

std::optional<JobRecord> SqliteJobStore::job(JobId id) const {
    return value_or_throw(parts_->reader->job(id));
}

std::vector<JobRecord> SqliteJobStore::jobs() const {
    return value_or_throw(parts_->reader->jobs());
}

std::optional<JobId> SqliteJobStore::job_of_key(std::string_view key) const {
    return value_or_throw(parts_->reader->job_of_key(key));
}

std::vector<JobRecord> SqliteJobStore::newest_ended(std::size_t count_max) const {
    return value_or_throw(parts_->reader->newest_ended(count_max));
}

std::vector<JobRecord> SqliteJobStore::ended_jobs(const EndedJobsQuery& query) const {
    return value_or_throw(parts_->reader->ended_jobs(query));
}

JobId SqliteJobStore::next_job_id() const {
    return JobId{parts_->writer->counters().last_job.value + 1};
}

LeaseId SqliteJobStore::last_lease_id() const {
    return parts_->writer->counters().last_lease;
}

std::optional<ClockReading> SqliteJobStore::last_clock() const {
    const ClockReading& clock = parts_->writer->counters().clock;
    return clock == ClockReading{} ? std::nullopt : std::optional{clock};
}

std::vector<WorkerRecord> SqliteJobStore::workers() const {
    return value_or_throw(parts_->reader->workers());
}

WorkerId SqliteJobStore::last_worker_id() const {
    return parts_->writer->counters().last_worker;
}

Result<JobPlan> SqliteJobStore::plan(JobId id) const {
    return parts_->reader->plan(id);
}

Result<std::shared_ptr<const Bytes>> SqliteJobStore::checkpoint(JobId id, RoundIndex round) const {
    return parts_->reader->checkpoint(id, round);
}

Result<ReadBytes> SqliteJobStore::blob(JobId id, const Sha256& sha256) const {
    return parts_->reader->blob(id, sha256);
}

Result<RoundSlice> SqliteJobStore::slice(JobId id, RoundIndex round, std::uint64_t from,
                                         std::size_t rows_max) const {
    return parts_->reader->slice(id, round, from, rows_max);
}

Result<std::vector<LeaseRecord>> SqliteJobStore::leases(JobId id, LeaseId from,
                                                        std::size_t count_max) const {
    return parts_->reader->leases(id, from, count_max);
}

std::vector<JobTrial> SqliteJobStore::trials() const {
    return value_or_throw(parts_->reader->trials());
}

std::uint32_t SqliteJobStore::unready_starts() const {
    return parts_->writer->counters().unready_starts;
}

std::optional<Bytes> SqliteJobStore::receipt(JobId id) const {
    return value_or_throw(parts_->reader->receipt(id));
}

Result<std::unique_ptr<StoreBackup>> SqliteJobStore::begin_backup(const fs::path& target) {
    parts_->files.hold_removals(true);
    return StoreBackup::begin(parts_->database, parts_->files, target);
}

void SqliteJobStore::end_backup() {
    parts_->files.hold_removals(false);
}

void SqliteJobStore::release_memory() {
    parts_->database.release_memory();
}

std::vector<WrittenFileRecord> SqliteJobStore::written_files() const {
    return value_or_throw(parts_->reader->written_files());
}

}  // namespace netcompute::store
