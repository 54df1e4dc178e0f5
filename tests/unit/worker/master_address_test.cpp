#include <gmock/gmock.h>
#include <native-worker/master_address.hpp>

namespace netcompute::worker {
namespace {

using testing::HasSubstr;

TEST(MasterAddressTest, WhatPeopleWrite) {
    struct Case {
        const char* text;
        MasterAddress address;
    };
    for (const auto& [text, address] : {
             Case{"office-7", {"office-7", {}}},
             Case{"office_7.example.org", {"office_7.example.org", {}}},
             Case{"10.0.0.5", {"10.0.0.5", {}}},
             Case{"10.0.0.5:5051", {"10.0.0.5", 5051}},
             Case{"office:65535", {"office", 65535}},
             Case{"::1", {"::1", {}}},
             Case{"fe80::1%eth0", {"fe80::1%eth0", {}}},
             Case{"2001:db8::ffff:10.0.0.5", {"2001:db8::ffff:10.0.0.5", {}}},
             Case{"[::1]", {"::1", {}}},
             Case{"[2001:db8::5]:5051", {"2001:db8::5", 5051}},
             Case{"http://office:5051", {"office", 5051}},
             Case{"http://office:5051/", {"office", 5051}},
             Case{"HTTP://office:5051/worker?token=secret", {"office", 5051}},
             Case{"http://[::1]:5051/worker", {"::1", 5051}},
             Case{"http://office/netcompute/", {"office", 80}},
         }) {
        const auto parsed = parse_master_address(text);
        ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
        EXPECT_EQ(*parsed, address) << text;
    }
}

TEST(MasterAddressTest, WhatCannotBeTakenIsNamed) {
    struct Case {
        const char* text;
        const char* why;
    };
    for (const auto& [text, why] : {
             Case{"", "names no host"},
             Case{":5051", "names no host"},
             Case{"http://", "names no host"},
             Case{"http://:80/", "names no host"},
             Case{"https://office/", "encrypted"},
             Case{"ftp://office/", "scheme"},
             Case{"tcp://office:5555", "scheme"},
             Case{"office:", "port"},
             Case{"office:0", "port"},
             Case{"office:65536", "port"},
             Case{"office:http", "port"},
             Case{"office:-1", "port"},
             Case{"office:50 51", "port"},
             Case{"[::1", "]"},
             Case{"[::1]5051", "port"},
             Case{"[office]:5051", "IPv6"},
             Case{":::", "host name"},
             Case{"1:2:3", "host name"},
             Case{"fe80::1%", "host name"},
             Case{"my office", "host name"},
             Case{"office/worker", "host name"},
             Case{"user@office", "host name"},
             Case{"http://user:word@office:5051/", "host name"},
         }) {
        const auto parsed = parse_master_address(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_THAT(parsed.error().message, HasSubstr(why));
        EXPECT_THAT(parsed.error().message, HasSubstr("\"" + std::string{text} + "\""));
        EXPECT_THAT(parsed.error().message, HasSubstr("http://host:5051/"));
    }
}

TEST(MasterAddressTest, WhatPeopleAndSocketsAreTold) {
    EXPECT_EQ(host_and_port("office", 5051), "office:5051");
    EXPECT_EQ(host_and_port("::1", 5051), "[::1]:5051");
    EXPECT_EQ(reachable_host("*"), "127.0.0.1");
    EXPECT_EQ(reachable_host("0.0.0.0"), "127.0.0.1");
    EXPECT_EQ(reachable_host("::"), "::1");
    EXPECT_EQ(reachable_host("office"), "office");
}

}  // namespace
}  // namespace netcompute::worker
