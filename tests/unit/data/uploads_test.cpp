#include "data/uploads.hpp"

#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::data {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class UploadsTest : public testing::Test {
 protected:
    UploadsTest() { std::filesystem::create_directory(folder.path() / "Data"); }

    /// Sends these bytes of a file; what finish() or an earlier step says.
    Result<Upload> send(const SentFile& file, std::string_view bytes) {
        auto begun = uploads.begin(file);
        if (!begun) return unexpected(begun.error());
        if (auto appended = (*begun)->append(as_byte_span(bytes)); !appended) {
            return unexpected(appended.error());
        }
        return (*begun)->finish();
    }

    static SentFile named(std::string name) {
        SentFile file;
        file.name = std::move(name);
        return file;
    }

    std::string read(const std::string& name) {
        return test_support::read_file(folder.path() / "Data/uploads" / name);
    }

    void expect_error(const Result<Upload>& result, ErrorCode code, const char* words) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, code);
        EXPECT_THAT(result.error().message, HasSubstr(words));
    }

    test_support::TemporaryFolder folder;
    Uploads uploads{folder.path(), 1000};
};

// A file is there under its name once all of it has come, and has the hash of its bytes.
TEST_F(UploadsTest, AFileIsThereWhenAllOfItHasCome) {
    SentFile file = named("a b.csv");
    file.total = 6;
    auto begun = uploads.begin(file);
    ASSERT_TRUE(begun) << begun.error().message;
    ASSERT_TRUE((*begun)->append(as_byte_span(std::string_view{"x,y"})));
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "Data/uploads/a b.csv"));
    ASSERT_TRUE((*begun)->append(as_byte_span(std::string_view{"\n1\n"})));
    const auto upload = (*begun)->finish();
    ASSERT_TRUE(upload) << upload.error().message;
    EXPECT_EQ(upload->path.shown(), "Data/uploads/a b.csv");
    EXPECT_TRUE(upload->is_complete);
    EXPECT_EQ(upload->sha256, sha256(as_byte_span(std::string_view{"x,y\n1\n"})));
    EXPECT_EQ(read("a b.csv"), "x,y\n1\n");
}

// What has come of a file that was cut off is kept, hidden from jobs, and the rest goes on there.
TEST_F(UploadsTest, TheRestFollowsWhatHasCome) {
    SentFile file = named("t.csv");
    file.total = 6;
    const auto first = send(file, "abc");
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_FALSE(first->is_complete);
    EXPECT_EQ(uploads.find("t.csv")->bytes, 3U);
    EXPECT_FALSE(uploads.find("t.csv")->is_complete);
    EXPECT_FALSE(parse_data_path(folder.path(), "Data/uploads/.t.csv.part"));

    file.offset = 4;
    expect_error(send(file, "ef"), ErrorCode::Conflict, "3 bytes have come so far");
    file.offset = 3;
    file.sha256 = sha256(as_byte_span(std::string_view{"abcdef"}));
    const auto rest = send(file, "def");
    ASSERT_TRUE(rest) << rest.error().message;
    EXPECT_TRUE(rest->is_complete);
    EXPECT_EQ(read("t.csv"), "abcdef");

    // From the start again, whatever has come.
    SentFile again = named("u.csv");
    again.total = 4;
    ASSERT_TRUE(send(again, "12"));
    ASSERT_TRUE(send(again, "abcd"));
    EXPECT_EQ(read("u.csv"), "abcd");
}

// A file that is there goes only where that was said; the same bytes again change nothing.
TEST_F(UploadsTest, AFileIsReplacedOnlyWhereThatWasSaid) {
    ASSERT_TRUE(send(named("t.csv"), "old"));
    ASSERT_TRUE(send(named("t.csv"), "old"));
    expect_error(send(named("t.csv"), "new"), ErrorCode::Conflict, "?replace=true");
    EXPECT_EQ(read("t.csv"), "old");
    SentFile file = named("t.csv");
    file.total = 9;
    expect_error(send(file, "another 1"), ErrorCode::Conflict, "with other bytes");
    file.may_replace = true;
    ASSERT_TRUE(send(file, "another 1"));
    EXPECT_EQ(read("t.csv"), "another 1");
}

// Bytes with another hash than was announced, or more than were, do not become a file.
TEST_F(UploadsTest, OtherBytesThanWereAnnouncedAreRefused) {
    SentFile file = named("t.csv");
    file.sha256 = sha256(as_byte_span(std::string_view{"good"}));
    expect_error(send(file, "evil"), ErrorCode::InvalidArgument,
                 "as announced; send the file again");
    EXPECT_FALSE(uploads.find("t.csv"));
    file.sha256.reset();
    file.total = 3;
    expect_error(send(file, "four"), ErrorCode::InvalidArgument, "more bytes came than the 3");
}

// All uploads together have a limit, told before a byte comes where the size is known.
TEST_F(UploadsTest, AllTogetherHaveALimit) {
    ASSERT_TRUE(send(named("a.csv"), std::string(600, 'x')));
    SentFile file = named("b.csv");
    file.total = 401;
    auto begun = uploads.begin(file);
    ASSERT_FALSE(begun);
    EXPECT_EQ(begun.error().code, ErrorCode::LimitExceeded);
    EXPECT_THAT(begun.error().message,
                AllOf(HasSubstr("may take 1000 bytes"), HasSubstr("limits.upload_bytes")));
    // Where it is not known, when it comes; nothing of it stays.
    expect_error(send(named("c.csv"), std::string(401, 'x')), ErrorCode::LimitExceeded,
                 "1000 bytes");
    EXPECT_FALSE(uploads.find("c.csv"));
    ASSERT_TRUE(uploads.erase("a.csv"));
    file.total = 1000;
    EXPECT_TRUE(send(file, std::string(1000, 'x')));
}

