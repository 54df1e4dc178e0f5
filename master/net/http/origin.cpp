#include "net/http/origin.hpp"

#include "net/http/http_message.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace netcompute::net {
namespace {

bool is_port_or_nothing(std::string_view text) {
    if (text.empty()) return true;
    constexpr std::size_t bytes_max = std::string_view{":65535"}.size();
    return text.front() == ':' && text.size() <= bytes_max &&
           text.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

/// "name:port" without its port; "[::1]:80" without brackets and port; empty for anything else.
std::string_view host_name(std::string_view host_header) {
    const bool has_brackets = host_header.starts_with('[');
    const std::size_t end = host_header.find(has_brackets ? ']' : ':');
    const std::string_view name = host_header.substr(0, end);
    if (!has_brackets) return is_port_or_nothing(host_header.substr(name.size())) ? name : "";
    if (end == std::string_view::npos) return {};
    return is_port_or_nothing(host_header.substr(end + 1)) ? name.substr(1) : "";
}

}  // namespace

bool host_is_ours(std::string_view host_header, const std::vector<std::string>& names) {
    const std::string_view name = host_name(host_header);
    if (name.empty()) return false;
    if (equal_ignoring_case(name, "localhost")) return true;
    boost::system::error_code error;
    std::ignore = boost::asio::ip::make_address(std::string{name}, error);
    if (!error) return true;
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& ours) { return equal_ignoring_case(name, ours); });
}

bool origin_is_ours(std::string_view origin, std::string_view host_header) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (origin.starts_with(scheme)) {
            return equal_ignoring_case(origin.substr(scheme.size()), host_header);
        }
    }
    return false;
}

}  // namespace netcompute::net
