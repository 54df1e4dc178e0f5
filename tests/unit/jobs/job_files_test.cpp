#include "jobs/job_files.hpp"

#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace netcompute::jobs {
namespace {

using test_support::read_file;
using test_support::TemporaryFolder;
using testing::HasSubstr;

namespace fs = std::filesystem;

class JobFilesTest : public ::testing::Test {
 protected:
    JobFilesTest() {
        fs::create_directories(root() / "Data" / "sub");
        folder.write("project/Data/train.csv", "a\n");
        folder.write("project/Data/model.json", "{}");
        folder.write("project/run.sh", "#!/bin/sh\n");
        folder.write("secret.csv", "s\n");
        context.root = root();
        context.written = &written;
    }
    [[nodiscard]] fs::path root() const { return folder.path() / "project"; }

    Result<data::InputFile> input(const std::string& text) {
        return JobFiles{context}.input("data", text);
    }
    /// What who submits a job that writes this file is told.
    Result<void> check(const std::string& text) {
        JobFiles files{context};
        if (auto path = files.output("output", text); !path) return unexpected(path.error());
        return files.check_outputs();
    }
    Result<void> write(const std::string& text, std::string_view bytes) {
        return OutputWriter{context}.write(*data::parse_data_path(root(), text),
                                           as_byte_span(bytes));
    }
    static void expect_refused(const Result<void>& result, const std::string& why) {
        ASSERT_FALSE(result) << why;
        EXPECT_EQ(result.error().code, ErrorCode::PermissionDenied) << result.error().message;
        EXPECT_THAT(result.error().message, HasSubstr(why));
    }

