#include "api/dashboard_feed.hpp"

#include "api/merge_patch.hpp"

#include <algorithm>

namespace netcompute::api {
namespace {

constexpr std::size_t viewer_message_bytes_max = 1024;  ///< A dashboard has nothing to say.

std::shared_ptr<const std::string> text_of(const nlohmann::json& message) {
    return std::make_shared<const std::string>(
        message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

DashboardFeed::DashboardFeed(boost::asio::io_context& io, Backend& backend)
    : backend_{backend}, timer_{io} {}

void DashboardFeed::accept(net::HttpUpgrade request, std::shared_ptr<net::WebSocket> socket) {
    const auto* const raw = socket.get();
    socket->limit_messages(viewer_message_bytes_max);
    socket->run(std::move(request), {{}, [this, raw, alive = alive_] {
                                         if (!*alive) return;
                                         std::erase_if(viewers_, [raw](const Viewer& viewer) {
                                             return viewer.socket.get() == raw;
                                         });
                                     }});
    auto state = std::make_shared<const nlohmann::json>(backend_.dashboard_state());
    socket->send_text(text_of({{"type", "snapshot"}, {"state", *state}}));
    viewers_.push_back({std::move(socket), std::move(state)});
    arm();
}

void DashboardFeed::arm() {
    if (viewers_.empty() || std::exchange(armed_, true)) return;
    timer_.expires_after(interval);
    timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
        if (error || !*alive) return;
        armed_ = false;
        publish();
        arm();
    });
}

void DashboardFeed::publish() {
    if (viewers_.empty()) return;
    const auto state = std::make_shared<const nlohmann::json>(backend_.dashboard_state());
    std::shared_ptr<const nlohmann::json> from;  // Most viewers have the same state: diff it once.
    std::shared_ptr<const std::string> patch;
    for (Viewer& viewer : viewers_) {
        if (!viewer.socket->is_drained()) continue;
        if (viewer.shown != from) {
            from = viewer.shown;
            const nlohmann::json difference = merge_patch(*from, *state);
            patch =
                difference.empty() ? nullptr : text_of({{"type", "patch"}, {"patch", difference}});
        }
        viewer.shown = state;
        if (patch != nullptr) viewer.socket->send_text(patch);
    }
}

}  // namespace netcompute::api
