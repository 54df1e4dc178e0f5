#include "net/http/proxy_client.hpp"

#include <gtest/gtest.h>

namespace netcompute::net {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// "10.0.0.7", or "10.0.0.7 forwarded".
std::string client(const std::string& remote, const Fields& fields,
                   const std::vector<std::string>& trusted = {"10.0.0.5", "127.0.0.0/8"}) {
    HttpRequest request;
    for (const auto& [name, value] : fields) request.insert(name, value);
    TrustedProxies proxies;
    for (const std::string& text : trusted) proxies.push_back(IpNetwork::parse(text).value());
    const ProxyClient found = client_of(request, remote, proxies);
    return found.address + (found.is_forwarded ? " forwarded" : "");
}

TEST(ProxyClientTest, WhoComesDirectlyIsWhoItIs) {
    EXPECT_EQ(client("192.0.2.7", {}), "192.0.2.7");
    EXPECT_EQ(client("10.0.0.5", {}), "10.0.0.5");
}

// A header is a stranger's own word: it makes nobody another PC, and itself no PC of its own.
TEST(ProxyClientTest, AnUntrustedProxyOnlyTellsThatItIsOne) {
    for (const char* name : {"X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-Host",
                             "X-Forwarded-Proto"}) {
        EXPECT_EQ(client("192.0.2.7", {{name, "198.51.100.1"}}), "192.0.2.7 forwarded") << name;
        EXPECT_EQ(client("127.0.0.1", {{name, "198.51.100.1"}}, {}), "127.0.0.1 forwarded");
    }
}

TEST(ProxyClientTest, ATrustedProxyTellsForWhomItAsks) {
    EXPECT_EQ(client("10.0.0.5", {{"X-Forwarded-For", "192.0.2.7"}}), "192.0.2.7");
    EXPECT_EQ(client("10.0.0.5", {{"X-Forwarded-For", "192.0.2.7:4711"}}), "192.0.2.7");
    EXPECT_EQ(client("10.0.0.5", {{"X-Forwarded-For", "[2001:db8::7]:4711"}}), "2001:db8::7");
    EXPECT_EQ(client("10.0.0.5", {{"Forwarded", "for=192.0.2.7;proto=https"}}), "192.0.2.7");
    EXPECT_EQ(client("10.0.0.5", {{"Forwarded", "by=x;For=\"[2001:db8::7]:80\""}}), "2001:db8::7");
    EXPECT_EQ(client("::ffff:10.0.0.5", {{"X-Forwarded-For", "192.0.2.7"}}), "192.0.2.7");
}

// Only what trusted proxies added counts: what stands before it the client wrote itself.
TEST(ProxyClientTest, TheLastHandThatIsNoProxyOfOursAsked) {
    EXPECT_EQ(client("10.0.0.5", {{"X-Forwarded-For", "8.8.8.8, 192.0.2.7"}}), "192.0.2.7");
    EXPECT_EQ(client("127.0.0.1", {{"X-Forwarded-For", "8.8.8.8, 192.0.2.7, 10.0.0.5"}}),
              "192.0.2.7");
    EXPECT_EQ(
        client("10.0.0.5", {{"X-Forwarded-For", "8.8.8.8"}, {"X-Forwarded-For", "192.0.2.7"}}),
        "192.0.2.7");
    EXPECT_EQ(client("10.0.0.5", {{"Forwarded", "for=8.8.8.8, for=192.0.2.7"}}), "192.0.2.7");
    // A client cannot hide what the proxy adds within quotes of its own.
    EXPECT_EQ(client("10.0.0.5", {{"Forwarded", "for=\"8.8.8.8, for=192.0.2.7"}}),
              "10.0.0.5 forwarded");
    EXPECT_EQ(client("10.0.0.5", {{"Forwarded", "for=8.8.8.8, for=unknown"}}),
              "10.0.0.5 forwarded");
    EXPECT_EQ(client("10.0.0.5", {{"X-Forwarded-For", "192.0.2.7, unknown"}}),
              "10.0.0.5 forwarded");
    EXPECT_EQ(client("10.0.0.5", {{"X-Forwarded-For", ""}}), "10.0.0.5 forwarded");
    // A proxy sets one of the two, and passes on the other as it came.
    EXPECT_EQ(client("10.0.0.5", {{"X-Forwarded-For", "192.0.2.7"}, {"Forwarded", "for=8.8.8.8"}}),
              "10.0.0.5 forwarded");
    EXPECT_EQ(client("10.0.0.5", {{"Via", "1.1 proxy"}}), "10.0.0.5 forwarded");
    // A loopback address there means the proxy's own PC, not the master's.
    EXPECT_EQ(client("10.0.0.5", {{"X-Forwarded-For", "127.0.0.1"}}), "10.0.0.5");
}

TEST(IpNetworkTest, HoldsWhatBeginsWithItsBits) {
    const auto holds = [](const char* network, const char* address) {
        return IpNetwork::parse(network).value().contains(IpAddress::parse(address).value());
    };
    EXPECT_TRUE(holds("10.0.0.0/8", "10.255.0.1"));
    EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.1"));
    EXPECT_TRUE(holds("192.168.4.0/22", "192.168.7.255"));
    EXPECT_FALSE(holds("192.168.4.0/22", "192.168.8.0"));
    EXPECT_TRUE(holds("10.0.0.5", "::ffff:10.0.0.5"));
    EXPECT_TRUE(holds("0.0.0.0/0", "203.0.113.9"));
    EXPECT_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
    EXPECT_TRUE(holds("2001:db8::/32", "2001:db8:ffff::1"));
    EXPECT_FALSE(holds("2001:db8::/32", "2001:db9::1"));
    for (const char* text : {"", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "office",
                             "::1/129", "10.0.0.1:80", "10.0.0.0/8 "}) {
        EXPECT_FALSE(IpNetwork::parse(text).has_value()) << text;
    }
}

}  // namespace
}  // namespace netcompute::net
