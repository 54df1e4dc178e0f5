#include "net/connection_budget.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace netcompute::net {
namespace {

boost::asio::ip::address at(const char* text) {
    return boost::asio::ip::make_address(text);
}

/// Connections by name, as their ports hold them, and who was evicted in which order.
class ConnectionBudgetTest : public testing::Test {
 protected:
    void open(const std::string& name, const char* address) {
        leases_[name] = budget_.take(at(address), [this, name] {
            evicted_.push_back(name);
            leases_.erase(name);  // As a port does that closes the connection.
        });
    }
    bool prove(const std::string& name) { return leases_.at(name).prove(); }

    // 16 connections: 4 strangers, 2 of them of one PC; 12 proven, 3 of them of one PC.
    ConnectionBudget budget_{{16, 3}};
    std::map<std::string, ConnectionBudget::Lease> leases_;
    std::vector<std::string> evicted_;
};

using Names = std::vector<std::string>;

// Whoever floods a port loses its own oldest connections, and nobody else does.
TEST_F(ConnectionBudgetTest, AFloodOfOnePcEvictsItsOwnOldest) {
    open("honest", "10.0.0.1");
    for (const char* name : {"a", "b", "c", "d"}) open(name, "10.0.0.2");
    EXPECT_EQ(evicted_, (Names{"a", "b"}));
    EXPECT_EQ(budget_.stranger_count(), 3U);
}

// Strangers of many PCs fill their share together: the PC with most of them makes room.
TEST_F(ConnectionBudgetTest, WhereStrangersAreTooManyThePcWithMostOfThemGivesWay) {
    open("one of two", "10.0.0.1");
    open("two of two", "10.0.0.1");
    open("alone", "10.0.0.2");
    open("also alone", "10.0.0.3");
    open("newcomer", "10.0.0.4");
    EXPECT_EQ(evicted_, Names{"one of two"});
    EXPECT_EQ(budget_.stranger_count(), budget_.strangers_max());
}

// An honest worker and an attacker may share an address: once proven, it is in nobody's way.
TEST_F(ConnectionBudgetTest, AProvenConnectionOutlivesAFloodFromItsOwnAddress) {
    open("worker", "127.0.0.1");
    EXPECT_TRUE(prove("worker"));
    EXPECT_TRUE(prove("worker")) << "again is no matter";
    for (int i = 0; i < 1000; ++i) open("silent " + std::to_string(i), "127.0.0.1");
    EXPECT_EQ(budget_.proven_count(), 1U);
    EXPECT_EQ(budget_.stranger_count(), 2U);
    EXPECT_TRUE(leases_.contains("worker"));
    // And a flood cannot keep the next one from proving itself.
    open("second worker", "127.0.0.1");
    EXPECT_TRUE(prove("second worker"));
}

TEST_F(ConnectionBudgetTest, OnePcHasItsShareOfProvenConnections) {
    for (const char* name : {"a", "b", "c"}) {
        open(name, "10.0.0.1");
        EXPECT_TRUE(prove(name));
    }
    open("d", "10.0.0.1");
    EXPECT_FALSE(prove("d"));
    leases_.erase("a");
    EXPECT_TRUE(prove("d")) << "a place was given back";
    open("elsewhere", "10.0.0.2");
    EXPECT_TRUE(prove("elsewhere"));
}

TEST_F(ConnectionBudgetTest, AllPcsTogetherHaveTheirShareOfProvenConnections) {
    for (int i = 0; i < 12; ++i) {
        const std::string address = "10.0.0." + std::to_string(i + 1);
        open(address, address.c_str());
        EXPECT_TRUE(prove(address));
    }
    open("one more", "10.0.1.1");
    EXPECT_FALSE(prove("one more"));
    EXPECT_EQ(evicted_, Names{}) << "nobody who is proven goes for another";
}

// What proved a connection may end before it does: then it is the youngest stranger.
TEST_F(ConnectionBudgetTest, ADoubtedConnectionIsAStrangerAgain) {
    open("worker", "10.0.0.1");
    ASSERT_TRUE(prove("worker"));
    open("a", "10.0.0.1");
    leases_.at("worker").doubt();
    EXPECT_EQ(budget_.proven_count(), 0U);
    open("b", "10.0.0.1");
    open("c", "10.0.0.1");
    EXPECT_EQ(evicted_, (Names{"a", "worker"}));
}

TEST_F(ConnectionBudgetTest, AnEvictedConnectionCannotBeProven) {
    std::vector<ConnectionBudget::Lease> kept;
    for (int i = 0; i < 3; ++i) kept.push_back(budget_.take(at("10.0.0.1"), [] {}));
    EXPECT_FALSE(kept[0].prove());
    EXPECT_TRUE(kept[2].prove());
    kept.clear();
    EXPECT_EQ(budget_.stranger_count() + budget_.proven_count(), 0U);
}

TEST_F(ConnectionBudgetTest, AMovedLeaseIsGivenBackOnce) {
    auto first = budget_.take(at("10.0.0.1"), [] {});
    auto second = std::move(first);
    first = budget_.take(at("10.0.0.2"), [] {});
    EXPECT_EQ(budget_.stranger_count(), 2U);
    first = std::move(second);
    EXPECT_EQ(budget_.stranger_count(), 1U);
}

TEST(CountedAddressTest, AnAddressCountsForItsPc) {
    EXPECT_EQ(counted_address(at("10.1.2.3")), at("10.1.2.3"));
    EXPECT_EQ(counted_address(at("::ffff:10.1.2.3")), at("10.1.2.3"));
    EXPECT_EQ(counted_address(at("2001:db8:1:2:3:4:5:6")), at("2001:db8:1:2::"));
    EXPECT_EQ(counted_address(at("::1")), at("::1"));
    EXPECT_EQ(counted_address(at("fe80::1234")), at("fe80::1234"));
}

TEST(ConnectionLimitsTest, LeaveDescriptorsForFilesAndRoomForOnePcsWorkers) {
    const ConnectionLimits usual = connection_limits(1 << 20, {}, 512);
    EXPECT_EQ(usual, (ConnectionLimits{32'768, 2048}));
    EXPECT_GE(usual.per_address_max, 3U * 512U) << "one PC's native workers, 3 connections each";
    EXPECT_EQ(connection_limits(1024, {}, 512), (ConnectionLimits{960, 480}));
    EXPECT_EQ(connection_limits(256, {}, 512), (ConnectionLimits{192, 96}));
    EXPECT_EQ(connection_limits(20, {}, 512), (ConnectionLimits{16, 8})) << "it is tried";
    EXPECT_EQ(connection_limits(1 << 20, {500, 40}, 512), (ConnectionLimits{500, 40}));
    EXPECT_EQ(connection_limits(1024, {5000, 4000}, 512), (ConnectionLimits{960, 960}))
        << "more than the system allows cannot be had";
}

}  // namespace
}  // namespace netcompute::net
