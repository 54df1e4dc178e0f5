#include "engine/session_table.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace netcompute::engine {
namespace {

class QuietSession final : public net::Session {
 public:
    explicit QuietSession(std::string address) : address_{std::move(address)} {}
    void send(protocol::WireMessage) override {}
    void close() override {}
    [[nodiscard]] const std::string& peer_address() const override { return address_; }
    [[nodiscard]] bool is_web() const override { return false; }
    [[nodiscard]] bool is_this_user() override { return false; }

 private:
    std::string address_;
};

net::SessionPtr connection_from(std::string address) {
    return std::make_shared<QuietSession>(std::move(address));
}

const WorkerId first{1};
const WorkerId second{2};

// A session is found in three ways while it is connected, and by its key afterwards.
TEST(SessionTableTest, ASessionOutlivesItsConnection) {
    SessionTable table;
    const auto connection = connection_from("10.0.0.1");
    table.put({"key", first, "lab", connection});
    for (const WorkerSession* const found :
         {table.find_connected("key"), table.connected(first), table.connected(connection)}) {
        ASSERT_NE(found, nullptr);
        EXPECT_EQ(found->worker_key, "lab");
    }
    EXPECT_EQ(table.connected_at("10.0.0.1"), 1U);

    EXPECT_EQ(table.disconnect("key").connection, connection);
    EXPECT_EQ(table.connected(first), nullptr);
    EXPECT_EQ(table.connected(connection), nullptr);
    EXPECT_EQ(table.find_connected("key"), nullptr);
    EXPECT_EQ(table.connected_at("10.0.0.1"), 0U);
    ASSERT_NE(table.find("key"), nullptr);
    EXPECT_EQ(table.find("key")->worker, first);

    table.put({"key", first, "lab", connection_from("10.0.0.2")});  // It resumes elsewhere.
    EXPECT_EQ(table.connected_at("10.0.0.2"), 1U);
    EXPECT_EQ(table.connected_at("10.0.0.1"), 0U);
}

// Only the last session of a worker can be resumed.
TEST(SessionTableTest, AWorkersNextSessionTakesThePlaceOfItsLast) {
    SessionTable table;
    table.put({"old", first, "lab", nullptr});
    table.put({"new", first, "lab", nullptr});
    table.put({"other", second, "lab-2", nullptr});
    EXPECT_EQ(table.find("old"), nullptr);
    EXPECT_NE(table.find("new"), nullptr);
    table.forget(first);
    EXPECT_EQ(table.find("new"), nullptr);
    EXPECT_NE(table.find("other"), nullptr);
}

TEST(SessionTableTest, AllAreDisconnectedAtOnce) {
    SessionTable table;
    table.put({"a", first, "lab", connection_from("10.0.0.1")});
    table.put({"b", second, "lab-2", connection_from("10.0.0.1")});
    EXPECT_EQ(table.connected_at("10.0.0.1"), 2U);
    EXPECT_EQ(table.disconnect_all().size(), 2U);
    EXPECT_EQ(table.connected_at("10.0.0.1"), 0U);
    EXPECT_TRUE(table.disconnect_all().empty());
    EXPECT_NE(table.find("a"), nullptr);
}

}  // namespace
}  // namespace netcompute::engine
