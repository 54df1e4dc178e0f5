#include "memory_job_store.hpp"
#include "store/files.hpp"
#include "store/sqlite.hpp"
#include "store_records.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

namespace netcompute::store {
namespace {

namespace fs = std::filesystem;
using test_support::TemporaryFolder;

enum class DiskKind { FileSizeLimit, SmallDisk };

/// A folder with room for a few MB until make_room(): no file there may grow further, which any
/// user can have, or it is a disk of its own that somebody else's file fills. A user who may not
/// mount a disk gets the former for the latter.
class FullDisk {
 public:
    FullDisk(const TemporaryFolder& folder, DiskKind kind) : folder_{folder} {
        if (kind == DiskKind::SmallDisk) {
            is_mounted_ = ::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=12m") == 0;
        }
        if (is_mounted_) {
            folder.write("others", std::string(6'000'000, 'x'));
        } else {
            std::signal(SIGXFSZ, SIG_IGN);
            ::getrlimit(RLIMIT_FSIZE, &limit_before_);
            set_limit({limit_bytes, limit_before_.rlim_max});
        }
        fs::create_directory(state());
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    ~FullDisk() {
        make_room();
        if (is_mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
    }

    void make_room() {
        if (is_mounted_) {
            fs::remove(folder_.path() / "others");
        } else {
            set_limit(limit_before_);
        }
    }
    [[nodiscard]] fs::path state() const { return folder_.path() / "state"; }
    [[nodiscard]] std::string reason() const {
        return is_mounted_ ? "; free some space" : "File too large; free some space";
    }

    static constexpr rlim_t limit_bytes = 6'000'000;

 private:
    static void set_limit(const rlimit& limit) {
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) throw std::runtime_error("no limit");
    }

    const TemporaryFolder& folder_;
    bool is_mounted_ = false;
    rlimit limit_before_{};
};

/// While it lives, this process is not root, for whom no file is read-only.
class PlainUser {
 public:
    PlainUser() : was_root_{::geteuid() == 0} {
        if (was_root_ && ::seteuid(65534) != 0) throw std::runtime_error("cannot become nobody");
    }
    PlainUser(const PlainUser&) = delete;
    PlainUser& operator=(const PlainUser&) = delete;
    ~PlainUser() {
        if (was_root_ && ::seteuid(0) != 0) std::abort();
    }

