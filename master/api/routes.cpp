#include "api/routes.hpp"

#include <optional>

namespace netcompute::api {
namespace {

namespace http = boost::beast::http;

/// What stands for the pattern's "{…}" if the path fits; empty if it fits without one.
std::optional<std::string_view> fit(std::string_view pattern, std::string_view path) {
    const std::size_t open = pattern.find('{');
    if (open == std::string_view::npos) {
        return pattern == path ? std::optional{std::string_view{}} : std::nullopt;
    }
    const std::string_view before = pattern.substr(0, open);
    const std::string_view after = pattern.substr(pattern.find('}') + 1);
    if (path.size() <= before.size() + after.size()) return std::nullopt;
    if (!path.starts_with(before) || !path.ends_with(after)) return std::nullopt;
    const std::string_view argument =
        path.substr(before.size(), path.size() - before.size() - after.size());
    return argument.find('/') == std::string_view::npos ? std::optional{argument} : std::nullopt;
}

}  // namespace

std::size_t body_bytes_max(RouteName route) {
    constexpr std::size_t usual = std::size_t{4} << 10;
    // Params of 64 KiB, as JSON may write them: \u00e9 takes six bytes for two.
    constexpr std::size_t job = std::size_t{256} << 10;
    return route == RouteName::SubmitJob ? job : usual;
}

RouteMatch match_route(http::verb method, std::string_view path) {
    if (method == http::verb::head) method = http::verb::get;
    RouteMatch match;
    for (const Route& route : routes) {
        const auto argument = fit(route.path, path);
        if (!argument) continue;
        if (route.method == method) {
            return {route.name, *argument, route.changes_something, route.parameters};
        }
        match.name = RouteName::MethodNotAllowed;
        match.allowed_methods += (match.allowed_methods.empty() ? "" : ", ") +
                                 std::string{http::to_string(route.method)};
    }
    return match;
}

}  // namespace netcompute::api
