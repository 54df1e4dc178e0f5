#pragma once

#include "net/http/http_message.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace netcompute::net {

/// The most that a request's line and headers may take; what comes beyond is refused.
inline constexpr std::size_t head_bytes_max = std::size_t{16} << 10;

/// How many bytes of `text` are the head of a request, its empty line included; 0 while more has
/// to come. Errors: an answer for what can never become a head, told as early as it is known.
[[nodiscard]] std::variant<std::size_t, HttpResponse> find_head(std::string_view text);

/// What Host and Origin a server answers to.
struct OwnNames {
    std::vector<std::string> hosts;  ///< Besides addresses and localhost.
    std::string public_origin;       ///< Of the URL that people use: "https://office.example".
    std::string public_path = "/";   ///< Its path.
};

/// A request's head that may be acted upon, and how its body is framed.
struct RequestHead {
    HttpRequest request;  ///< Without a body; its fields are those of the head alone.
    bool is_chunked = false;
    std::uint64_t content_length = 0;
    [[nodiscard]] bool has_body() const { return is_chunked || content_length > 0; }
};

/// Parses a head that find_head() found. Stricter than the parser beneath: what two programs could
/// read in two ways (a body's length given twice, a transfer coding that is not exactly "chunked",
/// folded lines, bare CR or LF, two Hosts) is refused, as RFC 9112 asks or allows (2.2, 3.2, 5.2,
/// 6.1, 6.3). Whoever gets such an answer gets no other on the same connection.
[[nodiscard]] std::variant<RequestHead, HttpResponse> parse_head(std::string_view head);

/// What is wrong with who asks, before anyone looks at the path: a Host that is not ours (DNS
/// rebinding), an Origin that is another site's, or, from a browser that says so, a request that
/// another site's page makes; but a person may follow a link from anywhere.
[[nodiscard]] std::optional<HttpResponse> refuse_stranger(const HttpRequest& request,
                                                          const OwnNames& names);

}  // namespace netcompute::net
