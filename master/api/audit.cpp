#include "api/audit.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace netcompute::api {
namespace {

constexpr std::string_view files_path = "/api/v1/files";

/// "drain" of "/api/v1/workers/{id}/drain"; of a path that ends in what it is about, by method.
std::string_view action_of(const Route& route) {
    const std::size_t name = route.path.find("}/");
    if (name != std::string_view::npos) return route.path.substr(name + 2);
    const bool is_deleted = route.method == boost::beast::http::verb::delete_;
    if (route.path.starts_with(files_path)) return is_deleted ? "erase file" : "send file";
    return is_deleted ? "cancel" : "submit";
}

std::uint64_t number_or_zero(std::string_view text) {
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    return parsed.ptr == text.data() + text.size() ? number : 0;
}

}  // namespace

std::optional<AuditEntry> audit_entry(const RouteMatch& match, const net::HttpResponse& response,
                                      std::string_view who, std::string address) {
    if (!match.changes_something) return std::nullopt;
    const Route* const route = std::ranges::find(routes, match.name, &Route::name);
    const auto body = nlohmann::json::parse(response.body, nullptr, false);
    AuditEntry entry;
    entry.action = action_of(*route);
    entry.who = who;
    entry.address = std::move(address);
    if (route->path.starts_with("/api/v1/workers/"))
        entry.worker = std::string{match.argument};
    else if (route->path.starts_with(files_path))
        entry.detail = body.is_object() ? body.value("path", std::string{match.argument})
                                        : std::string{match.argument};
    else
        entry.job = number_or_zero(match.argument);
    if (boost::beast::http::to_status_class(response.status) ==
        boost::beast::http::status_class::successful) {
        if (match.name == RouteName::SubmitJob && body.is_object()) {
            entry.job = body.value("id", std::uint64_t{0});
        }
        return entry;
    }
    const bool has_error = body.is_object() && body.contains("error");
    entry.outcome = has_error ? body["error"].value("code", "failed") : "failed";
    entry.is_budgeted = true;
    if (response.status == boost::beast::http::status::unauthorized) entry.who = audit_by::nobody;
    return entry;
}

}  // namespace netcompute::api
