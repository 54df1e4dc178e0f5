#pragma once

#include "api/routes.hpp"
#include "net/http/http_server.hpp"
#include <netcompute/audit_log.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace netcompute::api {

/// What a call that changes something leaves in the audit log; nothing for one that only reads.
/// `who`: one of audit_by, for a call that was not refused for want of a token. The outcome, and
/// the id of a job that was submitted, are read from the response.
[[nodiscard]] std::optional<AuditEntry> audit_entry(const RouteMatch& match,
                                                    const net::HttpResponse& response,
                                                    std::string_view who, std::string address);

}  // namespace netcompute::api
