#include "server/local_worker.hpp"

#include "native-worker/executor.hpp"
#include "native-worker/system_load.hpp"
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/worker/agent.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <random>

namespace netcompute::server {
namespace asio = boost::asio;
namespace {

/// Hands out blobs from the master's own store.
class StoreFetcher final : public worker::BlobFetcher {
 public:
    explicit StoreFetcher(const store::BlobStore& blobs) : blobs_{blobs} {}

    void fetch(const Sha256& sha256, std::uint64_t, Done done) override {
        const auto file = blobs_.find(sha256);
        if (file == nullptr) {
            return done(unexpected(ErrorCode::Unavailable,
                                   "blob " + to_hex(sha256) + " is not in the store any more"));
        }
        done(Bytes{file->bytes().begin(), file->bytes().end()});
    }

 private:
    const store::BlobStore& blobs_;
};

Instant now() {
    return Instant{
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

void log(worker::Severity severity, const std::string& message) {
    constexpr std::array levels{spdlog::level::debug, spdlog::level::debug, spdlog::level::warn,
                                spdlog::level::err};
    spdlog::log(levels.at(static_cast<std::size_t>(severity)), "local worker: {}", message);
}

}  // namespace

/// Everything but the compute threads runs on `io`: what one side says to the other is posted, so
/// neither is ever called from within its own call.
class LocalWorker::Impl final : public worker::Link,
                                public std::enable_shared_from_this<LocalWorker::Impl> {
 public:
    Impl(asio::io_context& io, engine::WorkerGateway& gateway, const store::BlobStore& blobs,
         const LocalWorkerOptions& options)
        : io_{io}, gateway_{gateway}, fetcher_{blobs}, timer_{io}, options_{options} {}

    void start();
    void stop();
    void set_token(const std::string& token) {
        if (agent_) agent_->set_token(token);
    }

    // worker::Link.
    void open() override;
    void close(worker::Closing closing) override;
    [[nodiscard]] bool send(worker::Channel channel, const protocol::WireMessage& message) override;

 private:
    class LocalSession;

    /// Calls the agent from the event loop, then waits for its next deadline.
    void tell_agent(std::function<void(worker::Agent&)> tell);
    void arm();

    asio::io_context& io_;
    engine::WorkerGateway& gateway_;
    StoreFetcher fetcher_;
    asio::steady_timer timer_;
    LocalWorkerOptions options_;
    worker::SystemLoadProbe load_;
    std::mt19937 random_{std::random_device{}()};
    std::shared_ptr<LocalSession> session_;
    std::optional<worker::Executor> executor_;
    std::optional<worker::Agent> agent_;
};

/// The gateway's end of the connection.
class LocalWorker::Impl::LocalSession final
    : public net::Session,
      public std::enable_shared_from_this<LocalWorker::Impl::LocalSession> {
 public:
    explicit LocalSession(std::weak_ptr<Impl> owner) : owner_{std::move(owner)} {}

    void send(protocol::WireMessage message) override {
        const auto owner = owner_.lock();
        if (owner == nullptr) return;
        auto shared = std::make_shared<protocol::WireMessage>(std::move(message));
        owner->tell_agent([shared, self = shared_from_this()](worker::Agent& agent) {
            if (self->owner_.expired()) return;
            agent.receive(now(), shared->header, std::move(shared->payload));
        });
    }
    void close() override {
        const auto owner = std::exchange(owner_, {}).lock();
        if (owner == nullptr) return;
        owner->tell_agent(
            [](worker::Agent& agent) { agent.link_down(now(), "the master closed the session"); });
        asio::post(owner->io_,
                   [owner, self = shared_from_this()] { owner->gateway_.on_close(self); });
    }
    void detach() { owner_.reset(); }
    [[nodiscard]] const std::string& peer_address() const override { return address_; }
    [[nodiscard]] bool is_this_user() override { return true; }

 private:
    std::weak_ptr<Impl> owner_;
    std::string address_ = "this process";
};

void LocalWorker::Impl::start() {
    executor_.emplace(worker::ExecutorOptions{.slots = options_.slots,
                                              .find_kernel = kernels::find_kernel,
                                              .on_outcomes =
                                                  [weak = weak_from_this()] {
                                                      const auto self = weak.lock();
                                                      if (self == nullptr) return;
                                                      self->tell_agent([](worker::Agent& agent) {
                                                          agent.outcomes_ready(now());
                                                      });
                                                  },
                                              .blobs = &fetcher_});
    agent_.emplace(worker::AgentOptions{.worker = "master-local",
                                        .token = options_.token,
                                        .name = "the master's own PC",
                                        .version = NETCOMPUTE_VERSION,
                                        .slots = options_.slots,
                                        .master = "this process",
                                        // Nobody else's address is this process.
                                        .secret = std::string(protocol::secret_digits_min, '0')},
                   worker::Agent::Surroundings{
                       *executor_, *this, [this] { return load_.sample(); },
                       [this] { return std::uniform_real_distribution<double>{}(random_); }, log});
    tell_agent([](worker::Agent& agent) { agent.start(now()); });
}

void LocalWorker::Impl::stop() {
    timer_.cancel();
    if (session_ != nullptr) session_->detach();
    executor_.reset();
    agent_.reset();
}

void LocalWorker::Impl::tell_agent(std::function<void(worker::Agent&)> tell) {
    asio::post(io_, [weak = weak_from_this(), tell = std::move(tell)] {
        const auto self = weak.lock();
        if (self == nullptr || !self->agent_) return;
        tell(*self->agent_);
        self->arm();
    });
}

void LocalWorker::Impl::arm() {
    const Instant at = agent_->next_deadline();
    if (at == instant_never) {
        timer_.cancel();
        return;
    }
    timer_.expires_at(std::chrono::steady_clock::time_point{at.time_since_epoch()});
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (error || self == nullptr || !self->agent_) return;
        self->agent_->tick(now());
        self->arm();
    });
}

void LocalWorker::Impl::open() {
    session_ = std::make_shared<LocalSession>(weak_from_this());
}

void LocalWorker::Impl::close(worker::Closing) {
    if (session_ == nullptr) return;
    session_->detach();
    asio::post(io_, [self = shared_from_this(), session = std::move(session_)] {
        self->gateway_.on_close(session);
    });
}

bool LocalWorker::Impl::send(worker::Channel, const protocol::WireMessage& message) {
    asio::post(io_, [self = shared_from_this(), session = session_, message] {
        self->gateway_.on_frame(session, message.header,
                                std::make_shared<const Bytes>(message.payload));
    });
    return true;
}

LocalWorker::LocalWorker(asio::io_context& io, engine::WorkerGateway& gateway,
                         const store::BlobStore& blobs, const LocalWorkerOptions& options)
    : impl_{std::make_shared<Impl>(io, gateway, blobs, options)} {
    impl_->start();
}

LocalWorker::~LocalWorker() {
    impl_->stop();
}

void LocalWorker::set_token(const std::string& token) {
    impl_->set_token(token);
}

}  // namespace netcompute::server
