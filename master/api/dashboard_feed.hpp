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
/// its last update yet waits for a later one, which then holds everything it missed: a patch, or a
/// snapshot where that was long ago; in the end it is closed. So viewers that do not read hold
/// little, whatever there is to show.
class DashboardFeed {
 public:
    static constexpr std::chrono::milliseconds interval{250};
    static constexpr int patch_ticks_max = 20;    ///< Behind by more, it gets a snapshot.
    static constexpr int unread_ticks_max = 120;  ///< Behind by more, it is closed: 30 s.
    /// Viewers at a time: more than an office has people, and few enough to send to each.
    static constexpr std::size_t viewers_max = 200;
    static constexpr std::size_t viewers_per_address_max = 50;
    static constexpr std::size_t unsent_bytes_max = std::size_t{4} << 20;  ///< To one viewer.

    /// `pace`: how long from one update to the next.
    DashboardFeed(boost::asio::io_context& io, Backend& backend,
                  std::chrono::milliseconds pace = interval);
    ~DashboardFeed() { *alive_ = false; }
    DashboardFeed(const DashboardFeed&) = delete;
    DashboardFeed& operator=(const DashboardFeed&) = delete;

    [[nodiscard]] bool has_room(const std::string& address) const;
    void accept(net::HttpRequest request, std::shared_ptr<net::WebSocket> socket);

 private:
    struct Viewer {
        std::shared_ptr<net::WebSocket> socket;
        std::shared_ptr<const nlohmann::json> shown;  ///< What it has; null: it needs a snapshot.
        int ticks_behind = 0;
    };

    void arm();
    void publish();
    void send_snapshot(Viewer& viewer);
    void refresh();

    Backend& backend_;
    std::chrono::milliseconds pace_;
    boost::asio::steady_timer timer_;
    bool armed_ = false;
    std::vector<Viewer> viewers_;
    std::shared_ptr<const nlohmann::json> state_;  ///< As it was last built;
    std::shared_ptr<const std::string> snapshot_;  ///< as a message, once somebody needed it.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace netcompute::api
