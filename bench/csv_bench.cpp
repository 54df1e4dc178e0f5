// How fast a table becomes a dataset and tiles: netcompute_csv_bench FILE
// Reads FILE once for the page cache, then prints the seconds of each step, on one core; "dataset"
// hashes, writes to the disk and waits for it; "again" is what the next job on the same file waits.
#include "data/csv_reader.hpp"
#include "data/dataset_catalog.hpp"
#include "learning/learner.hpp"
#include "temporary_folder.hpp"
#include <netcompute/sha256.hpp>

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

namespace {

using namespace netcompute;

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void report(const char* step, double seconds, double megabytes) {
    std::printf("%-10s %7.3f s %8.1f MB/s\n", step, seconds, megabytes / seconds);
}

/// Only the reader: fields are found, checked and thrown away.
Result<std::uint64_t> read_rows(const std::string& path) {
    const auto file = data::InputFile::open(path);
    if (!file) return unexpected(file.error());
    auto reader = data::CsvReader::open(data::csv_file_source(*file), path);
    if (!reader) return unexpected(reader.error());
    for (;;) {
        const auto more = reader->next();
        if (!more) return unexpected(more.error());
        if (!*more) return reader->row();
    }
}

Result<data::Table> take_table(data::DatasetCatalog& catalog, const std::string& path) {
    const auto file = data::InputFile::open(path);
    if (!file) return unexpected(file.error());
    return catalog.table(*file, {.id = "PassengerId"}, [](auto) { return Result<void>{}; });
}

int fail(const Error& error) {
    std::fprintf(stderr, "%s\n", error.message.c_str());
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: netcompute_csv_bench FILE\n", stderr);
        return 2;
    }
    const std::string path = argv[1];
    std::error_code no_size;
    const auto size = std::filesystem::file_size(path, no_size);
    const double megabytes = no_size ? 0 : static_cast<double>(size) / 1e6;
    if (const auto warm = read_rows(path); !warm) return fail(warm.error());

    auto start = std::chrono::steady_clock::now();
    const auto rows = read_rows(path);
    if (!rows) return fail(rows.error());
    report("read", seconds_since(start), megabytes);

    const test_support::TemporaryFolder folder;
    const auto catalog = data::DatasetCatalog::open(folder.path() / "datasets");
    if (!catalog) return fail(catalog.error());
    start = std::chrono::steady_clock::now();
    const auto table = take_table(**catalog, path);
    if (!table) return fail(table.error());
    report("dataset", seconds_since(start), megabytes);

    // Tiles are hashed, as the blob store does, and then dropped.
    const learning::BlobSink hash = [](Bytes bytes) -> Result<programs::BlobRef> {
        return programs::BlobRef{sha256(bytes), bytes.size()};
    };
    start = std::chrono::steady_clock::now();
    const learning::Learner& learner = learning::learners().front();
    const auto prepared = learning::prepare_training(
        *table, {"Survived", "PassengerId", {learner.article}, learner.features_max}, hash);
    if (!prepared) return fail(prepared.error());
    report("tiles", seconds_since(start), megabytes);

    start = std::chrono::steady_clock::now();
    const auto again = take_table(**catalog, path);
    if (!again) return fail(again.error());
    report("again", seconds_since(start), megabytes);

    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::printf("%llu rows, %u features, %zu shards, data %s, peak memory %.0f MB\n",
                static_cast<unsigned long long>(*rows), prepared->features.feature_count,
                prepared->features.blobs.size(), prepared->data_sha256.c_str(),
                static_cast<double>(usage.ru_maxrss) / 1e3);
    return 0;
}
