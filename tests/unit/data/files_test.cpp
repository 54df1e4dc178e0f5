#include "data/atomic_file.hpp"
#include "data/data_folder.hpp"
#include "temporary_folder.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

namespace netcompute::data {
namespace {

using test_support::read_file;
using test_support::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;

std::size_t file_count(const std::filesystem::path& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{folder}, {}));
}

/// Until its end no file of this process can grow past some bytes: a full disk, for tests.
class FileSizeLimit {
 public:
    explicit FileSizeLimit(rlim_t bytes_max) {
        old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &old_limit_);
        const rlimit limit{bytes_max, old_limit_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit() {
        setrlimit(RLIMIT_FSIZE, &old_limit_);
        std::signal(SIGXFSZ, old_handler_);
    }

 private:
    rlimit old_limit_{};
    void (*old_handler_)(int) = nullptr;
};

Result<void> check_writable(const std::filesystem::path& folder) {
    const auto open = share_descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY));
    return check_writable_folder(*open, folder.string());
}

TEST(AtomicFileTest, AFileIsMadeAndReplacedAndNothingElseIsLeft) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "out.csv";
    ASSERT_TRUE(write_file_atomically(path, as_byte_span("first")));
    ASSERT_TRUE(write_file_atomically(path, as_byte_span("second")));
    EXPECT_EQ(read_file(path), "second");
    ASSERT_TRUE(write_file_atomically(path, {}));
    EXPECT_EQ(read_file(path), "");
    EXPECT_EQ(file_count(folder.path()), 1U);
}

// Whoever could make a file of that name must not decide who may read or run what comes.
TEST(AtomicFileTest, AReplacedFileGetsThePermissionsOfANewOne) {
    const TemporaryFolder folder;
    const auto path = folder.write("out.csv", "old");
    ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
    ASSERT_TRUE(write_file_atomically(path, as_byte_span("new"), 0600));
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(AtomicFileTest, ADiskThatFillsUpLeavesTheOldFileAndNothingElse) {
    const TemporaryFolder folder;
    const auto path = folder.write("out.csv", "old");
    const std::string text(100'000, 'x');
    Result<void> written;
    {
        const FileSizeLimit full{1000};
        written = write_file_atomically(path, as_byte_span(text));
    }
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::Unavailable);
    EXPECT_EQ(written.error().message, path.string() + ": could not write: File too large");
    EXPECT_EQ(read_file(path), "old");
    EXPECT_EQ(file_count(folder.path()), 1U);
}

TEST(AtomicFileTest, AMissingFolderIsNamed) {
    const TemporaryFolder folder;
    const auto missing = folder.path() / "none";
    const auto written = write_file_atomically(missing / "out.csv", as_byte_span("x"));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::NotFound);
    EXPECT_EQ(written.error().message,
              missing.string() + ": there is no such folder; create it first");
}

TEST(AtomicFileTest, AFileWhereAFolderShouldBeIsNamed) {
    const TemporaryFolder folder;
    const auto file = folder.write("plain", "x");
    const auto written = write_file_atomically(file / "out.csv", as_byte_span("x"));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().message, file.string() + ": is not a folder");
}

TEST(AtomicFileTest, AFolderInTheWayIsNamedAndNothingIsLeft) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "out.csv";
    std::filesystem::create_directory(path);
    const auto written = write_file_atomically(path, as_byte_span("x"));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(written.error().message, path.string() + ": could not replace: Is a directory");
    EXPECT_EQ(file_count(folder.path()), 1U);
    EXPECT_FALSE(write_file_atomically(folder.path() / "", as_byte_span("x")));
}

// Root may write into folders whose permissions forbid it, but not everywhere: /proc takes no
// files from anybody.
TEST(AtomicFileTest, AnUnwritableFolderIsFoundOutByTryingAlsoByRoot) {
    EXPECT_FALSE(check_writable("/proc"));
    EXPECT_FALSE(write_file_atomically("/proc/out.csv", as_byte_span("x")));
    const TemporaryFolder folder;
    EXPECT_TRUE(check_writable(folder.path()));
    EXPECT_EQ(file_count(folder.path()), 0U);
}

/// Until its end this process has the rights of nobody in particular, if root runs it.
class WithoutRoot {
 public:
    WithoutRoot() {
        if (::getuid() == 0) become(nobody);
    }
    WithoutRoot(const WithoutRoot&) = delete;
    WithoutRoot& operator=(const WithoutRoot&) = delete;
    ~WithoutRoot() {
        if (::getuid() == 0) become(0);
    }

 private:
    static constexpr uid_t nobody = 65534;
    static void become(uid_t user) { EXPECT_EQ(::seteuid(user), 0); }
};

TEST(AtomicFileTest, AForbiddenFolderIsSaidToBeForbidden) {
    const TemporaryFolder folder;
    ASSERT_EQ(::chmod(folder.path().c_str(), 0555), 0);
    const WithoutRoot without_root;
    const auto checked = check_writable(folder.path());
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, ErrorCode::PermissionDenied);
    EXPECT_EQ(checked.error().message, folder.path().string() +
                                           ": could not create a file in this folder: "
                                           "Permission denied");
}

}  // namespace
}  // namespace netcompute::data
