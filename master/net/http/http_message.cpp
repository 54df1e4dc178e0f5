#include "net/http/http_message.hpp"

#include <netcompute/printable.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace netcompute::net {
namespace http = boost::beast::http;

HttpResponse http_error(http::status status, std::string_view code, std::string_view message) {
    HttpResponse response;
    response.status = status;
    const nlohmann::json body = {{"error", {{"code", code}, {"message", message}}}};
    response.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return response;
}

HttpResponse http_busy(http::status status, std::string_view message, int seconds) {
    HttpResponse response = http_error(status, "limit_exceeded", message);
    response.headers.emplace_back("Retry-After", std::to_string(seconds));
    return response;
}

std::string shown(std::string_view text) {
    constexpr std::size_t bytes_max = 100;
    return printable(text, bytes_max);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace netcompute::net
