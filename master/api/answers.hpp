#pragma once

#include "net/http/http_message.hpp"
#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace netcompute::api {

inline constexpr int retry_seconds = 5;

/// The answer that tells an error.
[[nodiscard]] net::HttpResponse error_response(const Error& error);
[[nodiscard]] net::HttpResponse json_response(
    const nlohmann::json& document,
    boost::beast::http::status status = boost::beast::http::status::ok);
[[nodiscard]] net::HttpResponse text_response(std::string text, std::string content_type);
/// "job 7: there is no such job".
[[nodiscard]] net::HttpResponse no_such(std::string_view what, std::string_view id);
[[nodiscard]] bool is_success(boost::beast::http::status status);

}  // namespace netcompute::api
