#include "api/routes.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace netcompute::api {
namespace {

namespace http = boost::beast::http;

using Arguments = std::array<std::string_view, 2>;

/// Takes what stands before the next "/" off a path.
std::string_view take_segment(std::string_view& path) {
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), segment.size() + 1));
    return segment;
}

/// What stands for the pattern's "{…}" if the path fits.
std::optional<Arguments> fit(std::string_view pattern, std::string_view path) {
    if (std::ranges::count(pattern, '/') != std::ranges::count(path, '/')) return std::nullopt;
    Arguments arguments;
    std::size_t found = 0;
    while (!pattern.empty() || !path.empty()) {
        const std::string_view wanted = take_segment(pattern);
        const std::string_view segment = take_segment(path);
        const bool stands_for_any = wanted.starts_with('{');
        if (stands_for_any ? segment.empty() : segment != wanted) return std::nullopt;
        if (stands_for_any) arguments[found++] = segment;
    }
    return arguments;
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
        const auto arguments = fit(route.path, path);
        if (!arguments) continue;
        if (route.method == method) {
            return {route.name, (*arguments)[0], route.changes_something, route.parameters,
                    {},         (*arguments)[1]};
        }
        match.name = RouteName::MethodNotAllowed;
        match.allowed_methods += (match.allowed_methods.empty() ? "" : ", ") +
                                 std::string{http::to_string(route.method)};
    }
    return match;
}

}  // namespace netcompute::api
