#include "store/sqlite_writer.hpp"

#include <vector>

/// What goes: the work of jobs that are over and of rounds that are forgotten or begun again, and
/// jobs of which more are there than are kept.
namespace netcompute::store {
namespace {

/// So many rows of a table are erased in a commit: a row may take 64 pages.
constexpr int erased_rows_max = 64;

}  // namespace

Result<void> SqliteWriter::erase_some_work(JobId job, std::uint64_t before) {
    bool is_all = true;
    const auto erase = [&](SqliteStatement& statement, auto&& row) {
        int count = 0;
        auto done = statement.each(
            [&](const SqliteStatement& erased) {
                ++count;
                row(erased);
            },
            job, before, erased_rows_max);
        if (count == erased_rows_max) is_all = false;
        return done;
    };
    const auto nothing = [](const SqliteStatement&) {};
    const auto its_file = [&](const SqliteStatement& row) {
        if (row.is_null(2)) return;
        turn_.unnamed.push_back(
            {job, row.integer_as<RoundIndex>(0), row.integer_as<std::uint64_t>(1)});
    };
    auto done = erase(statements_.erase_some_outputs, its_file);
    if (done) done = erase(statements_.erase_some_confirmations, nothing);
    if (before == all_rounds) {
        if (done) done = erase(statements_.erase_some_checkpoints, its_file);
        if (done) done = erase(statements_.erase_some_blobs, its_file);
        if (done) done = erase(statements_.erase_some_blob_names, nothing);
        if (done) done = erase(statements_.erase_some_leases, nothing);
        if (done) done = erase(statements_.erase_some_forgotten, nothing);
    }
    if (is_all)
        turn_.leftovers.erase(job);
    else
        turn_.leftovers[job] = before;
    return done;
}

Result<void> SqliteWriter::erase_work(JobId job, std::uint64_t first_round,
                                      std::uint64_t first_checkpoint) {
    const auto its_file = [&](const SqliteStatement& row) {
        turn_.unnamed.push_back(
            {job, row.integer_as<RoundIndex>(0), row.integer_as<std::uint64_t>(1)});
    };
    auto done = statements_.files_from.each(its_file, job, first_round);
    if (done) done = statements_.checkpoint_files_from.each(its_file, job, first_checkpoint);
    if (done) done = statements_.erase_outputs.run(job, first_round);
    if (done) done = statements_.erase_confirmations.run(job, first_round);
    if (done) done = statements_.erase_checkpoints.run(job, first_checkpoint);
    if (!done) return done;
    const auto blobs = unname_blobs(job, first_checkpoint, all_rounds);
    if (!blobs) return unexpected(blobs.error());
    done = erase_unnamed_blobs(job, *blobs);
    if (done) done = statements_.erase_leases.run(job);
    return done;
}

// ---- What is kept -------------------------------------------------------------------------------

/// The bytes of receipts that went are only taken off once too many seem to be there: adding them
/// up reads a row a job.
Result<void> SqliteWriter::prune() {
    const std::size_t count = turn_.counters.ended_count;
    std::vector<JobId> old;
    if (count > limits_.ended_jobs_max) {
        auto done = statements_.oldest_ended.each(
            [&](const SqliteStatement& row) { old.push_back(row.id<JobId>(0)); },
            count - limits_.ended_jobs_max);
        if (done) done = forget_jobs(old);
        if (!done) return done;
    }
    std::uint64_t& bytes = turn_.counters.receipt_bytes;
    if (bytes <= limits_.receipt_bytes_max) return {};
    const auto receipt_bytes = statements_.receipt_bytes.first_integer();
    if (!receipt_bytes) return unexpected(receipt_bytes.error());
    bytes = static_cast<std::uint64_t>(receipt_bytes->value_or(0));
    if (bytes <= limits_.receipt_bytes_max) return {};
    old.clear();
    auto done = statements_.ended_receipts.each([&](const SqliteStatement& row) {
        if (bytes <= limits_.receipt_bytes_max) return;
        bytes -= row.integer_as<std::uint64_t>(1);
        old.push_back(row.id<JobId>(0));
    });
    if (!done) return done;
    return forget_jobs(old);
}

Result<void> SqliteWriter::forget_jobs(const std::vector<JobId>& jobs) {
    for (const JobId job : jobs) {
        auto done = statements_.forget_job.run(job);
        if (done) done = statements_.forget_receipt.run(job);
        if (!done) return done;
        --turn_.counters.ended_count;
    }
    return {};
}

}  // namespace netcompute::store
