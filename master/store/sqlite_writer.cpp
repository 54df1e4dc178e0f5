#include "store/sqlite_writer.hpp"

#include "store/job_texts.hpp"
#include "store/packed_records.hpp"

#include <algorithm>
#include <string_view>

namespace netcompute::store {
namespace {

constexpr std::string_view last_job_name = "last_job";
constexpr std::string_view last_lease_name = "last_lease";
constexpr std::string_view last_worker_name = "last_worker";
constexpr std::string_view steady_ms_name = "steady_ms";
constexpr std::string_view unix_ms_name = "unix_ms";
constexpr std::string_view unready_starts_name = "unready_starts";

/// The jobs that have rows in a table, one look at its index for each.
#define JOBS_IN(table)                                                           \
    "SELECT job FROM (WITH RECURSIVE found(job) AS (SELECT min(job) FROM " table \
    " UNION ALL SELECT (SELECT min(job) FROM " table                             \
    " WHERE job > found.job) FROM found WHERE job IS NOT NULL) SELECT job FROM found) "

/// Whether the record has a number in the sequence of outputs, confirmations, blobs and
/// checkpoints.
bool is_in_sequence(const Record& record) {
    return std::holds_alternative<PutOutputs>(record) ||
           std::holds_alternative<ConfirmOutput>(record) ||
           std::holds_alternative<PutBlob>(record) || std::holds_alternative<PutCheckpoint>(record);
}

bool is_large(const Record& record) {
    if (const auto* const put = std::get_if<PutOutputs>(&record)) {
        return packed_size(put->outputs) > row_bytes_max;
    }
    if (const auto* const put = std::get_if<PutBlob>(&record)) {
        return put->bytes.size() > row_bytes_max;
    }
    const auto* const put = std::get_if<PutCheckpoint>(&record);
    return put != nullptr && put->state->size() > row_bytes_max;
}

}  // namespace

Result<std::unique_ptr<SqliteWriter>> SqliteWriter::open(SqliteDatabase& database,
                                                         ResultFiles& files,
                                                         JobStoreLimits limits) {
    std::unique_ptr<SqliteWriter> writer{new SqliteWriter{database, files, limits}};
    if (auto prepared = writer->prepare(); !prepared) return unexpected(prepared.error());
    if (auto loaded = writer->load_counters(); !loaded) return unexpected(loaded.error());
    if (auto loaded = writer->load_leftovers(); !loaded) return unexpected(loaded.error());
    return writer;
}

Result<void> SqliteWriter::load_counters() {
    auto all = database_.prepare(
        "SELECT name, value FROM counters "
        "UNION ALL SELECT 'ended', max(ended) FROM jobs "
        "UNION ALL SELECT 'ended_count', count(*) FROM jobs WHERE ended IS NOT NULL "
        "UNION ALL SELECT 'receipt_bytes', sum(size) FROM receipts "
        "UNION ALL SELECT 'sequence', max(sequence) FROM outputs "
        "UNION ALL SELECT 'sequence', max(sequence) FROM confirmations "
        "UNION ALL SELECT 'sequence', max(sequence) FROM blobs "
        "UNION ALL SELECT 'sequence', max(sequence) FROM checkpoints");
    if (!all) return unexpected(all.error());
    return all->each([this](const SqliteStatement& row) {
        const std::string name = row.text(0);
        const std::int64_t value = row.integer(1);
        if (name == last_job_name) counters_.last_job = row.id<JobId>(1);
        if (name == last_lease_name) counters_.last_lease = row.id<LeaseId>(1);
        if (name == last_worker_name) counters_.last_worker = row.id<WorkerId>(1);
        if (name == steady_ms_name) counters_.clock.steady_ms = value;
        if (name == unix_ms_name) counters_.clock.unix_ms = value;
        if (name == unready_starts_name) {
            counters_.unready_starts = row.integer_as<std::uint32_t>(1);
        }
        if (name == "ended") counters_.last_ended = value;
        if (name == "ended_count") counters_.ended_count = static_cast<std::size_t>(value);
        if (name == "receipt_bytes") counters_.receipt_bytes = static_cast<std::uint64_t>(value);
        if (name == "sequence") counters_.last_sequence = std::max(counters_.last_sequence, value);
    });
}

/// What a former master had no time to erase.
Result<void> SqliteWriter::load_leftovers() {
    auto all = database_.prepare(
        "SELECT job, NULL FROM (" JOBS_IN("outputs") "UNION " JOBS_IN("confirmations") "UNION "
        JOBS_IN("checkpoints") "UNION " JOBS_IN("blobs") "UNION "
        JOBS_IN("checkpoint_blobs") "UNION " JOBS_IN("leases") "UNION "
        JOBS_IN("forgotten_rounds")
        ") WHERE job IS NOT NULL AND job NOT IN (SELECT id FROM jobs WHERE ended IS NULL) "
        "UNION ALL SELECT job, max(round) + 1 FROM forgotten_rounds "
        "WHERE job IN (SELECT id FROM jobs WHERE ended IS NULL) GROUP BY job");
    if (!all) return unexpected(all.error());
    return all->each([this](const SqliteStatement& row) {
        leftovers_[row.id<JobId>(0)] =
            row.is_null(1) ? all_rounds : row.integer_as<std::uint64_t>(1);
    });
}

Result<void> SqliteWriter::commit(std::span<const Record> records) {
    if (records.empty()) return {};
    turn_ = {};
    turn_.counters = counters_;
    turn_.leftovers = leftovers_;
    for (const Record& record : records) {
        const auto* const put = std::get_if<PutJob>(&record);
        if (put == nullptr) continue;
        if (is_final(put->job.state))
            turn_.ending.insert(put->job.id);
        else
            turn_.ending.erase(put->job.id);
    }
    Result<void> done = statements_.begin.run();
    if (done) done = write(records);
    if (done) done = statements_.commit.run();
    if (!done) {
        database_.roll_back();
        files_.remove(turn_.written);
        return done;
    }
    counters_ = turn_.counters;
    leftovers_ = std::move(turn_.leftovers);
    staged_.clear();
    unnamed_.insert(unnamed_.end(), turn_.unnamed.begin(), turn_.unnamed.end());
    return {};
}

/// Sequence numbers follow from the records' order, so they are known before the commit.
SlowWork SqliteWriter::stage(std::span<const Record> records) {
    std::vector<std::pair<std::int64_t, Record>> large;
    staged_.clear();
    std::int64_t sequence = counters_.last_sequence;
    for (const Record& record : records) {
        if (is_in_sequence(record)) ++sequence;
        if (!is_large(record)) continue;
        large.emplace_back(sequence, record);
        staged_.insert(sequence);
    }
    if (large.empty()) return {};
    return [this, large = std::move(large)]() -> Result<void> {
        Bytes packed;
        for (const auto& [number, record] : large) {
            Result<void> written;
            if (const auto* const outputs = std::get_if<PutOutputs>(&record)) {
                pack_outputs(outputs->outputs, packed);
                written = files_.write(file_of(*outputs, number), packed);
            } else if (const auto* const blob = std::get_if<PutBlob>(&record)) {
                written = files_.write(file_of(*blob, number), blob->bytes);
            } else {
                const auto& checkpoint = std::get<PutCheckpoint>(record);
                written = files_.write(file_of(checkpoint, number), *checkpoint.state);
            }
            if (!written) return written;
        }
        return files_.flush();
    };
}

Result<void> SqliteWriter::write(std::span<const Record> records) {
    for (const Record& record : records) {
        if (!std::holds_alternative<ConfirmOutput>(record)) {
            if (auto done = write_confirmations(); !done) return done;
        }
        if (is_in_sequence(record)) ++turn_.counters.last_sequence;
        if (auto done = std::visit([this](const auto& one) { return apply(one); }, record); !done) {
            return done;
        }
    }
    if (auto done = write_confirmations(); !done) return done;
    if (!turn_.written.empty()) {
        if (auto done = files_.flush(); !done) return done;
    }
    if (turn_.prunes) {
        if (auto done = prune(); !done) return done;
    }
    return write_counters();
}

Result<void> SqliteWriter::write_counters() {
    const auto write_one = [this](std::string_view name, auto now, auto before) -> Result<void> {
        if (now == before) return {};
        return statements_.put_counter.run(name, now);
    };
    const StoreCounters& now = turn_.counters;
    auto done = write_one(last_job_name, now.last_job, counters_.last_job);
    if (done) done = write_one(last_lease_name, now.last_lease, counters_.last_lease);
    if (done) done = write_one(last_worker_name, now.last_worker, counters_.last_worker);
    if (done) done = write_one(steady_ms_name, now.clock.steady_ms, counters_.clock.steady_ms);
    if (done) done = write_one(unix_ms_name, now.clock.unix_ms, counters_.clock.unix_ms);
    if (done) done = write_one(unready_starts_name, now.unready_starts, counters_.unready_starts);
    return done;
}

// ---- Records ------------------------------------------------------------------------------------

Result<void> SqliteWriter::apply(const PutJob& put) {
    const JobRecord& job = put.job;
    const auto ended_before = statements_.ended_of_job.first_integer(job.id);
    if (!ended_before) return unexpected(ended_before.error());
    std::optional<std::int64_t> ended;
    if (is_final(job.state)) {
        ended = *ended_before ? **ended_before : ++turn_.counters.last_ended;
    }
    std::optional<int> error_code;
    std::optional<std::string_view> error_message;
    if (job.error) {
        error_code = static_cast<int>(job.error->code);
        error_message = job.error->message;
    }
    auto done = statements_.put_job.run(
        job.id, job.type, job.name, job.priority, job.params, job.validation, job.deadline_seconds,
        job.paths_anywhere, job.submitted_unix_ms, static_cast<int>(job.state),
        job_files_text(job.inputs), job.elapsed_seconds, job.tasks_done, job.result, error_code,
        error_message, ended, worker_keys_text(job.liars), job.checks, job.audits,
        job.submitted_steady_ms, job.slot_seconds, job_ids_text(job.after), job.parent,
        job.child_index, job_files_text(job.outputs), job.idempotency_key);
    turn_.counters.last_job = std::max(turn_.counters.last_job, job.id);
    turn_.is_live.reset();
    if (*ended_before && !ended) --turn_.counters.ended_count;
    // A job that is live again begins without the work of its former life.
    const auto leftovers = turn_.leftovers.find(job.id);
    if (done && !ended && leftovers != turn_.leftovers.end() && leftovers->second == all_rounds) {
        turn_.leftovers.erase(leftovers);
        done = erase_work(job.id, 0, 0);
        if (done) done = statements_.erase_forgotten.run(job.id, 0);
        if (done) done = erase_blobs(job.id);
    }
    if (!done || !ended || *ended_before) return done;
    turn_.prunes = true;
    ++turn_.counters.ended_count;
    done = statements_.forget_trial.run(job.id);
    return done ? erase_some_work(job.id, all_rounds) : done;
}

Result<void> SqliteWriter::apply(const PutWorker& put) {
    const WorkerRecord& worker = put.worker;
    turn_.counters.last_worker = std::max(turn_.counters.last_worker, worker.id);
    return statements_.put_worker.run(
        worker.id, worker.key, worker.session, worker.name, worker.is_native, worker.address,
        worker.validated, worker.quarantined, worker.tasks_done, worker.seen_unix_ms,
        worker.is_believed, worker.owner, worker.drained, worker.away);
}

Result<void> SqliteWriter::apply(const ForgetWorker& forget) {
    return statements_.forget_worker.run(forget.worker);
}

Result<void> SqliteWriter::apply(const PutLease& put) {
    const LeaseRecord& lease = put.lease;
    turn_.counters.last_lease = std::max(turn_.counters.last_lease, lease.id);
    const auto live = is_live(lease.job);
    if (!live) return unexpected(live.error());
    if (!*live) return {};
    return statements_.put_lease.run(lease.id, lease.job, lease.round, lease.worker, lease.is_check,
                                     pack_tasks(lease.tasks));
}

Result<void> SqliteWriter::apply(const PutOutputs& put) {
    const std::int64_t sequence = turn_.counters.last_sequence;
    const ResultFile file = file_of(put, sequence);
    const bool is_staged = staged_.contains(sequence);
    const auto live = is_live(put.job);
    if (!live) return unexpected(live.error());
    if (!*live) {
        if (is_staged) turn_.unnamed.push_back(file);
        return {};
    }
    const std::size_t size = packed_size(put.outputs);
    if (size > row_bytes_max && is_staged) {
        return statements_.put_outputs.run(sequence, put.job, put.round, put.worker, size,
                                           ByteSpan{});
    }
    pack_outputs(put.outputs, packed_);
    if (size <= row_bytes_max) {
        return statements_.put_outputs.run(sequence, put.job, put.round, put.worker, std::nullopt,
                                           packed_);
    }
    if (auto written = write_large(file, packed_); !written) return written;
    return statements_.put_outputs.run(sequence, put.job, put.round, put.worker, size, ByteSpan{});
}

Result<void> SqliteWriter::write_large(const ResultFile& file, ByteSpan bytes) {
    if (staged_.contains(static_cast<std::int64_t>(file.sequence))) return {};
    turn_.written.push_back(file);
    return files_.write(file, bytes);
}

Result<void> SqliteWriter::apply(const ConfirmOutput& confirm) {
    Confirmations& last = turn_.confirmations;
    if (last.job != confirm.job || last.round != confirm.round ||
        last.confirmer != confirm.confirmer) {
        if (auto done = write_confirmations(); !done) return done;
        last = {confirm.job, confirm.round, confirm.confirmer, 0, {}};
    }
    last.sequence = turn_.counters.last_sequence;
    last.indices.push_back(confirm.index);
    return {};
}

Result<void> SqliteWriter::write_confirmations() {
    Confirmations& last = turn_.confirmations;
    if (last.indices.empty()) return {};
    const auto live = is_live(last.job);
    if (!live) return unexpected(live.error());
    Result<void> done;
    if (*live) {
        done = statements_.put_confirmations.run(last.sequence, last.job, last.round,
                                                 std::as_bytes(std::span{last.indices}),
                                                 last.confirmer);
    }
    last.indices.clear();
    return done;
}

Result<void> SqliteWriter::apply(const RewindJob& rewind) {
    const std::uint64_t next = std::uint64_t{rewind.round} + 1;
    if (!rewind.is_anew) return erase_work(rewind.job, next, next);
    const auto leftovers = turn_.leftovers.find(rewind.job);
    if (leftovers != turn_.leftovers.end()) {
        leftovers->second = std::min(leftovers->second, std::uint64_t{rewind.round});
    }
    auto done = statements_.erase_forgotten.run(rewind.job, rewind.round);
    return done ? erase_work(rewind.job, rewind.round, next) : done;
}

Result<void> SqliteWriter::apply(const ForgetRound& forget) {
    const auto live = is_live(forget.job);
    if (!live) return unexpected(live.error());
    if (!*live) return {};
    turn_.leftovers[forget.job] = std::uint64_t{forget.round} + 1;
    return statements_.forget_round.run(forget.job, forget.round, forget.told);
}

Result<void> SqliteWriter::apply(const PutReceipt& put) {
    turn_.prunes = true;
    turn_.counters.receipt_bytes += put.bytes.size();
    return statements_.put_receipt.run(put.job, put.bytes.size(), put.bytes);
}

Result<void> SqliteWriter::apply(const PutWrittenFile& put) {
    return statements_.put_written_file.run(put.file.name, put.file.size,
                                            std::as_bytes(std::span{put.file.sha256.digest}));
}

Result<void> SqliteWriter::apply(const PutClock& put) {
    turn_.counters.clock = put.reading;
    return {};
}

Result<void> SqliteWriter::apply(const UseLeaseIds& use) {
    turn_.counters.last_lease = std::max(turn_.counters.last_lease, use.last);
    return {};
}

Result<void> SqliteWriter::apply(const PutTrial& put) {
    const JobTrial& trial = put.trial;
    if (trial.says_nothing()) return statements_.forget_trial.run(trial.job);
    const auto live = is_live(trial.job);
    if (!live) return unexpected(live.error());
    if (!*live) return {};
    return statements_.put_trial.run(trial.job, static_cast<int>(trial.step),
                                     static_cast<int>(trial.suspect), trial.deaths, trial.held);
}

Result<void> SqliteWriter::apply(const PutUnreadyStarts& put) {
    turn_.counters.unready_starts = put.count;
    return {};
}

Result<void> SqliteWriter::apply(const EraseLeftovers&) {
    if (turn_.leftovers.empty()) return {};
    const auto [job, before] = *turn_.leftovers.begin();
    return erase_some_work(job, before);
}

Result<bool> SqliteWriter::is_live(JobId job) {
    if (turn_.ending.contains(job)) return false;
    if (turn_.is_live && turn_.is_live->first == job) return turn_.is_live->second;
    const auto found = statements_.is_live.first_integer(job);
    if (!found) return unexpected(found.error());
    turn_.is_live = {job, found->has_value()};
    return found->has_value();
}

}  // namespace netcompute::store
