#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <native-worker/http_blob_fetcher.hpp>
#include <sys/resource.h>

#include <chrono>
#include <ctime>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace netcompute::worker {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using testing::HasSubstr;
using namespace std::chrono_literals;

/// What the server does with the next request.
struct Answer {
    std::string response;
    bool then_close = false;
    std::chrono::milliseconds after{0};
};

/// An HTTP server on loopback that answers whatever comes with the next of its answers.
class ScriptedServer {
 public:
    explicit ScriptedServer(std::vector<Answer> answers)
        : answers_{answers.begin(), answers.end()} {
        accept();
        thread_ = std::thread{[this] { context_.run(); }};
    }
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;
    ~ScriptedServer() {
        context_.stop();
        thread_.join();
    }
    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    std::vector<std::string> requests() {
        const std::lock_guard lock{mutex_};
        return requests_;
    }
    int connections() {
        const std::lock_guard lock{mutex_};
        return connections_;
    }

 private:
    struct Peer {
        explicit Peer(tcp::socket accepted)
            : socket{std::move(accepted)}, timer{socket.get_executor()} {}
        tcp::socket socket;
        asio::steady_timer timer;
        std::string input;
        Answer answer;
    };

    void accept() {
        acceptor_.async_accept([this](const auto& error, tcp::socket socket) {
            if (error) return;
            {
                const std::lock_guard lock{mutex_};
                ++connections_;
            }
            read(std::make_shared<Peer>(std::move(socket)));
            accept();
        });
    }
    void read(const std::shared_ptr<Peer>& peer) {
        asio::async_read_until(peer->socket, asio::dynamic_buffer(peer->input), "\r\n\r\n",
                               [this, peer](const auto& error, std::size_t size) {
                                   if (!error) take(peer, size);
                               });
    }
    void take(const std::shared_ptr<Peer>& peer, std::size_t size) {
        const std::lock_guard lock{mutex_};
        requests_.push_back(peer->input.substr(0, size));
        peer->input.erase(0, size);
        if (answers_.empty()) return;
        peer->answer = std::move(answers_.front());
        answers_.pop_front();
        peer->timer.expires_after(peer->answer.after);
        peer->timer.async_wait([this, peer](const auto&) { write(peer); });
    }
    void write(const std::shared_ptr<Peer>& peer) {
        asio::async_write(peer->socket, asio::buffer(peer->answer.response),
                          [this, peer](const auto& error, std::size_t) {
                              if (!error && !peer->answer.then_close) read(peer);
                          });
    }

    asio::io_context context_{1};
    tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
    std::mutex mutex_;
    std::deque<Answer> answers_;
    std::vector<std::string> requests_;
    int connections_ = 0;
    std::thread thread_;
};

std::string response(std::string_view status, std::string_view body) {
    return "HTTP/1.1 " + std::string{status} +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}
std::string ok(std::string_view body) {
    return response("200 OK", body);
}

Result<Bytes> fetch(BlobFetcher& fetcher, std::string_view text, std::uint64_t size) {
    std::promise<Result<Bytes>> promise;
    fetcher.fetch(sha256(as_byte_span(text)), size,
                  [&](Result<Bytes> bytes) { promise.set_value(std::move(bytes)); });
    auto future = promise.get_future();
    if (future.wait_for(20s) != std::future_status::ready) {
        ADD_FAILURE() << "no answer of the fetcher";
        return unexpected(ErrorCode::Internal, "no answer");
    }
    return future.get();
}
Result<Bytes> fetch(BlobFetcher& fetcher, std::string_view text) {
    return fetch(fetcher, text, text.size());
}

HttpBlobFetcher fetcher_of(const ScriptedServer& server, std::string token = "") {
    return HttpBlobFetcher{{"127.0.0.1", server.port(), std::move(token)},
                           {.attempts = 3, .first_pause = 1ms, .silence = 10s}};
}