 private:
    bool was_root_;
};

void give_to_plain_user(const fs::path& path) {
    if (::geteuid() == 0 && ::chown(path.c_str(), 65534, 65534) != 0) {
        throw std::runtime_error(path.string() + ": cannot be given away");
    }
}

/// The commit as the store and its model should both have it.
Result<void> commit_to_both(JobStore& store, MemoryJobStore& model,
                            const std::vector<Record>& records, Durability durability) {
    auto committed = store.commit(records, durability);
    if (committed) testing::commit(model, records);
    return committed;
}

void expect_same_work(const JobStore& store, const MemoryJobStore& model) {
    EXPECT_EQ(store.jobs(), model.jobs());
    const auto work = store.work(JobId{1});
    const auto expected = model.work(JobId{1});
    ASSERT_TRUE(work) << work.error().message;
    ASSERT_TRUE(expected);
    EXPECT_EQ(*work, *expected);
}

std::size_t file_count(const fs::path& folder) {
    const fs::directory_iterator files{folder};
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

struct FullDiskCase {
    const char* name;
    DiskKind disk;
    bool large_outputs;  ///< They lie in files.
};

class FullDiskTest : public ::testing::TestWithParam<FullDiskCase> {
 protected:
    /// The next commit: outputs, and a job that counts the commits. Of two large outputs the second
    /// one grows, so that it is the one that does not fit.
    static std::vector<Record> next_commit(TaskIndex index) {
        JobRecord job = testing::job_record(1, JobState::Running);
        job.tasks_done = index + 1;
        if (!GetParam().large_outputs) {
            return {testing::put_sized_output(1, index, 20'000), PutJob{job}};
        }
        return {testing::put_sized_output(1, 2 * index, 300'000),
                testing::put_sized_output(1, 2 * index + 1, 400'000 * (index + 1)), PutJob{job}};
    }

    /// Commits until one fails, and returns its number.
    TaskIndex fill(JobStore& store, MemoryJobStore& model) {
        for (TaskIndex index = 0; index < 2000; ++index) {
            const auto durability = index % 2 == 0 ? Durability::Power : Durability::Process;
            const auto committed = commit_to_both(store, model, next_commit(index), durability);
            if (committed) continue;
            EXPECT_EQ(committed.error().code, ErrorCode::Unavailable);
            error_ = committed.error().message;
            return index;
        }
        throw std::runtime_error("it never filled");
    }

    std::string error_;
};

INSTANTIATE_TEST_SUITE_P(
    , FullDiskTest,
    ::testing::Values(FullDiskCase{"RowsWithinALimit", DiskKind::FileSizeLimit, false},
                      FullDiskCase{"FilesWithinALimit", DiskKind::FileSizeLimit, true},
                      FullDiskCase{"RowsOnASmallDisk", DiskKind::SmallDisk, false},
                      FullDiskCase{"FilesOnASmallDisk", DiskKind::SmallDisk, true}),
    [](const auto& disk) { return std::string{disk.param.name}; });

// A disk fills: the commit that does not fit says so and leaves nothing behind, and goes through
// as it is once there is room.
TEST_P(FullDiskTest, ACommitThatDoesNotFitIsRefusedWholeAndGoesThroughLater) {
    const TemporaryFolder folder;
    FullDisk disk{folder, GetParam().disk};
    MemoryJobStore model;
    auto store = testing::open_store(disk.state());
    testing::commit(model, {testing::put_job(1, JobState::Running)});
    testing::commit(*store, {testing::put_job(1, JobState::Running)});

    const TaskIndex refused = fill(*store, model);
    EXPECT_EQ(error_.find(disk.state()), std::string::npos) << "viewers see no path: " << error_;
    EXPECT_NE(error_.find(disk.reason()), std::string::npos) << error_;
    EXPECT_GT(refused, 0U) << "it was full at once";
    const std::size_t files = GetParam().large_outputs ? 2 * refused : 0;
    EXPECT_EQ(file_count(disk.state() / "results"), files);
    expect_same_work(*store, model);
    EXPECT_FALSE(store->commit(next_commit(refused), Durability::Power)) << "it is still full";
    expect_same_work(*store, model);

    disk.make_room();
    ASSERT_TRUE(commit_to_both(*store, model, next_commit(refused), Durability::Power));
    expect_same_work(*store, model);
    store.reset();
    expect_same_work(*testing::open_store(disk.state()), model);
}

// Where the log can grow but the database cannot, nothing is lost and no commit fails.
TEST(WriteAheadLogTest, ADatabaseThatCannotGrowFailsNoCommitThatTheLogHolds) {
    const TemporaryFolder folder;
    FullDisk disk{folder, DiskKind::FileSizeLimit};
    auto store = testing::open_store(disk.state());
    testing::commit(*store, {testing::put_job(1, JobState::Running)});
    std::uint64_t bytes = 0;
    TaskIndex index = 0;
    while (store->commit(std::vector{testing::put_sized_output(1, index, 20'000)},
                         Durability::Power)) {
        ++index;
        bytes += 20'000;
        testing::keep_up(*store);
    }
    EXPECT_LE(fs::file_size(disk.state() / "netcompute.db"), FullDisk::limit_bytes);
    EXPECT_GT(bytes, FullDisk::limit_bytes);
    disk.make_room();
    store.reset();
    EXPECT_EQ(testing::open_store(disk.state())->outputs(JobId{1}, 0)->size(), index);
}

// What a person left unwritable is named, with what to do; nothing is made or changed.
TEST(ReadOnlyTest, AnUnwritableFolderOrDatabaseIsRefusedAtTheStart) {
    const TemporaryFolder folder;
    ::chmod(folder.path().c_str(), 0755);
    const auto state = folder.path() / "state";
    fs::create_directory(state);
    give_to_plain_user(state);
    const PlainUser user;
    const auto expect_refused = [&](const std::string& message) {
        const auto opened = SqliteJobStore::open(state);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, ErrorCode::Unavailable);
        EXPECT_EQ(opened.error().message, "state/netcompute.db" + message);
    };
    ::chmod(state.c_str(), 0555);
    expect_refused(": cannot be opened: Permission denied; make the file and its folder writable");
    ::chmod(state.c_str(), 0755);
    testing::open_store(state).reset();
    ::chmod((state / "netcompute.db").c_str(), 0444);
    expect_refused(": is read-only; make the file and its folder writable");
    ::chmod((state / "netcompute.db").c_str(), 0644);
    EXPECT_NE(testing::open_store(state), nullptr);
}

// A folder that becomes unwritable while the master runs fails what needs it, and only that.
TEST(ReadOnlyTest, AFolderThatBecomesUnwritableFailsCommitsUntilItIsWritableAgain) {
    const TemporaryFolder folder;
    give_to_plain_user(folder.path());
    const PlainUser user;
    const auto store = testing::open_store(folder.path());
    testing::commit(*store, {testing::put_job(1, JobState::Running)});
    ::chmod((folder.path() / "results").c_str(), 0555);
    const std::vector<Record> large{testing::put_sized_output(1, 0, 300'000)};
    const auto refused = store->commit(large, Durability::Power);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Unavailable);
    EXPECT_EQ(refused.error().message,
              shown_path(folder.path() / "results" / "1-0-1") +
                  ": cannot write: Permission denied; make the file and its folder writable");
    testing::commit(*store, {testing::put_sized_output(1, 1, 100)});
    ::chmod((folder.path() / "results").c_str(), 0755);
    testing::commit(*store, large);
    EXPECT_EQ(store->outputs(JobId{1}, 0)->size(), 2U);
}

// The log goes to the database as it grows, or a master that runs for months would fill the disk.
TEST(WriteAheadLogTest, ItDoesNotGrowWithWhatIsCommitted) {
    const TemporaryFolder folder;
    const auto store = testing::open_store(folder.path());
    testing::commit(*store, {testing::put_job(1, JobState::Running)});
    for (TaskIndex index = 0; index < 300; ++index) {
        testing::commit(*store, {testing::put_sized_output(1, index, 100'000)},
                        Durability::Process);
        testing::keep_up(*store);
    }
    EXPECT_GT(fs::file_size(folder.path() / "netcompute.db"), 20'000'000U);
    EXPECT_LT(fs::file_size(folder.path() / "netcompute.db-wal"), 10'000'000U);
}

// Commits go on while the log is moved to the database. They are held back only for what came
// meanwhile, so that the log begins anew.
TEST(WriteAheadLogTest, CommitsAreHeldOnlyForWhatCameWhileTheLogWasMoved) {
    const TemporaryFolder folder;
    const auto store = testing::open_store(folder.path());
    testing::commit(*store, {testing::put_job(1, JobState::Running)});
    TaskIndex index = 0;
    const auto commit_one = [&] {
        testing::commit(*store, {testing::put_sized_output(1, index++, 100'000)},
                        Durability::Process);
    };
    const auto log_bytes = [&] { return fs::file_size(folder.path() / "netcompute.db-wal"); };
    const auto commit_until_upkeep = [&] {
        std::optional<Upkeep> upkeep;
        while (!upkeep) {
            commit_one();
            upkeep = store->upkeep();
        }
        return *upkeep;
    };
    const Upkeep alone = commit_until_upkeep();
    EXPECT_FALSE(alone.holds_commits);
    ASSERT_TRUE(alone.work());
    auto bytes = log_bytes();
    commit_one();
    EXPECT_EQ(log_bytes(), bytes) << "all of it was moved, and its pages are written over";
    EXPECT_FALSE(store->upkeep());

    // Who still reads an old state keeps what came after it in the log, as commits do that come
    // while it is moved.
    auto reader = SqliteDatabase::open(folder.path() / "netcompute.db");
    ASSERT_TRUE(reader);
    ASSERT_TRUE(reader->execute("BEGIN; SELECT count(*) FROM jobs"));
    const Upkeep beside_others = commit_until_upkeep();
    EXPECT_FALSE(beside_others.holds_commits);
    ASSERT_TRUE(beside_others.work());
    ASSERT_TRUE(reader->execute("COMMIT"));
    const Upkeep the_rest = commit_until_upkeep();
    EXPECT_TRUE(the_rest.holds_commits);
    ASSERT_TRUE(the_rest.work());
    bytes = log_bytes();
    commit_one();
    EXPECT_EQ(log_bytes(), bytes);
    EXPECT_FALSE(store->upkeep());
    EXPECT_EQ(store->outputs(JobId{1}, 0)->size(), index);
}

}  // namespace
}  // namespace netcompute::store
