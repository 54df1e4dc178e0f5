#include "temporary_folder.hpp"
#include <netcompute/logging.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

namespace netcompute {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::MatchesRegex;

std::string text_of(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream{path}.rdbuf();
    return text.str();
}

unsigned mode_of(const fs::path& path) {
    struct stat status {};
    EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777U;
}

class LoggingTest : public testing::Test {
 protected:
    ~LoggingTest() override { spdlog::set_default_logger(former_); }

    test_support::TemporaryFolder folder;
    fs::path path = folder.path() / "master.log";

 private:
    std::shared_ptr<spdlog::logger> former_ = spdlog::default_logger();
};

// No call site has to think of it: what is logged is one line, dated, and printable.
TEST_F(LoggingTest, EveryLineIsDatedWithItsZoneAndPrintable) {
    set_up_log(LogStream::StandardError, {path});
    spdlog::info("{} joined", "a\n2026-01-01T00:00:00.000+00:00 info forged\x1b[2J\u202e");
    spdlog::info(std::string(100'000, 'x'));
    const std::string text = text_of(path);
    std::istringstream lines{text};
    std::string first, second, third;
    std::getline(lines, first);
    std::getline(lines, second);
    EXPECT_FALSE(std::getline(lines, third)) << third;
    EXPECT_THAT(first, MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\."
                                    "[0-9]{3}[+-][0-9]{2}:[0-9]{2} info a.*joined"));
    EXPECT_THAT(first, HasSubstr(R"(a\x0a2026-01-01T00:00:00.000+00:00 info forged\x1b[2J\u202e)"));
    EXPECT_LT(second.size(), log_line_bytes_max + 100);
}

TEST_F(LoggingTest, AFullFileIsPutAsideAndSoManyAreKeptForTheirOwnerAlone) {
    const mode_t before = umask(0);
    set_up_log(LogStream::StandardError, {path, 2000, 3});
    for (int i = 0; i < 200; ++i) spdlog::info("line {} {}", i, std::string(50, '.'));
    umask(before);
    EXPECT_THAT(text_of(path), HasSubstr("line 199 "));
    std::size_t files = 0;
    for (const auto& entry : fs::directory_iterator{folder.path()}) {
        ++files;
        EXPECT_EQ(mode_of(entry.path()), 0600U) << entry.path();
        EXPECT_LE(entry.file_size(), 2000U) << entry.path();
    }
    EXPECT_EQ(files, 3U);
    EXPECT_TRUE(fs::exists(folder.path() / "master.2.log"));
}

// Putting a device or a link aside when it is full would be a surprise.
TEST_F(LoggingTest, WhatIsNoFileIsRefused) {
    EXPECT_THROW(set_up_log(LogStream::StandardError, {folder.path()}), std::runtime_error);
    fs::create_symlink("/dev/null", path);
    EXPECT_THROW(set_up_log(LogStream::StandardError, {path}), std::runtime_error);
    EXPECT_THROW(set_up_log(LogStream::StandardError, {folder.path() / "no" / "x.log"}),
                 std::runtime_error);
}

TEST_F(LoggingTest, WhatStrangersCauseIsCountedWhereItIsTooMuch) {
    set_up_log(LogStream::StandardError, {path});
    set_log_budget({.lines_per_address = 2});
    for (int i = 0; i < 5; ++i) {
        log_within_budget("refused worker", "10.0.0.9", spdlog::level::info, "refused {}", i);
        log_within_budget("refused worker", "10.0.0.9", spdlog::level::debug, "not logged at all");
    }
    EXPECT_THAT(text_of(path), HasSubstr("refused 1\n"));
    EXPECT_THAT(text_of(path), testing::Not(HasSubstr("refused 2")));
    EXPECT_EQ(log_lines_left_out(), 3U);
    set_log_budget({});
}

}  // namespace
}  // namespace netcompute
