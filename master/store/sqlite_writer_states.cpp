#include "store/sqlite_writer.hpp"

#include <cstring>

/// Programs' states as rounds begin, and the blobs that they name.
namespace netcompute::store {
namespace {

ByteSpan digest_of(const Sha256& sha256) {
    return std::as_bytes(std::span{sha256.digest});
}

}  // namespace

Result<void> SqliteWriter::apply(const PutBlob& put) {
    const std::int64_t sequence = turn_.counters.last_sequence;
    const ResultFile file = file_of(put, sequence);
    const auto live = is_live(put.job);
    if (!live) return unexpected(live.error());
    const auto known = statements_.is_blob_there.first_integer(put.job, digest_of(put.sha256));
    if (!known) return unexpected(known.error());
    if (!*live || *known) {
        if (staged_.contains(sequence)) turn_.unnamed.push_back(file);
        return {};
    }
    const bool is_large = put.bytes.size() > row_bytes_max;
    if (is_large) {
        if (auto written = write_large(file, put.bytes); !written) return written;
    }
    return statements_.put_blob.run(put.job, digest_of(put.sha256), put.round, sequence,
                                    is_large ? std::optional{put.bytes.size()} : std::nullopt,
                                    is_large ? ByteSpan{} : put.bytes);
}

Result<void> SqliteWriter::apply(const PutCheckpoint& put) {
    const std::int64_t sequence = turn_.counters.last_sequence;
    const ResultFile file = file_of(put, sequence);
    const auto live = is_live(put.job);
    if (!live) return unexpected(live.error());
    if (!*live) {
        if (staged_.contains(sequence)) turn_.unnamed.push_back(file);
        return {};
    }
    if (auto unnamed = unname_checkpoint(put.job, put.round); !unnamed) return unnamed;
    const auto former = unname_blobs(put.job, put.round, put.round);
    if (!former) return unexpected(former.error());
    const ByteSpan sha256 = digest_of(put.sha256);
    const bool is_large = put.state->size() > row_bytes_max;
    Result<void> done = is_large ? write_large(file, *put.state) : Result<void>{};
    if (done) {
        done = statements_.put_checkpoint.run(
            put.job, put.round, is_large ? ByteSpan{} : ByteSpan{*put.state}, sha256, sequence,
            is_large ? std::optional{put.state->size()} : std::nullopt);
    }
    for (const Sha256& blob : put.blobs) {
        if (done) done = statements_.name_blob.run(put.job, put.round, digest_of(blob));
    }
    if (done) done = erase_unnamed_blobs(put.job, *former);
    if (done) done = statements_.erase_leases_before.run(put.job, put.round);
    return done;
}

/// Its file, if it has one, is to go.
Result<void> SqliteWriter::unname_checkpoint(JobId job, RoundIndex round) {
    const auto sequence = statements_.checkpoint_file.first_integer(job, round);
    if (!sequence) return unexpected(sequence.error());
    if (*sequence) turn_.unnamed.push_back({job, round, static_cast<std::uint64_t>(**sequence)});
    return {};
}

Result<void> SqliteWriter::apply(const DropCheckpoint& drop) {
    if (auto unnamed = unname_checkpoint(drop.job, drop.round); !unnamed) return unnamed;
    const auto blobs = unname_blobs(drop.job, drop.round, drop.round);
    if (!blobs) return unexpected(blobs.error());
    auto done = statements_.drop_checkpoint.run(drop.job, drop.round);
    return done ? erase_unnamed_blobs(drop.job, *blobs) : done;
}

Result<std::vector<Sha256>> SqliteWriter::unname_blobs(JobId job, std::uint64_t first,
                                                       std::uint64_t last) {
    std::vector<Sha256> names;
    auto done = statements_.unname_blobs.each(
        [&](const SqliteStatement& row) {
            const ByteSpan digest = row.blob(0);
            Sha256& name = names.emplace_back();
            std::memcpy(name.digest.data(), digest.data(),
                        std::min(digest.size(), name.digest.size()));
        },
        job, first, last);
    if (!done) return unexpected(done.error());
    return names;
}

/// Whether checkpoints name them or not.
Result<void> SqliteWriter::erase_blobs(JobId job) {
    constexpr int no_limit = -1;
    return statements_.erase_some_blobs.each(
        [&](const SqliteStatement& row) {
            if (row.is_null(2)) return;
            turn_.unnamed.push_back(
                {job, row.integer_as<RoundIndex>(0), row.integer_as<std::uint64_t>(1)});
        },
        job, all_rounds, no_limit);
}

Result<void> SqliteWriter::erase_unnamed_blobs(JobId job, const std::vector<Sha256>& names) {
    for (const Sha256& name : names) {
        auto done = statements_.erase_unnamed_blob.each(
            [&](const SqliteStatement& row) {
                if (row.is_null(2)) return;
                turn_.unnamed.push_back(
                    {job, row.integer_as<RoundIndex>(0), row.integer_as<std::uint64_t>(1)});
            },
            job, digest_of(name));
        if (!done) return done;
    }
    return {};
}

}  // namespace netcompute::store
