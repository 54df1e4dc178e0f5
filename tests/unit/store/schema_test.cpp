#include "store/files.hpp"
#include "store/sqlite.hpp"
#include "store/sqlite_schema.hpp"
#include "store_records.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace netcompute::store {
namespace {

using test_support::TemporaryFolder;

SqliteDatabase open_database(const TemporaryFolder& folder) {
    auto opened = SqliteDatabase::open(folder.path() / "netcompute.db");
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
}

std::string open_error(const TemporaryFolder& folder) {
    const auto opened = SqliteJobStore::open(folder.path());
    EXPECT_FALSE(opened) << "it should not open";
    return opened ? "" : opened.error().message;
}

const std::string old_sha256(64, 'a');

/// The schema as a program that knew so many of its steps wrote it, with one job in it.
void write_old_store(const TemporaryFolder& folder, std::size_t version) {
    SqliteDatabase database = open_database(folder);
    const auto migrated = migrate(database, schema_steps().first(version));
    ASSERT_TRUE(migrated) << migrated.error().message;
    ASSERT_EQ(*database.number("PRAGMA user_version"), static_cast<std::int64_t>(version));
    const std::string inputs =
        R"([{"name":"data","path":"Data/a.csv","sha256":")" + old_sha256 + "\"}]";
    const auto written = database.execute(
        "INSERT INTO jobs (id, type, name, priority, params, validation, deadline_seconds,"
        " paths_anywhere, submitted_unix_ms, state, inputs, elapsed_seconds, tasks_done, result)"
        " VALUES (7, 'noop', 'old', 0, '{}', '', 0, 0, 5, 1, '" +
        inputs +
        "', 0, 0, '');"
        "INSERT INTO counters VALUES ('last_job', 9)");
    ASSERT_TRUE(written) << written.error().message;
}

// A program of next year opens the record of this one, from every version that there ever was.
TEST(SchemaTest, AnOlderStoreIsBroughtUpToDate) {
    for (std::size_t version = 1; version < schema_steps().size(); ++version) {
        const TemporaryFolder folder;
        write_old_store(folder, version);
        const auto store = testing::open_store(folder.path());
        ASSERT_TRUE(store->job(JobId{7}).has_value());
        EXPECT_EQ(store->job(JobId{7})->name, "old");
        EXPECT_EQ(store->job(JobId{7})->state, JobState::Running);
        EXPECT_EQ(store->job(JobId{7})->inputs,
                  (std::vector<JobFile>{{"data", "Data/a.csv", *sha256_from_hex(old_sha256)}}));
        EXPECT_EQ(store->next_job_id(), JobId{10});
        testing::commit(
            *store, {testing::put_job(7, JobState::Succeeded), testing::put_receipt(7, "receipt")});
        EXPECT_EQ(store->receipt(JobId{7}), testing::bytes_of("receipt"));
    }
}

// One step that fails takes back those before it.
TEST(SchemaTest, AMigrationIsDoneWholeOrNotAtAll) {
    const TemporaryFolder folder;
    SqliteDatabase database = open_database(folder);
    const std::array<std::string_view, 2> steps{"CREATE TABLE one (a);", "CREATE TABLE two oops;"};
    EXPECT_FALSE(migrate(database, steps));
    EXPECT_EQ(*database.number("SELECT count(*) FROM sqlite_master"), 0);
    EXPECT_EQ(*database.number("PRAGMA user_version"), 0);
}

TEST(SchemaTest, ANewerStoreIsRefusedAndLeftAlone) {
    const TemporaryFolder folder;
    testing::open_store(folder.path()).reset();
    ASSERT_TRUE(open_database(folder).execute("PRAGMA user_version = 900"));
    const auto path = folder.path() / "netcompute.db";
    const std::string before = test_support::read_file(path);
    EXPECT_EQ(open_error(folder), shown_path(path) +
                                      ": its schema is version 900, this program knows up to " +
                                      std::to_string(schema_steps().size()) +
                                      "; use the newer program or another --state-dir");
    EXPECT_EQ(test_support::read_file(path), before);
}

TEST(SchemaTest, AFileThatIsNoDatabaseIsNamed) {
    const TemporaryFolder folder;
    const auto path = folder.write("netcompute.db", std::string(5000, 'x'));
    EXPECT_EQ(open_error(folder), shown_path(path) +
                                      ": is not a database; move it away, or choose "
                                      "another --state-dir");
    EXPECT_EQ(test_support::read_file(path), std::string(5000, 'x'));
}

TEST(SchemaTest, ADamagedDatabaseIsNamed) {
    const TemporaryFolder folder;
    testing::open_store(folder.path()).reset();
    const auto path = folder.path() / "netcompute.db";
    std::string bytes = test_support::read_file(path);
    ASSERT_GT(bytes.size(), 4096U);
    bytes.replace(100, 3000, std::string(3000, '\xee'));  // The table of tables.
    folder.write("netcompute.db", bytes);
    EXPECT_EQ(open_error(folder), shown_path(path) +
                                      ": is damaged; put a copy in its place, move it "
                                      "away, or choose another --state-dir");
}

// Two programs never write one record, also where the lock of the folder did not keep them apart.
TEST(SchemaTest, ADatabaseThatIsInUseIsRefused) {
    const TemporaryFolder folder;
    std::array<int, 2> is_open{};
    std::array<int, 2> may_end{};
    ASSERT_EQ(::pipe(is_open.data()), 0);
    ASSERT_EQ(::pipe(may_end.data()), 0);
    const pid_t other = ::fork();
    if (other == 0) {
        ::close(may_end[1]);
        const auto store = SqliteJobStore::open(folder.path());
        char byte = store ? 'y' : 'n';
        if (::write(is_open[1], &byte, 1) != 1 || ::read(may_end[0], &byte, 1) != 0) ::_exit(1);
        ::_exit(0);
    }
    char byte = 'n';
    ASSERT_EQ(::read(is_open[0], &byte, 1), 1);
    ASSERT_EQ(byte, 'y');
    EXPECT_EQ(open_error(folder), shown_path(folder.path() / "netcompute.db") +
                                      ": another program has it open; close that one");
    for (const int end : {is_open[0], is_open[1], may_end[0], may_end[1]}) ::close(end);
    ::waitpid(other, nullptr, 0);
    EXPECT_NE(testing::open_store(folder.path()), nullptr);
}

}  // namespace
}  // namespace netcompute::store
