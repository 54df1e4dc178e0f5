#include "temporary_folder.hpp"
#include <netcompute/audit_log.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <fstream>
#include <vector>

namespace netcompute {
namespace {

using testing::MatchesRegex;

class AuditLogTest : public testing::Test {
 protected:
    [[nodiscard]] std::vector<nlohmann::json> lines() const {
        std::vector<nlohmann::json> documents;
        std::ifstream file{path};
        for (std::string line; std::getline(file, line);) {
            for (const char byte : line) EXPECT_TRUE(byte >= ' ' && byte <= '~') << line;
            documents.push_back(nlohmann::json::parse(line));
        }
        return documents;
    }

    test_support::TemporaryFolder folder;
    std::filesystem::path path = folder.path() / "audit.log";
};

TEST_F(AuditLogTest, ALineSaysWhoDidWhatFromWhereToWhatAndHowItEnded) {
    AuditLog log{{path}};
    log.write({.action = "cancel",
               .who = audit_by::token,
               .address = "10.0.0.9",
               .job = 5,
               .outcome = "already_over"});
    log.write({.action = "start", .who = audit_by::local});
    const auto written = lines();
    ASSERT_EQ(written.size(), 2U);
    auto first = written[0];
    EXPECT_THAT(first["time"].get<std::string>(),
                MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T.*[+-][0-9]{2}:[0-9]{2}"));
    first.erase("time");
    EXPECT_EQ(first, (nlohmann::json{{"action", "cancel"},
                                     {"who", "token"},
                                     {"address", "10.0.0.9"},
                                     {"job", 5},
                                     {"outcome", "already_over"}}));
    EXPECT_EQ(written[1]["outcome"], "ok");
    struct stat status {};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(AuditLogTest, NobodysNameForgesALineOrCommandsATerminal) {
    AuditLog log{{path}};
    log.write({.action = "worker joined",
               .who = audit_by::anyone,
               .address = "\x1b[2J",
               .worker = "a\"}\n{\"action\":\"stop\u202e\u009b\xff",
               .detail = std::string(5000, 'x')});
    const auto written = lines();
    ASSERT_EQ(written.size(), 1U);
    EXPECT_EQ(written[0]["worker"], R"(a"}\x0a{"action":"stop\u202e\u009b\xff)");
    EXPECT_LT(written[0]["detail"].get<std::string>().size(), 600U);
}

// What anybody can try without end does not push out what was done.
TEST_F(AuditLogTest, AttemptsWithoutARightAreWrittenWithinABudget) {
    AuditLog log{{path}, {.lines_per_address = 3}};
    for (int i = 0; i < 1000; ++i) {
        log.write({.action = "submit",
                   .who = audit_by::nobody,
                   .address = "10.0.0.9",
                   .outcome = "refused_token",
                   .is_budgeted = true});
        if (i % 250 == 0) log.write({.action = "submit", .who = audit_by::token});
    }
    EXPECT_EQ(lines().size(), 3U + 4U);
}

}  // namespace
}  // namespace netcompute
