#pragma once

#include "api/backend.hpp"
#include "net/http/web_socket.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <vector>

namespace netcompute::api {

/// Sends every open dashboard a snapshot, then merge patches, at most four times a second. The
/// state is built once for all of them, and not at all while none is open. One that has not taken
/// its last update yet waits for a later one, which then holds everything it missed.
class DashboardFeed {
 public:
    static constexpr std::chrono::milliseconds interval{250};

    DashboardFeed(boost::asio::io_context& io, Backend& backend);
    ~DashboardFeed() { *alive_ = false; }
    DashboardFeed(const DashboardFeed&) = delete;
    DashboardFeed& operator=(const DashboardFeed&) = delete;

    void accept(net::HttpUpgrade request, std::shared_ptr<net::WebSocket> socket);

 private:
    struct Viewer {
        std::shared_ptr<net::WebSocket> socket;
        std::shared_ptr<const nlohmann::json> shown;  ///< What it has.
    };

    void arm();
    void publish();

    Backend& backend_;
    boost::asio::steady_timer timer_;
    bool armed_ = false;
    std::vector<Viewer> viewers_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace netcompute::api
