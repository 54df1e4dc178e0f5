#pragma once

#include "net/http/http_message.hpp"
#include <netcompute/ip_network.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace netcompute::net {

/// Proxies that may say for whom they ask.
using TrustedProxies = std::vector<IpNetwork>;

/// For whom a request is made, as far as that can be known.
struct ProxyClient {
    std::string address;
    bool is_forwarded = false;  ///< Somebody else asked, and nobody we trust says who.
    bool is_by_proxy = false;   ///< Somebody else asked.
};

/// `remote` is the other end of the connection. Where that is a trusted proxy, X-Forwarded-For or
/// Forwarded (RFC 7239) says who asked it: of those named, the last one that is no trusted proxy
/// itself, since everything before that one is its own word. A request that names more hands than
/// can be trusted is forwarded: so is one of a proxy that is not trusted, and one where both
/// headers stand and differ (a proxy sets one of them, and passes on the other as it came).
[[nodiscard]] ProxyClient client_of(const HttpRequest& request, const std::string& remote,
                                    const TrustedProxies& trusted);

}  // namespace netcompute::net
