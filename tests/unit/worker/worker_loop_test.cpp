#include "executor_fixture.hpp"
#include "fake_zmq_master.hpp"

#include <gmock/gmock.h>
#include <native-worker/worker_loop.hpp>
#include <unistd.h>

#include <array>
#include <thread>

namespace netcompute::worker {
namespace {

using testing::HasSubstr;

/// A whole worker, but for the program around it, on a thread; the test types on its keyboard.
class RunningWorker {
 public:
    explicit RunningWorker(const ZmqAddress& master)
        : executor_{{.slots = 2,
                     .find_kernel = find_test_kernel,
                     .on_outcomes = [this] { outcomes_.notify(); },
                     .nice = 0}} {
        EXPECT_EQ(pipe(keyboard_.data()), 0);
        thread_ = std::thread{[this, master] {
            WorkerLoop loop{master,
                            {.worker = "pc-00001",
                             .token = "",
                             .name = "Desk",
                             .version = "0.1.0",
                             .slots = 2,
                             .master = "127.0.0.1"},
                            executor_,
                            {outcomes_, -1, keyboard_[0]}};
            ending_ = loop.run();
        }};
    }
    RunningWorker(const RunningWorker&) = delete;
    RunningWorker& operator=(const RunningWorker&) = delete;
    ~RunningWorker() {
        Gate::instance().open();  // A test that failed may have left tasks there.
        if (thread_.joinable()) {
            type("q\n");
            type("q\n");
            thread_.join();
        }
        close_keyboard();
        close(keyboard_[0]);
    }
    void type(std::string_view text) {
        EXPECT_EQ(write(keyboard_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    void close_keyboard() {
        if (keyboard_[1] >= 0) close(keyboard_[1]);
        keyboard_[1] = -1;
    }
    Ending await_ending() {
        thread_.join();
        return ending_;
    }

 private:
    Wakeup outcomes_;
    Executor executor_;
    std::array<int, 2> keyboard_{-1, -1};
    Ending ending_;
    std::thread thread_;
};

std::string text_of(const protocol::Results& results) {
    return std::string{as_text(results.outcomes.at(0).bytes)};
}

// The whole way: hello, welcome, a lease, its results, a heartbeat, and goodbye by keyboard.
TEST(WorkerLoopTest, JoinsComputesBeatsAndLeaves) {
    FakeZmqMaster master;
    RunningWorker worker{master.address()};
    EXPECT_EQ(master.await_task_message<protocol::Hello>().slots, 2U);
    master.welcome();
    master.send(lease_of(7, "join", 1, {text_input("there and back")}));
    const auto results = master.await_results();
    EXPECT_EQ(results.session, "key-1");
    EXPECT_EQ(results.lease, LeaseId{7});
    EXPECT_EQ(text_of(results), "there and back");
    const auto heartbeat = master.await_heartbeat();
    EXPECT_EQ(heartbeat.session, "key-1");
    EXPECT_GT(heartbeat.memory_bytes, 0U);

    worker.type("not yet\nq");
    worker.type("\n");
    EXPECT_EQ(master.await_task_message<protocol::Leave>(), (protocol::Leave{"key-1"}));
    EXPECT_EQ(worker.await_ending().exit_status, 0);
}

// Bad messages of a master cost nothing: the next good lease is done.
TEST(WorkerLoopTest, MalformedMessagesDoNotStopTheWorker) {
    FakeZmqMaster master;
    RunningWorker worker{master.address()};
    std::ignore = master.await_task_message<protocol::Hello>();
    master.welcome();
    const auto lease =
        protocol::encode(protocol::MasterMessage{lease_of(6, "join", 3, {text_input("x")})});
    const std::string payload{as_text(lease.payload)};
    for (std::size_t size = 0; size < payload.size(); ++size) {
        master.send_parts({lease.header, payload.substr(0, size)});
    }
    master.send_parts({"{", payload});
    master.send_parts({std::string(70'000, '['), ""});
    master.send_parts({"alone"});
    master.send_parts({lease.header, payload, "and more"});
    master.send(lease_of(7, "join", 1, {text_input("still here")}));
    const auto results = master.await_results();
    EXPECT_EQ(results.lease, LeaseId{7});
    EXPECT_EQ(text_of(results), "still here");
}

// The master restarts: the worker finds it again by itself, resumes its session and delivers what
// it has finished meanwhile.
TEST(WorkerLoopTest, FindsARestartedMasterAgain) {
    std::optional<FakeZmqMaster> master{std::in_place};
    const ZmqAddress address = master->address();
    RunningWorker worker{address};
    std::ignore = master->await_task_message<protocol::Hello>();
    master->welcome();
    Gate::instance().close();
    master->send(lease_of(7, "gate", 1, {text_input("kept")}));
    Gate::instance().await_waiting(1);
    master.reset();
    master.emplace(address);
    EXPECT_EQ(master->await_task_message<protocol::Hello>().resume, "key-1");
    Gate::instance().open();
    master->welcome();
    EXPECT_EQ(text_of(master->await_results()), "kept");
}

// The end of standard input, as under a service manager, neither stops the worker nor makes it
// spin; "do not come again" does stop it, with a failure and the master's words.
TEST(WorkerLoopTest, EndOfInputMeansNothingAndGoodbyeEndsIt) {
    FakeZmqMaster master;
    RunningWorker worker{master.address()};
    worker.close_keyboard();
    std::ignore = master.await_task_message<protocol::Hello>();
    master.welcome();
    std::ignore = master.await_heartbeat();
    std::ignore = master.await_heartbeat();
    master.send(protocol::Goodbye{"refused_protocol", "install version 2", false});
    const Ending ending = worker.await_ending();
    EXPECT_EQ(ending.exit_status, 1);
    EXPECT_THAT(ending.message, HasSubstr("install version 2"));
}

// A long task never silences the worker: heartbeats go on while every slot computes.
TEST(WorkerLoopTest, HeartbeatsGoOnWhileEverySlotIsBusy) {
    FakeZmqMaster master;
    RunningWorker worker{master.address()};
    std::ignore = master.await_task_message<protocol::Hello>();
    master.welcome();
    Gate::instance().close();
    master.send(lease_of(7, "gate", 2));
    Gate::instance().await_waiting(2);
    for (int with_lease = 0; with_lease < 3;) {
        const auto heartbeat = master.await_heartbeat();
        if (heartbeat.leases == std::vector{LeaseId{7}} &&
            heartbeat.current.starts_with("gate 1/0/")) {
            ++with_lease;
        }
        ASSERT_FALSE(testing::Test::HasFailure());
    }
    Gate::instance().open();
    std::ignore = master.await_results();
}

}  // namespace
}  // namespace netcompute::worker
