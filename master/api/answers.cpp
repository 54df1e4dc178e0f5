#include "api/answers.hpp"

namespace netcompute::api {
namespace http = boost::beast::http;
using net::http_error;
using net::HttpResponse;
namespace {

http::status status_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::NotFound:
            return http::status::not_found;
        case ErrorCode::PermissionDenied:
            return http::status::forbidden;
        case ErrorCode::LimitExceeded:
            return http::status::too_many_requests;
        case ErrorCode::Conflict:
            return http::status::conflict;
        case ErrorCode::Unavailable:
            return http::status::service_unavailable;
        case ErrorCode::Internal:
        case ErrorCode::OutOfMemory:
            return http::status::internal_server_error;
        case ErrorCode::InvalidArgument:
        case ErrorCode::ShapeMismatch:
        case ErrorCode::ProtocolViolation:
            return http::status::bad_request;
    }
    return http::status::internal_server_error;
}

}  // namespace

HttpResponse error_response(const Error& error) {
    HttpResponse response =
        http_error(status_of(error.code), error_code_name(error.code), error.message);
    if (response.status == http::status::too_many_requests) {
        response.headers.emplace_back("Retry-After", std::to_string(retry_seconds));
    }
    return response;
}

bool is_success(http::status status) {
    return http::to_status_class(status) == http::status_class::successful;
}

HttpResponse json_response(const nlohmann::json& document, http::status status) {
    HttpResponse response;
    response.status = status;
    response.body = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return response;
}

HttpResponse text_response(std::string text, std::string content_type) {
    HttpResponse response;
    response.content_type = std::move(content_type);
    response.body = std::move(text);
    return response;
}

HttpResponse no_such(std::string_view what, std::string_view id) {
    return http_error(
        http::status::not_found, "not_found",
        std::string{what} + " " + net::shown(id) + ": there is no such " + std::string{what});
}

}  // namespace netcompute::api
