#pragma once

#include "engine/engine_host.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <memory>

namespace netcompute::server {

/// An engine's host in a real process: its thread is the one that runs `io`.
class AsioHost final : public engine::EngineHost {
 public:
    explicit AsioHost(boost::asio::io_context& io);
    ~AsioHost() override;

    [[nodiscard]] Instant now() const override;
    [[nodiscard]] std::int64_t unix_ms() const override;
    void post(Work work) override;
    void run_slow(SlowWork work) override;
    void wait_for_disk(SlowWork work) override;
    void wake_at(Instant when, Work work) override;
    void close() override;

 private:
    void run_on(boost::asio::thread_pool& pool, SlowWork work);

    boost::asio::io_context& io_;
    boost::asio::thread_pool pool_{2};
    boost::asio::thread_pool disk_pool_{3};
    boost::asio::steady_timer timer_;
    std::chrono::steady_clock::time_point epoch_;
    /// False once closed. Shared with all that was posted, which may outlast this object in `io`;
    /// read and written on the engine's thread only.
    std::shared_ptr<bool> open_ = std::make_shared<bool>(true);
};

}  // namespace netcompute::server
