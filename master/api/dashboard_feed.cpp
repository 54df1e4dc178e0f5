#include "api/dashboard_feed.hpp"

#include "api/merge_patch.hpp"

#include <algorithm>

namespace netcompute::api {
namespace {

constexpr std::size_t viewer_message_bytes_max = 1024;  ///< A dashboard has nothing to say.
constexpr std::uint16_t close_code_try_again_later = 1013;

std::shared_ptr<const std::string> text_of(const nlohmann::json& message) {
    return std::make_shared<const std::string>(
        message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

DashboardFeed::DashboardFeed(boost::asio::io_context& io, Backend& backend,
                             std::chrono::milliseconds pace)
    : backend_{backend}, pace_{pace}, timer_{io} {}

bool DashboardFeed::has_room(const std::string& address) const {
    const auto there = std::count_if(viewers_.begin(), viewers_.end(), [&](const Viewer& viewer) {
        return viewer.socket->peer().address == address;
    });
    return viewers_.size() < viewers_max &&
           static_cast<std::size_t>(there) < viewers_per_address_max;
}

void DashboardFeed::accept(net::HttpRequest request, std::shared_ptr<net::WebSocket> socket) {
    const auto* const raw = socket.get();
    socket->limit_queue(unsent_bytes_max);
    const bool has_place = socket->admit(viewer_message_bytes_max);
    if (!has_place) socket->close(close_code_try_again_later, "too many connections");
    socket->run(std::move(request), {{}, [this, raw, alive = alive_] {
                                         if (!*alive) return;
                                         std::erase_if(viewers_, [raw](const Viewer& viewer) {
                                             return viewer.socket.get() == raw;
                                         });
                                     }});
    if (!has_place) return;
    // While there are viewers, a new one gets the state of the last update: building it again for
    // each of them would cost too much.
    if (viewers_.empty()) refresh();
    viewers_.push_back({std::move(socket), nullptr});
    send_snapshot(viewers_.back());
    arm();
}

void DashboardFeed::refresh() {
    state_ = std::make_shared<const nlohmann::json>(backend_.dashboard_state());
    snapshot_ = nullptr;
}

void DashboardFeed::send_snapshot(Viewer& viewer) {
    if (snapshot_ == nullptr) snapshot_ = text_of({{"type", "snapshot"}, {"state", *state_}});
    viewer.shown = state_;
    viewer.socket->send_text(snapshot_);
}

void DashboardFeed::arm() {
    if (viewers_.empty() || std::exchange(armed_, true)) return;
    timer_.expires_after(pace_);
    timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
        if (error || !*alive) return;
        armed_ = false;
        publish();
        if (viewers_.empty()) {
            state_ = nullptr;
            snapshot_ = nullptr;
        }
        arm();
    });
}

void DashboardFeed::publish() {
    if (viewers_.empty()) return;
    refresh();
    std::shared_ptr<const nlohmann::json> from;  // Most viewers have the same state: diff it once.
    std::shared_ptr<const std::string> patch;
    for (Viewer& viewer : viewers_) {
        if (!viewer.socket->is_drained()) {
            if (++viewer.ticks_behind > patch_ticks_max) viewer.shown = nullptr;
            if (viewer.ticks_behind > unread_ticks_max) viewer.socket->cut_off();
            continue;
        }
        viewer.ticks_behind = 0;
        if (viewer.shown == nullptr) {
            send_snapshot(viewer);
            continue;
        }
        if (viewer.shown != from) {
            from = viewer.shown;
            const nlohmann::json difference = merge_patch(*from, *state_);
            patch =
                difference.empty() ? nullptr : text_of({{"type", "patch"}, {"patch", difference}});
        }
        viewer.shown = state_;
        if (patch != nullptr) viewer.socket->send_text(patch);
    }
}

}  // namespace netcompute::api