// A blob is asked for by its name, politely, and over one connection for as long as it stands.
TEST(HttpBlobFetcherTest, FetchesByNameAndKeepsTheConnection) {
    const std::string large(std::size_t{3} << 20, 'x');
    ScriptedServer server{{{ok("abc")}, {ok(large)}, {ok("")}}};
    auto fetcher = fetcher_of(server, "open sesame");
    EXPECT_EQ(as_text(fetch(fetcher, "abc").value()), "abc");
    EXPECT_EQ(as_text(fetch(fetcher, large).value()), large);
    EXPECT_EQ(as_text(fetch(fetcher, "").value()), "");
    const auto requests = server.requests();
    ASSERT_EQ(requests.size(), 3U);
    EXPECT_THAT(
        requests[0],
        testing::StartsWith("GET /blobs/" + to_hex(sha256(as_byte_span("abc"))) + " HTTP/1.1\r\n"));
    EXPECT_THAT(requests[0],
                HasSubstr("Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"));
    EXPECT_THAT(requests[0], HasSubstr("Authorization: Bearer open sesame\r\n"));
    EXPECT_LE(server.connections(), 2);
}

// Without a token there is no empty one either.
TEST(HttpBlobFetcherTest, WithoutATokenNoneIsSent) {
    ScriptedServer server{{{ok("abc")}}};
    auto fetcher = fetcher_of(server);
    EXPECT_TRUE(fetch(fetcher, "abc"));
    EXPECT_THAT(server.requests().at(0), testing::Not(HasSubstr("Authorization")));
}

// Bytes that do not have the promised hash are refused, however often they come.
TEST(HttpBlobFetcherTest, BytesOfAnotherHashAreRefused) {
    ScriptedServer server{{{ok("abd")}, {ok("abd")}, {ok("abd")}}};
    auto fetcher = fetcher_of(server);
    const auto blob = fetch(fetcher, "abc");
    ASSERT_FALSE(blob);
    EXPECT_EQ(blob.error().code, ErrorCode::Unavailable);
    EXPECT_THAT(blob.error().message, HasSubstr("the bytes that came have SHA-256"));
    EXPECT_EQ(server.requests().size(), 3U);
}

// Each passing trouble is tried again: a busy master, a broken-off answer, nonsense, damage.
TEST(HttpBlobFetcherTest, PassingTroubleIsTriedAgain) {
    const std::vector<Answer> troubles = {{response("503 Service Unavailable", "busy")},
                                          {response("429 Too Many Requests", "")},
                                          {ok("abc").substr(0, ok("abc").size() - 1), true},
                                          {"HTTP/1.1 200", true},
                                          {"", true},
                                          {"220 mail.example.org ESMTP\r\n\r\n"},
                                          {ok("abd")}};
    for (const Answer& trouble : troubles) {
        SCOPED_TRACE(trouble.response);
        ScriptedServer server{{trouble, {ok("abc")}}};
        auto fetcher = fetcher_of(server);
        const auto blob = fetch(fetcher, "abc");
        ASSERT_TRUE(blob) << blob.error().message;
        EXPECT_EQ(as_text(*blob), "abc");
    }
}

// What will not pass is not asked for again: no such blob, no entry, another size.
TEST(HttpBlobFetcherTest, LastingTroubleIsNotTriedAgain) {
    const std::vector<Answer> troubles = {{response("404 Not Found", "{}")},
                                          {response("401 Unauthorized", "{}")},
                                          {ok("abcd")},
                                          {ok("ab")},
                                          {"HTTP/1.1 200 OK\r\n\r\nabc", true}};
    for (const Answer& trouble : troubles) {
        SCOPED_TRACE(trouble.response);
        ScriptedServer server{{trouble, {ok("abc")}}};
        auto fetcher = fetcher_of(server);
        const auto blob = fetch(fetcher, "abc");
        ASSERT_FALSE(blob);
        EXPECT_EQ(blob.error().code, ErrorCode::Unavailable);
        EXPECT_EQ(server.requests().size(), 1U);
    }
}

