#pragma once

#include "api/backend.hpp"
#include "api/query.hpp"
#include <netcompute/result.hpp>

#include <string>

namespace netcompute::api {

/// The page that a list's query asks for. Errors: InvalidArgument naming the parameter.
[[nodiscard]] Result<ListQuery> read_list_query(const std::string& query);

/// The URL of the list's next page, with older entries.
[[nodiscard]] std::string next_page(const Target& target, const ListQuery& query,
                                    const std::string& before);

}  // namespace netcompute::api