// One file comes once at a time, and only so many files do.
TEST_F(UploadsTest, AFileComesFromOneAtATime) {
    const auto first = uploads.begin(named("t.csv"));
    ASSERT_TRUE(first);
    expect_error(send(named("t.csv"), "x"), ErrorCode::Conflict, "just now");
    EXPECT_EQ(uploads.erase("t.csv").error().code, ErrorCode::Conflict);
    std::vector<std::unique_ptr<Uploads::Receiving>> others;
    for (std::size_t i = 1; i < Uploads::at_a_time_max; ++i) {
        others.push_back(std::move(*uploads.begin(named("t" + std::to_string(i)))));
    }
    expect_error(send(named("more"), "x"), ErrorCode::LimitExceeded, "8 files come just now");
    others.pop_back();
    EXPECT_TRUE(send(named("more"), "x"));
}

// Who resumes a file takes over from a connection that was lost without a word.
TEST_F(UploadsTest, AResumedFileIsTakenOver) {
    SentFile file = named("t.csv");
    file.total = 6;
    auto lost = uploads.begin(file);
    ASSERT_TRUE(lost);
    ASSERT_TRUE((*lost)->append(as_byte_span(std::string_view{"abc"})));
    expect_error(send(file, "abcdef"), ErrorCode::Conflict, "3 bytes have come");
    file.offset = 2;
    expect_error(send(file, "cdef"), ErrorCode::Conflict, "3 bytes have come");
    file.offset = 3;
    auto resumed = uploads.begin(file);
    ASSERT_TRUE(resumed) << resumed.error().message;
    EXPECT_EQ((*lost)->append(as_byte_span(std::string_view{"xyz"})).error().code,
              ErrorCode::Conflict);
    EXPECT_EQ((*lost)->finish().error().code, ErrorCode::Conflict);
    lost->reset();
    expect_error(send(named("t.csv"), "x"), ErrorCode::Conflict, "just now");
    ASSERT_TRUE((*resumed)->append(as_byte_span(std::string_view{"def"})));
    ASSERT_TRUE((*resumed)->finish());
    EXPECT_EQ(read("t.csv"), "abcdef");
}

// Names lead nowhere else, and neither does the folder.
TEST_F(UploadsTest, NamesLeadNowhereElse) {
    for (const char* const name :
         {"", ".", "..", "a/b", "../x", ".hidden", "a\nb", "/etc/passwd"}) {
        EXPECT_FALSE(uploads.begin(named(name))) << name;
        EXPECT_FALSE(uploads.find(name)) << name;
        EXPECT_FALSE(uploads.erase(name)) << name;
    }
    ASSERT_TRUE(send(named("t.csv"), "x"));
    std::filesystem::create_directory(folder.path() / "Data/uploads/folder");
    EXPECT_EQ(uploads.begin(named("folder")).error().code, ErrorCode::PermissionDenied);
    std::filesystem::create_symlink("/etc/passwd", folder.path() / "Data/uploads/link");
    EXPECT_EQ(uploads.begin(named("link")).error().code, ErrorCode::PermissionDenied);
    EXPECT_EQ(uploads.erase("link").error().code, ErrorCode::NotFound);
    std::filesystem::remove_all(folder.path() / "Data/uploads");
    std::filesystem::create_directory_symlink("/tmp", folder.path() / "Data/uploads");
    EXPECT_EQ(uploads.begin(named("t.csv")).error().code, ErrorCode::PermissionDenied);
    EXPECT_THAT(*uploads.list(), IsEmpty());
}

// A file that comes while the master ends is put aside like one that was cut off.
TEST_F(UploadsTest, AFileMayOutliveThem) {
    auto ending = std::make_unique<Uploads>(folder.path(), 1000);
    auto begun = ending->begin(named("late.csv"));
    ASSERT_TRUE(begun);
    ASSERT_TRUE((*begun)->append(as_byte_span(std::string_view{"abc"})));
    ending.reset();
    begun->reset();
    EXPECT_EQ(uploads.find("late.csv")->bytes, 3U);
    EXPECT_FALSE(uploads.find("late.csv")->is_complete);
}

// What was cut off a week ago goes when the next file comes.
TEST_F(UploadsTest, WhatWasCutOffLongAgoGoes) {
    SentFile file = named("old.csv");
    file.total = 9;
    ASSERT_TRUE(send(file, "abc"));
    const auto part = folder.path() / "Data/uploads/.old.csv.part";
    const auto days = std::chrono::hours{24 * 8};
    std::filesystem::last_write_time(part, std::filesystem::file_time_type::clock::now() - days);
    ASSERT_TRUE(send(named("new.csv"), "x"));
    EXPECT_FALSE(std::filesystem::exists(part));
    const auto list = uploads.list();
    ASSERT_EQ(list->size(), 1U);
    EXPECT_EQ(list->front().path.shown(), "Data/uploads/new.csv");
}

}  // namespace
}  // namespace netcompute::data
