#include "store/memory_job_store.hpp"
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

/// While it lives, no file grows beyond this size: what a full disk is like, for any user.
class FileSizeLimit {
 public:
    explicit FileSizeLimit(rlim_t bytes) : handler_{std::signal(SIGXFSZ, SIG_IGN)} {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit lower{bytes, before_.rlim_max};
        if (::setrlimit(RLIMIT_FSIZE, &lower) != 0) throw std::runtime_error("no limit");
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

 private:
    void (*handler_)(int);
    rlimit before_{};
};

/// A file system of this size at `path`, if this process may mount one.
class SmallDisk {
 public:
    SmallDisk(fs::path path, const char* options) : path_{std::move(path)} {
        is_mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, options) == 0;
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk() {
        if (is_mounted_) ::umount2(path_.c_str(), MNT_DETACH);
    }
    [[nodiscard]] bool is_mounted() const { return is_mounted_; }

 private:
    fs::path path_;
    bool is_mounted_ = false;
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

/// Commits outputs of this size until one fails; the records that did not fit.
std::vector<Record> fill(JobStore& store, MemoryJobStore& model, std::size_t output_bytes,
                         std::string& error) {
    for (TaskIndex index = 0; index < 2000; ++index) {
        JobRecord job = testing::job_record(1, JobState::Running);
        job.tasks_done = index + 1;
        const std::vector<Record> records{testing::put_sized_output(1, index, output_bytes),
                                          PutJob{job}};
        const auto durability = index % 2 == 0 ? Durability::Power : Durability::Process;
        const auto committed = commit_to_both(store, model, records, durability);
        if (committed) continue;
        EXPECT_EQ(committed.error().code, ErrorCode::Unavailable);
        error = committed.error().message;
        return records;
    }
    throw std::runtime_error("it never filled");
}

/// Fills the disk, sees that nothing is half done, makes room, and goes on with what did not fit.
template <typename MakeRoom>
std::string fill_and_go_on(const fs::path& folder, std::size_t output_bytes, MakeRoom make_room) {
    MemoryJobStore model;
    auto store = testing::open_store(folder);
    EXPECT_TRUE(
        commit_to_both(*store, model, {testing::put_job(1, JobState::Running)}, Durability::Power));
    std::string error;
    const auto refused = fill(*store, model, output_bytes, error);
    EXPECT_GT(store->job(JobId{1})->tasks_done, 0U) << "it was full at once";
    expect_same_work(*store, model);
    EXPECT_FALSE(store->commit(refused, Durability::Power)) << "it is still full";
    expect_same_work(*store, model);
    make_room();
    EXPECT_TRUE(commit_to_both(*store, model, refused, Durability::Power));
    expect_same_work(*store, model);
    store.reset();
    expect_same_work(*testing::open_store(folder), model);
    return error;
}

struct Size {
    const char* name;
    std::size_t output_bytes;
};
class FullDiskTest : public ::testing::TestWithParam<Size> {};
INSTANTIATE_TEST_SUITE_P(, FullDiskTest,
                         ::testing::Values(Size{"Rows", 20'000}, Size{"Files", 400'000}),
                         [](const auto& size) { return std::string{size.param.name}; });

// A file that may not grow stands for a full disk; once there is room the same records go through.
TEST_P(FullDiskTest, ACommitThatDoesNotFitIsRefusedWholeAndGoesThroughLater) {
    const TemporaryFolder folder;
    const bool is_row = GetParam().output_bytes < 100'000;
    std::optional<FileSizeLimit> limit;
    const auto make_room = [&] { limit.reset(); };
    if (is_row) {
        // Larger than the log gets before it goes to the database, whose growth fails first: that
        // alone loses nothing and fails no commit.
        limit.emplace(6'000'000);
        const std::string error = fill_and_go_on(folder.path(), 20'000, make_room);
        EXPECT_EQ(error, (folder.path() / "netcompute.db").string() +
                             ": cannot be read or written: File too large; free some space");
        EXPECT_GT(testing::open_store(folder.path())->job(JobId{1})->tasks_done * 20'000,
                  std::uint64_t{6'000'000});
        return;
    }
    // Large outputs of one job fit, and then one that is larger than any file may be.
    const auto store = testing::open_store(folder.path());
    testing::commit(
        *store, {testing::put_job(1, JobState::Running), testing::put_sized_output(1, 0, 400'000)});
    limit.emplace(500'000);
    const std::vector<Record> large{testing::put_sized_output(1, 1, 400'000),
                                    testing::put_sized_output(1, 2, 600'000)};
    const auto refused = store->commit(large, Durability::Power);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Unavailable);
    EXPECT_NE(refused.error().message.find("File too large; free some space"), std::string::npos)
        << refused.error().message;
    EXPECT_EQ(file_count(folder.path() / "results"), 1U) << "what did not count was left there";
    EXPECT_EQ(store->outputs(JobId{1}, 0)->size(), 1U);
    make_room();
    testing::commit(*store, large);
    EXPECT_EQ(store->outputs(JobId{1}, 0)->size(), 3U);
}

// The real thing: a small disk, full because of somebody else's file.
TEST_P(FullDiskTest, ARealDiskMayFillAndEmpty) {
    const TemporaryFolder folder;
    const SmallDisk disk{folder.path(), "size=12m"};
    if (!disk.is_mounted()) GTEST_SKIP() << "this user may not mount a disk: " << strerror(errno);
    const auto others = folder.write("others", std::string(7 << 20, 'x'));
    fs::create_directory(folder.path() / "state");
    const std::string error = fill_and_go_on(folder.path() / "state", GetParam().output_bytes,
                                             [&] { fs::remove(others); });
    EXPECT_NE(error.find("free some space"), std::string::npos) << error;
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
        EXPECT_EQ(opened.error().message, (state / "netcompute.db").string() + message);
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
              (folder.path() / "results" / "1-0-1").string() +
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
    }
    EXPECT_GT(fs::file_size(folder.path() / "netcompute.db"), 20'000'000U);
    EXPECT_LT(fs::file_size(folder.path() / "netcompute.db-wal"), 10'000'000U);
}

}  // namespace
}  // namespace netcompute::store
