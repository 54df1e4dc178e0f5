#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace netcompute::net {

/// For `co_await` on an operation: gives its error and what else it has, and throws nothing.
inline constexpr auto use_result = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace netcompute::net
