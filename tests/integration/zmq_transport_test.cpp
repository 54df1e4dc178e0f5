#include "net/zmq/zmq_transport.hpp"

#include "zmq_peer.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>

namespace netcompute {
namespace {

using test_support::ZmqPeer;
using namespace std::chrono_literals;

/// Notes what a transport tells of one peer, in order.
class Notes final : public net::SessionListener {
 public:
    net::SessionPtr session;
    std::vector<std::string> told;

    void on_frame(const net::SessionPtr& from, std::string_view header,
                  std::shared_ptr<const Bytes>) override {
        if (session == nullptr) session = from;
        told.push_back((from == session ? "" : "from another session: ") + std::string{header});
    }
    void on_malformed(const net::SessionPtr&, const Error& error) override {
        told.push_back(error.message);
    }
    void on_close(const net::SessionPtr&) override { told.emplace_back("closed"); }
};

class ZmqTransportTest : public testing::Test {
 protected:
    /// Runs the transport until so many things were told.
    void await(const Notes& notes, std::size_t count) {
        const auto give_up = std::chrono::steady_clock::now() + 20s;
        while (notes.told.size() < count && std::chrono::steady_clock::now() < give_up) {
            io_.run_one_for(1s);
        }
        ASSERT_EQ(notes.told.size(), count);
    }

    boost::asio::io_context io_;
};

// The master is sending to a peer that has just said its last words and gone. What fails is the
// sending; the words are heard all the same, and from the session that said them.
TEST_F(ZmqTransportTest, LastWordsAreHeardThoughSendingFoundThePeerGone) {
    constexpr int peers = 30;
    constexpr int messages = 500;  // Long enough for the end of the connection to come in between.
    for (int i = 0; i < peers; ++i) {
        Notes notes;
        net::ZmqTransport transport{io_, {"127.0.0.1", 0, 0, 0}, notes};
        {
            const net::ZmqEndpoints& ports = transport.endpoints();
            ZmqPeer peer{{"127.0.0.1", ports.task_port, ports.result_port, ports.heartbeat_port}};
            peer.send_task({"hello", ""});
            await(notes, 1);
            peer.send_task({"last words", ""});
            peer.close_after_sending();
        }
        for (int sent = 0; sent < messages; ++sent) notes.session->send({"news", {}});
        await(notes, 3);
        EXPECT_EQ(notes.told, (std::vector<std::string>{"hello", "last words", "closed"}));
        transport.close(0);
    }
}

}  // namespace
}  // namespace netcompute