    TemporaryFolder folder;
    data::WrittenFiles written;
    JobContext context;
};

// ---- Inputs -------------------------------------------------------------------------------------

TEST_F(JobFilesTest, AnInputIsNamedFromTheRootOrFromItsDataFolder) {
    for (const std::string& name :
         {std::string{"Data/train.csv"}, std::string{"train.csv"},
          std::string{"./Data/../Data/train.csv"}, (root() / "Data" / "train.csv").string()}) {
        const auto file = input(name);
        ASSERT_TRUE(file) << file.error().message;
        EXPECT_EQ(file->name(), "Data/train.csv");
        EXPECT_EQ(*file->text(100), "a\n");
    }
}

// No spelling leads out of Data/: not dots, not an absolute path, not a link; nor to the rest of
// the folder that holds Data/.
TEST_F(JobFilesTest, NothingOutsideDataIsRead) {
    fs::create_symlink(folder.path() / "secret.csv", root() / "Data" / "link.csv");
    fs::create_directory_symlink(folder.path(), root() / "Data" / "up");
    fs::create_symlink("../../run.sh", root() / "Data" / "sub" / "run.csv");
    for (const std::string& name :
         {std::string{"../secret.csv"}, std::string{"Data/../../secret.csv"},
          std::string{"Data/link.csv"}, std::string{"Data/up/secret.csv"}, std::string{"link.csv"},
          std::string{"Data/sub/run.csv"}, (folder.path() / "secret.csv").string(),
          std::string{"/etc/passwd"}, (root() / "run.sh").string()}) {
        const auto file = input(name);
        ASSERT_FALSE(file) << name;
        EXPECT_EQ(file.error().code, ErrorCode::PermissionDenied) << file.error().message;
        EXPECT_THAT(file.error().message, HasSubstr("params.data: "));
        EXPECT_THAT(file.error().message, HasSubstr("Data/"));
    }
    for (const char* const name : {"run.sh", "Data/../run.sh", "sub/gone.csv"}) {
        EXPECT_EQ(input(name).error().code, ErrorCode::NotFound) << name << " is one below Data/";
    }
}

// The owner's own order of things below Data/ holds: a link to another table, Data/ as a link.
TEST_F(JobFilesTest, LinksThatStayBelowDataAreFollowedForReading) {
    fs::create_symlink("../train.csv", root() / "Data" / "sub" / "latest.csv");
    EXPECT_TRUE(input("Data/sub/latest.csv"));
    fs::rename(root() / "Data", folder.path() / "elsewhere");
    fs::create_directory_symlink(folder.path() / "elsewhere", root() / "Data");
    EXPECT_TRUE(input("Data/train.csv"));
    EXPECT_TRUE(check("Data/new.csv"));
}

TEST_F(JobFilesTest, HiddenFilesAndFoldersAreNeitherReadNorWritten) {
    fs::create_directories(root() / "Data" / ".git");
    folder.write("project/Data/.env", "SECRET\n");
    for (const std::string name : {".env", "Data/.env", "Data/.git/hooks", "sub/../.env"}) {
        const auto file = input(name);
        ASSERT_FALSE(file) << name;
        EXPECT_EQ(file.error().code, ErrorCode::PermissionDenied);
        EXPECT_THAT(file.error().message, HasSubstr("is hidden"));
        expect_refused(check(name), "is hidden");
    }
}

TEST_F(JobFilesTest, WhatIsNoPlainFileIsNotRead) {
    ASSERT_EQ(::mkfifo((root() / "Data" / "pipe").c_str(), 0600), 0);
    EXPECT_THAT(input("Data/pipe").error().message, HasSubstr("is not a plain file"));
    EXPECT_THAT(input("Data/sub").error().message, HasSubstr("is a folder"));
    EXPECT_THAT(input("Data").error().message, HasSubstr("is a folder"));
    EXPECT_THAT(input("").error().message, HasSubstr("is empty"));
    EXPECT_THAT(input(std::string{"Data/a\0b", 8}).error().message, HasSubstr("control character"));
    EXPECT_THAT(input("Data/" + std::string(300, 'a')).error().message, HasSubstr("longer than"));
    EXPECT_THAT(input(std::string(3000, 'a')).error().message, HasSubstr("longer than"));
    const auto missing = input("Data/none.csv");
    EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
    EXPECT_EQ(missing.error().message, "params.data: Data/none.csv: there is no such file");
}

// The person at this PC's own command line may name any file to read, and no other than the
// usual ones are written. Others see no folders of that person.
TEST_F(JobFilesTest, TheCommandLineMayReadAnyFile) {
    context.paths_anywhere = true;
    const auto outside = input((folder.path() / "secret.csv").string());
    ASSERT_TRUE(outside) << outside.error().message;
    EXPECT_EQ(outside->name(), "secret.csv");
    EXPECT_EQ(input("train.csv")->name(), "Data/train.csv");
    ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
    EXPECT_THAT(input("../pipe").error().message, HasSubstr("is not a plain file"));
    expect_refused(check("../out.csv"), "lies outside Data/");
}

// ---- Outputs ------------------------------------------------------------------------------------

TEST_F(JobFilesTest, ANewFileIsWrittenForAllToReadAndNobodyToRun) {
    const mode_t old_mask = ::umask(0);
    EXPECT_TRUE(check("sub/out.csv"));
    EXPECT_TRUE(write("sub/out.csv", "1\n"));
    ::umask(old_mask);
    EXPECT_EQ(read_file(root() / "Data" / "sub" / "out.csv"), "1\n");
    struct stat status {};
    ASSERT_EQ(::stat((root() / "Data" / "sub" / "out.csv").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0644U);
}

TEST_F(JobFilesTest, NothingOutsideDataIsWritten) {
    for (const std::string name : {"../x.csv", "/etc/x.csv", "Data/../../x.csv"}) {
        expect_refused(check(name), "lies outside Data/");
    }
    EXPECT_EQ(check("state/netcompute.db").error().code, ErrorCode::NotFound);
    EXPECT_THAT(check("Missing/out.csv").error().message,
                HasSubstr("Data/Missing: there is no such folder"));
    expect_refused(check("Data/train.csv/out.csv"), "is not a folder");
    expect_refused(check("run.sh"), "lies outside Data/");
    EXPECT_TRUE(check("Data/run.sh")) << "that is another one";
    EXPECT_FALSE(check("Data/sub/"));
    EXPECT_FALSE(check("Data"));
    EXPECT_FALSE(fs::exists(root() / "x.csv"));
}

// Whoever made a file, only what a job left in it may be replaced; and it is asked again when the
// work is done.
TEST_F(JobFilesTest, OnlyWhatAJobMadeIsReplaced) {
    const std::string why = "no job of this master made it";
    expect_refused(check("Data/train.csv"), why);
    expect_refused(write("Data/train.csv", "1\n2\n"), why);
    EXPECT_EQ(read_file(root() / "Data" / "train.csv"), "a\n");

    ASSERT_TRUE(write("Data/out.csv", "1\n"));
    EXPECT_TRUE(check("Data/out.csv"));
    ASSERT_TRUE(write("Data/out.csv", "2\n"));
    EXPECT_EQ(read_file(root() / "Data" / "out.csv"), "2\n");

    folder.write("project/Data/out.csv", "of a user\n");
    expect_refused(check("Data/out.csv"), why);
    folder.write("project/Data/out.csv", "3\n");  // As long as what the job left.
    expect_refused(write("Data/out.csv", "4\n"), why);
    EXPECT_EQ(read_file(root() / "Data" / "out.csv"), "3\n");
}

// What is known of written files lasts: a later master goes on with it.
TEST_F(JobFilesTest, ALaterMasterKnowsWhatAFormerOneWrote) {
    ASSERT_TRUE(write("Data/out.csv", "1\n"));
    const auto known = written.take_new();
    ASSERT_EQ(known.size(), 1U);
    EXPECT_EQ(known[0].first, "Data/out.csv");
    data::WrittenFiles later;
    context.written = &later;
    expect_refused(check("Data/out.csv"), "no job of this master made it");
    later.restore(known[0].first, known[0].second);
    EXPECT_TRUE(check("Data/out.csv"));
    EXPECT_TRUE(write("Data/out.csv", "2\n"));
}

// A master that was killed between the writing of a file and its record writes it again.
TEST_F(JobFilesTest, AFileThatHoldsTheseVeryBytesIsNoObstacle) {
    folder.write("project/Data/out.csv", "1\n");
    EXPECT_TRUE(write("Data/out.csv", "1\n"));
    EXPECT_FALSE(write("Data/train.csv", "b\n"));
}

TEST_F(JobFilesTest, TheNamedDefaultsAreReplacedWhoeverMadeThem) {
    folder.write("project/Data/submission_test.csv", "of a user\n");
    for (const std::string name : {"Data/model.json", "submission_test.csv"}) {
        EXPECT_TRUE(check(name));
        EXPECT_TRUE(write(name, "new\n"));
    }
    EXPECT_EQ(read_file(root() / "Data" / "submission_test.csv"), "new\n");
}

// Not even the named defaults.
TEST_F(JobFilesTest, LinksExecutableFilesAndWhatIsNoFileAreNeverReplaced) {
    fs::remove(root() / "Data" / "model.json");
    fs::create_symlink(folder.path() / "secret.csv", root() / "Data" / "model.json");
    expect_refused(check("model.json"), "is a link");
    expect_refused(write("model.json", "x"), "is a link");
    fs::create_symlink("nowhere", root() / "Data" / "dangling.csv");
    expect_refused(check("dangling.csv"), "is a link");
    folder.write("project/Data/submission_train.csv", "x");
    ASSERT_EQ(::chmod((root() / "Data" / "submission_train.csv").c_str(), 0744), 0);
    expect_refused(check("submission_train.csv"), "is executable");
    expect_refused(write("submission_train.csv", "x"), "is executable");
    ASSERT_EQ(::mkfifo((root() / "Data" / "submission_test.csv").c_str(), 0600), 0);
    expect_refused(check("submission_test.csv"), "is not a plain file");
    expect_refused(check("sub"), "is a folder");
    fs::create_directory_symlink("sub", root() / "Data" / "linked");
    expect_refused(check("linked/out.csv"), "behind a link");
    expect_refused(write("linked/out.csv", "x"), "behind a link");
    EXPECT_EQ(read_file(folder.path() / "secret.csv"), "s\n");
}

// ---- One job's files ----------------------------------------------------------------------------

TEST_F(JobFilesTest, NoOutputIsAnInputOrAnotherOutputOfTheJob) {
    JobFiles files{context};
    ASSERT_TRUE(files.input("data", "train.csv"));
    EXPECT_THAT(files.output("output", "Data/train.csv").error().message,
                HasSubstr("Data/train.csv: is params.data of this job as well"));
    ASSERT_TRUE(files.output("model", "same"));
    EXPECT_THAT(files.output("output", "Data/sub/../same").error().message,
                HasSubstr("Data/same: is params.model of this job as well"));
}

TEST_F(JobFilesTest, AnInputUnderAnotherNameIsNotReplaced) {
    ASSERT_TRUE(write("out.csv", "1\n"));
    fs::create_symlink("out.csv", root() / "Data" / "alias.csv");
    fs::create_hard_link(root() / "Data" / "out.csv", root() / "Data" / "second.csv");
    for (const std::string name : {"alias.csv", "second.csv"}) {
        JobFiles files{context};
        ASSERT_TRUE(files.input("data", name));
        ASSERT_TRUE(files.output("output", "out.csv"));
        const auto checked = files.check_outputs();
        ASSERT_FALSE(checked);
        EXPECT_THAT(checked.error().message,
                    HasSubstr("Data/out.csv: is the file that params.data"));
    }
}

TEST_F(JobFilesTest, TheNamesAreHandedToWhoChecksTheJob) {
    FileNames names;
    context.names = &names;
    JobFiles files{context};
    ASSERT_TRUE(files.input("data", "train.csv"));
    ASSERT_TRUE(files.output("output", "out.csv"));
    EXPECT_EQ(names.reads, std::set<std::string>{"Data/train.csv"});
    EXPECT_EQ(names.writes, std::set<std::string>{"Data/out.csv"});
}

// An open input stays the same file, and ends where it ended, whatever happens to its name.
TEST_F(JobFilesTest, AnInputThatGrowsIsReadToItsFormerEndAndNotTaken) {
    const auto file = input("train.csv");
    ASSERT_TRUE(file);
    folder.write("project/Data/train.csv", "a\nand more\n");
    EXPECT_EQ(*file->text(100), "a\n");
    EXPECT_FALSE(file->is_unchanged());
}

}  // namespace
}  // namespace netcompute::jobs
