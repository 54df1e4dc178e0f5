#include "server/asio_host.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace netcompute::server {
namespace asio = boost::asio;

AsioHost::AsioHost(asio::io_context& io)
    : io_{io}, timer_{io}, epoch_{std::chrono::steady_clock::now()} {}

AsioHost::~AsioHost() {
    close();
}

void AsioHost::close() {
    *open_ = false;
    timer_.cancel();
    for (auto* const pool : {&pool_, &disk_pool_}) {
        pool->stop();
        pool->join();
    }
}

Instant AsioHost::now() const {
    return Instant{std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - epoch_)};
}

std::int64_t AsioHost::unix_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

void AsioHost::post(Work work) {
    asio::post(io_, [open = open_, work = std::move(work)] {
        if (*open) work();
    });
}

void AsioHost::run_slow(SlowWork work) {
    run_on(pool_, std::move(work));
}

void AsioHost::wait_for_disk(SlowWork work) {
    run_on(disk_pool_, std::move(work));
}

void AsioHost::run_on(asio::thread_pool& pool, SlowWork work) {
    asio::post(pool, [this, open = open_, work = std::move(work)] {
        asio::post(io_, [open, then = work()] {
            if (*open) then();
        });
    });
}

void AsioHost::wake_at(Instant when, Work work) {
    timer_.expires_at(epoch_ + when.time_since_epoch());
    timer_.async_wait(
        [open = open_, work = std::move(work)](const boost::system::error_code& error) {
            if (!error && *open) work();
        });
}

}  // namespace netcompute::server
