#pragma once

#include <boost/asio/io_context.hpp>

#include <cstddef>

namespace netcompute::server {

/// Freed memory between blocks in use stays with the process, unless the C library is told to give
/// it back: without this, the memory of a past flood would never be released.
class IdleMemory {
 public:
    /// Gives back what has become idle since the last time, if it is worth the while. Cheap
    /// otherwise: call it about once a second.
    void give_back();

 private:
    std::size_t known_ = 0;  ///< Bytes that stayed when it last gave back, or fewer since.
};

/// Asio never frees what it has once needed for a descriptor, but uses it for the next one. Made
/// for many of them at the start these pieces lie together, and not one in each page between what
/// connections take and free: then none of those pages could be given back.
void gather_descriptor_states(boost::asio::io_context& io);

}  // namespace netcompute::server
