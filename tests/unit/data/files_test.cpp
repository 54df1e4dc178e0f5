#include "data/atomic_file.hpp"
#include "data/data_folder.hpp"
#include "data/submission.hpp"
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

TextArena arena_of(std::initializer_list<std::string_view> texts) {
    TextArena arena;
    for (const auto text : texts) arena.push_back(text);
    return arena;
}

TEST(SubmissionTest, EachRowGetsALineInInputOrder) {
    const TextArena ids = arena_of({"893", "892", "7"});
    const std::vector<double> scores{0.1, -3, 0};
    const Classes classes{"0", "1"};
    const auto text = submission_text({"PassengerId", "Survived", ids, scores, classes});
    ASSERT_TRUE(text);
    EXPECT_EQ(*text, "PassengerId,Survived\n893,1\n892,0\n7,0\n");
}

TEST(SubmissionTest, NamesIdsAndClassesAreQuotedWhereTheyMustBe) {
    const TextArena ids = arena_of({"a,1", "say \"hi\"", "two\nlines", "plain"});
    const std::vector<double> scores{1, -1, 1, -1};
    const Classes classes{"no, never", "yes"};
    const auto text = submission_text({"the id", "a \"b\"", ids, scores, classes});
    ASSERT_TRUE(text);
    EXPECT_EQ(*text,
              "the id,\"a \"\"b\"\"\"\n\"a,1\",yes\n\"say \"\"hi\"\"\",\"no, never\"\n"
              "\"two\nlines\",yes\nplain,\"no, never\"\n");
}

TEST(SubmissionTest, EveryIdNeedsAScore) {
    const TextArena ids = arena_of({"1", "2"});
    const std::vector<double> scores{1};
    const Classes classes{"0", "1"};
    const auto text = submission_text({"id", "y", ids, scores, classes});
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().message, "2 ids, but 1 score");
}

class LabelsTest : public testing::Test {
 protected:
    Result<std::vector<std::uint8_t>> read(std::string_view text) {
        path_ = folder_.write("labels.csv", text);
        return read_labels(*InputFile::open(path_), "id", "y", {"0", "1"}, ids_);
    }
    std::string error_of(std::string_view text) {
        const auto labels = read(text);
        if (labels) return "no error";
        return labels.error().message.substr(path_.string().size());
    }

    TemporaryFolder folder_;
    std::filesystem::path path_;
    TextArena ids_ = arena_of({"a", "b", "c"});
};

TEST_F(LabelsTest, LabelsAreJoinedById) {
    const auto labels = read("y,id\n1,c\n0,x\n0,a\n1.0,b\n");
    ASSERT_TRUE(labels) << labels.error().message;
    EXPECT_THAT(*labels, ElementsAre(0, 1, 1));
}

TEST_F(LabelsTest, BadLabelsAreNamed) {
    EXPECT_EQ(error_of("id,y\na,1\nb,0\n"), ": no row for id \"c\"");
    EXPECT_EQ(error_of("id,y\na,1\na,0\n"),
              ": line 3 (row 2), column \"id\": \"a\" stands in a row before this one too");
    EXPECT_EQ(error_of("id,y\na,2\n"),
              ": line 2 (row 1), column \"y\": \"2\" is neither \"0\" nor \"1\"");
    EXPECT_THAT(error_of("id,z\na,2\n"), HasSubstr("no column \"y\" (the target)"));
    EXPECT_THAT(error_of(""), HasSubstr("is empty"));
}

}  // namespace
}  // namespace netcompute::data
