#include "gateway_fixture.hpp"

#include <utility>

namespace netcompute::engine {
namespace {

class WorkerIdTest : public WorkerGatewayTest {
 protected:
    /// One that says who it is joins from this address; the key that it got, or the goodbye's code.
    std::string join(const protocol::Hello& hello, const std::string& address = "192.168.1.7") {
        session = connect();
        session->address = address;
        say(session, hello);
        const auto header = nlohmann::json::parse(session->sent.back().header);
        return header.at(header.at("type") == "welcome" ? "worker" : "code");
    }
    void leave() { gateway.on_close(session); }
    static protocol::Hello worker(char secret, std::string machine = "machine-a") {
        protocol::Hello hello = WorkerGatewayTest::hello();
        hello.secret = std::string(protocol::secret_digits_min, secret);
        hello.machine = std::move(machine);
        return hello;
    }
    const protocol::Hello owner = worker('1');
    const protocol::Hello thief = worker('2');
    const protocol::Hello nameless = hello();
    std::shared_ptr<FakeSession> session;  ///< The last one that joined.
};

// A stranger that names the id of a worker that is away gets another one, and so does one that
// knows no secret; what they do there does not come back to the owner.
TEST_F(WorkerIdTest, AnIdBelongsToWhoFirstHadIt) {
    EXPECT_EQ(join(owner), "worker-0001");
    leave();
    EXPECT_EQ(join(thief), "worker-0001-2");
    leave();
    EXPECT_EQ(join(nameless, "192.168.1.9"), "worker-0001-3");
    gateway.ban("worker-0001-2", "it lied");
    gateway.ban("worker-0001-3", "it lied");
    leave();
    EXPECT_EQ(join(owner), "worker-0001");
    EXPECT_EQ(join(owner, "192.168.1.200"), "worker-0001-4") << "a second one of the same PC";
}

// Nobody shakes a ban off by asking for another's id, by coming when that one is away, or by
// resuming a session; and it hits nobody else.
TEST_F(WorkerIdTest, ABanIsOfWhoComes) {
    EXPECT_EQ(join(owner), "worker-0001");
    const auto first = session;
    EXPECT_EQ(join(thief), "worker-0001-2");
    protocol::Hello resuming = thief;
    resuming.resume = session->last<Welcome>().session;
    gateway.ban("worker-0001-2", "it lied");
    gateway.close(WorkerId{2}, "quarantined", "it lied", false);
    EXPECT_EQ(join(thief), "quarantined");
    EXPECT_EQ(join(resuming), "quarantined");
    protocol::Hello by_its_number = thief;
    by_its_number.worker = "worker-0001-2";
    EXPECT_EQ(join(by_its_number), "quarantined");
    gateway.on_close(first);
    EXPECT_EQ(join(thief), "quarantined");
    EXPECT_EQ(join(resuming), "quarantined");
    EXPECT_EQ(join(owner), "worker-0001");
    gateway.ban("worker-0001-2", "");
    EXPECT_EQ(join(thief), "worker-0001-2");
}

// Old workers have no secret: they are told apart by their addresses, and bans hold.
TEST_F(WorkerIdTest, WithoutASecretTheAddressTells) {
    EXPECT_EQ(join(nameless, "10.0.0.1"), "worker-0001");
    leave();
    EXPECT_EQ(join(nameless, "10.0.0.2"), "worker-0001-2");
    gateway.ban("worker-0001-2", "it lied");
    leave();
    EXPECT_EQ(join(nameless, "10.0.0.2"), "quarantined");
    EXPECT_EQ(join(nameless, "10.0.0.1"), "worker-0001");
}

// PCs installed from one image have one id and one secret. Each is itself all the same, whoever
// comes first, also after the master's restart.
TEST_F(WorkerIdTest, ClonesAreToldApartWhateverOrderTheyComeIn) {
    const protocol::Hello a = worker('1', "machine-a"), b = worker('1', "machine-b");
    EXPECT_EQ(join(a), "worker-0001");
    const auto of_a = session;
    EXPECT_EQ(join(b), "worker-0001-2");
    leave();
    gateway.on_close(of_a);
    EXPECT_EQ(join(b), "worker-0001-2") << "it comes first now";
    EXPECT_EQ(join(a), "worker-0001");

    WorkerGateway next{GatewayOptions{}, events};
    next.restore(WorkerId{1}, "worker-0001", "", owner_of(a, "192.168.1.7", false));
    next.restore(WorkerId{2}, "worker-0001-2", "", owner_of(b, "192.168.1.7", false));
    next.ban("worker-0001-2", "bad memory");
    for (const auto& [hello, answer] : {std::pair{b, "quarantined"}, {a, "worker-0001"}}) {
        const auto one = std::make_shared<FakeSession>();
        const auto wire = protocol::encode(protocol::WorkerMessage{hello});
        next.on_frame(one, wire.header, std::make_shared<const Bytes>());
        EXPECT_NE(one->sent.back().header.find(answer), std::string::npos);
    }
}

// Two tabs of one browser, or two workers of one user, are told apart by who came first, as nothing
// else tells them apart; and a ban of one is a ban of both.
TEST_F(WorkerIdTest, WorkersOfOneOwnerShareItsBan) {
    EXPECT_EQ(join(owner), "worker-0001");
    EXPECT_EQ(join(owner), "worker-0001-2");
    gateway.ban("worker-0001-2", "bad memory");
    leave();
    EXPECT_EQ(join(owner), "quarantined");
}

// The store of a former version knows ids without owners: who comes with one first, owns it.
TEST_F(WorkerIdTest, AnIdWithoutAnOwnerIsTakenByWhoComesFirst) {
    gateway.restore(WorkerId{7}, "worker-0001", "", "");
    gateway.restore(WorkerId{8}, "worker-0002", "", "");
    gateway.ban("worker-0002", "it lied");
    EXPECT_EQ(join(owner), "worker-0001");
    EXPECT_EQ(events.log.back(), "joined 7 worker-0001");
    leave();
    EXPECT_EQ(join(thief), "worker-0001-2");
    protocol::Hello banned = owner;
    banned.worker = "worker-0002";
    EXPECT_EQ(join(banned), "quarantined");
}

// However many came before under one id, the next is not kept waiting for a look through them; and
// when all are forgotten, the id is free.
TEST_F(WorkerIdTest, AFloodOfOwnersGetsOneNumberEach) {
    protocol::Hello flood = owner;
    for (std::uint64_t number = 1; number <= 1000; ++number) {
        flood.machine = "machine-" + std::to_string(number);
        const std::string expected =
            number == 1 ? "worker-0001" : "worker-0001-" + std::to_string(number);
        ASSERT_EQ(join(flood), expected);
        leave();
    }
    for (std::uint64_t number = 1; number <= 1000; ++number) {
        EXPECT_TRUE(gateway.forget(WorkerId{number}, false));
    }
    EXPECT_EQ(join(thief), "worker-0001");
}

// A worker's id is kept for it after the rest of it was forgotten, where that is wanted.
TEST_F(WorkerIdTest, AKeptIdIsNobodyElses) {
    EXPECT_EQ(join(owner), "worker-0001");
    leave();
    EXPECT_TRUE(gateway.forget(WorkerId{1}, true));
    EXPECT_EQ(join(thief), "worker-0001-2");
    EXPECT_EQ(join(owner), "worker-0001");
    EXPECT_EQ(events.log.back(), "joined 1 worker-0001");
}

// By the native ports with the token, or from this PC, this user and with an id of its own; never
// by the web port.
TEST(BeliefTest, WhoIsBelieved) {
    struct Case {
        bool has_token, has_secret, web, this_user, believed;
    };
    for (const auto& [has_token, has_secret, web, this_user, believed] :
         {Case{false, true, false, false, false}, Case{false, true, false, true, true},
          Case{false, false, false, true, false}, Case{true, false, false, false, true},
          Case{true, true, false, true, true}, Case{false, true, true, true, false},
          Case{true, true, true, false, false}, Case{true, true, true, true, false}}) {
        FakeEvents events;
        GatewayOptions options;
        options.join_token = has_token ? "correct horse" : "";
        WorkerGateway gateway{options, events};
        const auto session = std::make_shared<FakeSession>();
        session->web = web;
        session->this_user = this_user;
        protocol::Hello hello;
        hello.worker = "worker-0001";
        hello.token = options.join_token;
        if (has_secret) hello.secret = std::string(protocol::secret_digits_min, '1');
        const auto wire = protocol::encode(protocol::WorkerMessage{hello});
        gateway.on_frame(session, wire.header, std::make_shared<const Bytes>());
        EXPECT_EQ(events.believed, std::vector<bool>{believed})
            << has_token << has_secret << web << this_user;
    }
}

}  // namespace
}  // namespace netcompute::engine
