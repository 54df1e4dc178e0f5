#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace netcompute::worker {

/// For coroutines: an error comes back as a value, before what the operation gives.
inline constexpr auto use_result = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace netcompute::worker