// A size that no memory holds is an error of that blob, not the end of the worker.
TEST(HttpBlobFetcherTest, ABlobLargerThanMemoryIsAnError) {
    const std::uint64_t size = std::uint64_t{1} << 63;  // More than any vector holds.
    ScriptedServer server{
        {{"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\nabc"}}};
    auto fetcher = fetcher_of(server);
    const auto blob = fetch(fetcher, "abc", size);
    ASSERT_FALSE(blob);
    EXPECT_THAT(blob.error().message, HasSubstr("more than the"));
    EXPECT_TRUE(server.requests().empty());
}

// What a master says costs nothing before its bytes come: megabytes that are never sent are a task
// that failed, also where nothing forbids the size.
TEST(HttpBlobFetcherTest, ASizeIsNotBelievedBeforeItsBytesCome) {
    const std::uint64_t size = std::uint64_t{1} << 28;
    ScriptedServer server{
        {{.response = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\nabc",
          .then_close = true}}};
    BlobServer address{"127.0.0.1", server.port(), ""};
    address.blob_bytes_max = size;
    HttpBlobFetcher fetcher{address, {.attempts = 1, .first_pause = 1ms, .silence = 1s}};
    rusage before{};
    getrusage(RUSAGE_SELF, &before);
    EXPECT_FALSE(fetch(fetcher, "abc", size));
    rusage after{};
    getrusage(RUSAGE_SELF, &after);
    EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 128 << 10);  // KiB
}

// A connection that the server closed while it was idle costs a new connection, nothing more.
TEST(HttpBlobFetcherTest, AConnectionClosedWhileIdleIsMadeAnew) {
    ScriptedServer server{{{ok("abc"), true}, {ok("def"), true}, {ok("ghi"), true}}};
    auto fetcher = fetcher_of(server);
    for (const auto* text : {"abc", "def", "ghi"}) {
        const auto blob = fetch(fetcher, text);
        ASSERT_TRUE(blob) << blob.error().message;
    }
}

// Nobody there: the error names where it was looked for.
TEST(HttpBlobFetcherTest, NobodyThereIsUnavailable) {
    std::uint16_t port = 0;
    {
        ScriptedServer gone{{}};
        port = gone.port();
    }
    HttpBlobFetcher fetcher{{"127.0.0.1", port, ""},
                            {.attempts = 2, .first_pause = 1ms, .silence = 10s}};
    const auto blob = fetch(fetcher, "abc");
    ASSERT_FALSE(blob);
    EXPECT_EQ(blob.error().code, ErrorCode::Unavailable);
    EXPECT_THAT(blob.error().message, HasSubstr("http://127.0.0.1:" + std::to_string(port)));
}

// A fetcher that waits uses no time of the PC: neither idle nor for a slow answer.
TEST(HttpBlobFetcherTest, WaitingCostsNothing) {
    ScriptedServer server{{{ok("abc"), false, 300ms}}};
    auto fetcher = fetcher_of(server);
    const std::clock_t before = std::clock();
    EXPECT_TRUE(fetch(fetcher, "abc"));
    const double cpu_seconds = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
    EXPECT_LT(cpu_seconds, 0.15);
}

// A fetcher may go while blobs are on their way; nobody is called any more.
TEST(HttpBlobFetcherTest, GoingWhileFetchingIsSafe) {
    ScriptedServer server{{}};
    auto fetcher = std::make_unique<HttpBlobFetcher>(
        BlobServer{"127.0.0.1", server.port(), ""},
        FetchPatience{.attempts = 3, .first_pause = 1ms, .silence = 10s});
    for (int i = 0; i < 10; ++i) {
        fetcher->fetch(sha256(as_byte_span("abc")), 3,
                       [](const auto&) { ADD_FAILURE() << "called after all"; });
    }
    fetcher.reset();
}

}  // namespace
}  // namespace netcompute::worker
