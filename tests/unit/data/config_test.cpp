#include "temporary_folder.hpp"
#include <netcompute/config.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string error_of(std::string_view text) {
    const auto config = parse_config(text, "config.json");
    return config ? "no error" : config.error().message;
}

TEST(ConfigTest, TheShippedFileSaysTheDefaults) {
    const auto config = load_config(NETCOMPUTE_SOURCE_DIR "/config.json", MissingConfig::IsAnError);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(*config, Config{});
}

TEST(ConfigTest, AnEmptyObjectSaysTheDefaults) {
    const auto config = parse_config("{}", "config.json");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->master.ip, "127.0.0.1");
    EXPECT_EQ(config->master.task_port, 5555);
    EXPECT_EQ(config->dashboard.port, 5051);
    EXPECT_FALSE(config->security.join_token);
}

TEST(ConfigTest, EveryKeyIsRead) {
    const auto config = parse_config(R"({
        "master": {"ip": "0.0.0.0", "task_port": 1, "result_port": "2", "heartbeat_port": 0},
        "dashboard": {"host": "master.office.example", "port": "65535"},
        "security": {"join_token": "correct-horse", "allowed_hosts": ["Master.Office.example"]}
    })",
                                     "config.json");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->master, (MasterConfig{"0.0.0.0", 1, 2, 0}));
    EXPECT_EQ(config->dashboard, (DashboardConfig{"master.office.example", 65535}));
    EXPECT_EQ(config->security.join_token, "correct-horse");
    EXPECT_THAT(config->security.allowed_hosts, ElementsAre("master.office.example"));
}

TEST(ConfigTest, ABadPortIsNamedWithItsKeyAndFile) {
    EXPECT_EQ(error_of(R"({"dashboard": {"port": "80a"}})"),
              "config.json: dashboard.port: \"80a\" is not a port (0..65535)");
    for (const char* bad : {"65536", "-1", "\"\"", "\" 80\"", "80.0", "1e3", "true", "null", "[]",
                            "\"+80\"", "99999999999999999999", "\"99999999999999999999\""}) {
        const std::string text = std::string{R"({"master": {"task_port": )"} + bad + "}}";
        EXPECT_EQ(error_of(text), std::string{"config.json: master.task_port: "} +
                                      (std::string_view{bad} == "1e3"                    ? "1000.0"
                                       : std::string_view{bad} == "99999999999999999999" ? "1e+20"
                                                                                         : bad) +
                                      " is not a port (0..65535)")
            << bad;
    }
}

TEST(ConfigTest, AnUnknownKeyIsNamedWithTheKnownOnes) {
    EXPECT_EQ(error_of(R"({"dashbord": {}})"),
              "config.json: dashbord: unknown key (known here: master, dashboard, security, "
              "limits, log)");
    EXPECT_EQ(error_of(R"({"dashboard": {"prot": 1}})"),
              "config.json: dashboard.prot: unknown key (known here: host, port)");
}

// Also a key that has no letters is named.
TEST(ConfigTest, AnEmptyKeyIsNamed) {
    EXPECT_THAT(error_of(R"({"": 1})"), HasSubstr("config.json: \"\": unknown key"));
    EXPECT_THAT(error_of(R"({"master": {"": 1}})"), HasSubstr("master.\"\": unknown key"));
}

TEST(ConfigTest, ASectionThatIsNoObjectIsNamed) {
    EXPECT_EQ(error_of(R"({"master": 5})"), "config.json: master: 5 is not an object");
    EXPECT_EQ(error_of("[]"), "config.json: [] is not an object");
}

TEST(ConfigTest, AHostMustLookLikeOne) {
    EXPECT_EQ(error_of(R"({"master": {"ip": "10.0.0.1 "}})"),
              "config.json: master.ip: \"10.0.0.1 \" is not a host name or an IP address");
    EXPECT_THAT(error_of(R"({"dashboard": {"host": ""}})"), HasSubstr("dashboard.host: \"\""));
    EXPECT_THAT(error_of(R"({"dashboard": {"host": 7}})"), HasSubstr("dashboard.host: 7"));
    EXPECT_TRUE(parse_config(R"({"master": {"ip": "::1"}})", "config.json"));
}

TEST(ConfigTest, BrokenJsonIsShownByLineAndColumn) {
    EXPECT_THAT(error_of("{\n  \"master\": {,}\n}"),
                HasSubstr("config.json: line 2, column 14: not JSON: "));
    EXPECT_THAT(error_of(""), HasSubstr("config.json: line 1, column 1: not JSON"));
    EXPECT_THAT(error_of("{\"master\": \"\xFF\"}"), Not(HasSubstr("\xFF")));
}

TEST(ConfigTest, AProxyIsTrustedByItsAddressOrNetwork) {
    const auto config = parse_config(
        R"({"security": {"trusted_proxies": ["10.0.0.5", "10.1.0.0/16", "2001:db8::/32"],
                         "public_url": "https://office.example/netcompute"}})",
        "config.json");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_THAT(config->security.trusted_proxies,
                ElementsAre("10.0.0.5", "10.1.0.0/16", "2001:db8::/32"));
    EXPECT_EQ(config->security.public_url, "https://office.example/netcompute/");
    for (const char* const bad : {"\"proxy.lan\"", "\"10.0.0.0/33\"", "\"10.0.0.5:80\"", "7"}) {
        EXPECT_THAT(error_of(R"({"security": {"trusted_proxies": [)" + std::string{bad} + "]}}"),
                    HasSubstr("security.trusted_proxies[0]: " + std::string{bad}));
    }
    for (const char* const bad :
         {"\"office.example\"", "\"ftp://office.example/\"", "\"https:///x\"", "7",
          "\"https://user@office.example/\"", "\"https://office.example/?a\""}) {
        EXPECT_THAT(error_of(R"({"security": {"public_url": )" + std::string{bad} + "}}"),
                    HasSubstr("security.public_url: "));
    }
}

