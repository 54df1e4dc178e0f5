#pragma once

#include <netcompute/result.hpp>

#include <new>
#include <stdexcept>
#include <utility>

namespace netcompute::engine {

/// What a job's own step returns. Where it finds no memory it is the job that cannot go on, not the
/// master: then LimitExceeded.
template <typename Work>
auto within_memory(Work&& work) -> decltype(work()) {
    try {
        return std::forward<Work>(work)();
    } catch (const std::bad_alloc&) {
    } catch (const std::length_error&) {
    }
    return unexpected(ErrorCode::LimitExceeded,
                      "the job needs more memory than this PC has for the master; cut it into "
                      "smaller jobs, or run the master on a PC with more");
}

}  // namespace netcompute::engine
