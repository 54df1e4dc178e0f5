#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace netcompute::net {

/// Whether a request's Host header names this server: an address, localhost, or one of `names`.
/// Any other name is refused: it may be a foreign site whose name resolves to this PC (DNS
/// rebinding).
[[nodiscard]] bool host_is_ours(std::string_view host_header,
                                const std::vector<std::string>& names);

/// Whether an Origin header is that of a page which this server gave out: http or https, and the
/// same host and port as the request itself.
[[nodiscard]] bool origin_is_ours(std::string_view origin, std::string_view host_header);

}  // namespace netcompute::net