// A secret that is too short is refused, but never printed: logs are read by many.
// To quote a very deep value would take the whole stack: it is refused before it is parsed.
TEST(ConfigTest, AVeryDeepFileIsRefused) {
    const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
    const auto config = parse_config("{\"master\":" + deep + "}", "config.json");
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().message,
              "config.json: holds arrays or objects more than 64 deep in each other");
}

TEST(ConfigTest, ABadTokenIsRefusedWithoutShowingIt) {
    const std::string message = error_of(R"({"security": {"join_token": "secret7"}})");
    EXPECT_THAT(message, HasSubstr("security.join_token: has 7 characters; give 8 to 256"));
    EXPECT_THAT(message, Not(HasSubstr("secret7")));
    EXPECT_THAT(error_of(R"({"security": {"join_token": "has a space"}})"), HasSubstr("no spaces"));
    EXPECT_THAT(error_of(R"({"security": {"join_token": 12345678}})"), HasSubstr("not a text"));
    EXPECT_THAT(error_of(R"({"security": {"join_token": ""}})"), HasSubstr("0 characters"));
}

TEST(ConfigTest, LimitsAreWholeNumbersWithinReason) {
    const auto config =
        parse_config(R"({"limits": {"jobs": 5, "sessions_per_address": 2, "tasks": 3000}})", "c");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->limits.jobs, 5U);
    EXPECT_EQ(config->limits.sessions_per_address, 2U);
    EXPECT_EQ(config->limits.tasks, 3000U);
    EXPECT_EQ(Config{}.limits.tasks, 20'000'000U);
    EXPECT_EQ(config->limits.ended_jobs, 1000U);
    EXPECT_EQ(config->limits.connections, 0U) << "as many as the system allows";
    for (const char* bad : {"0", "-1", "1.5", "\"5\"", "100001", "null"}) {
        EXPECT_EQ(error_of(std::string{R"({"limits": {"jobs": )"} + bad + "}}"),
                  "config.json: limits.jobs: " + std::string{bad} +
                      " is not a whole number from 1 to 100000");
    }
}

TEST(ConfigTest, AllowedHostsAreNamesWithoutPorts) {
    EXPECT_THAT(error_of(R"({"security": {"allowed_hosts": "pc"}})"), HasSubstr("not a list"));
    EXPECT_THAT(error_of(R"({"security": {"allowed_hosts": ["pc", "pc:80"]}})"),
                HasSubstr("security.allowed_hosts[1]: \"pc:80\" holds a port"));
    EXPECT_THAT(error_of(R"({"security": {"allowed_hosts": [3]}})"),
                HasSubstr("security.allowed_hosts[0]: 3 is not a host name"));
}

TEST(ConfigTest, TwoListenersCannotShareAPort) {
    EXPECT_EQ(error_of(R"({"master": {"result_port": 5555}})"),
              "config.json: master.result_port: 5555 is also master.task_port; give each a port "
              "of its own");
    EXPECT_THAT(error_of(R"({"master": {"ip": "0.0.0.0", "heartbeat_port": 5051}})"),
                HasSubstr("dashboard.port: 5051 is also master.heartbeat_port"));
    EXPECT_TRUE(parse_config(R"({"master": {"task_port": 0, "result_port": 0}})", "config.json"));
    EXPECT_TRUE(parse_config(
        R"({"master": {"ip": "10.0.0.1"}, "dashboard": {"host": "10.0.0.2", "port": 5555}})",
        "config.json"));
}

TEST(ConfigTest, AMissingFileMeansDefaultsOnlyWhereNobodyNamedIt) {
    const test_support::TemporaryFolder folder;
    const auto path = folder.path() / "config.json";
    const auto defaults = load_config(path, MissingConfig::MeansDefaults);
    ASSERT_TRUE(defaults);
    EXPECT_EQ(*defaults, Config{});
    const auto named = load_config(path, MissingConfig::IsAnError);
    ASSERT_FALSE(named);
    EXPECT_EQ(named.error().code, ErrorCode::NotFound);
    EXPECT_EQ(named.error().message, path.string() + ": could not open: No such file or directory");
}

TEST(ConfigTest, AFolderOrAHugeFileIsRefused) {
    const test_support::TemporaryFolder folder;
    const auto opened = load_config(folder.path(), MissingConfig::MeansDefaults);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message, HasSubstr("Is a directory"));
    const auto huge = folder.write("huge.json", std::string(2 << 20, ' '));
    const auto read = load_config(huge, MissingConfig::IsAnError);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::LimitExceeded);
}

// endpoints.json can be given as --config, and the token is not spread to a second file.
TEST(ConfigTest, EndpointsReadBackAsAConfigWithoutTheToken) {
    Config config;
    config.master.task_port = 40001;
    config.dashboard = {"0.0.0.0", 40004};
    config.security.join_token = "correct-horse";
    const std::string text = endpoints_text(config);
    EXPECT_THAT(text, Not(HasSubstr("correct-horse")));
    const auto read = parse_config(text, "endpoints.json");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->master, config.master);
    EXPECT_EQ(read->dashboard, config.dashboard);
}

}  // namespace
}  // namespace netcompute
