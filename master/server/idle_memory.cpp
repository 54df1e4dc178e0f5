#include "server/idle_memory.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <malloc.h>

#include <algorithm>
#include <vector>

namespace netcompute::server {
namespace {

constexpr std::size_t bytes_worth_the_while = std::size_t{1} << 20;
constexpr std::size_t descriptors = 2048;

}  // namespace

void IdleMemory::give_back() {
    // Pages that the system has already got back count here too, for as long as nobody uses them.
    const std::size_t idle = mallinfo2().fordblks;
    known_ = std::min(known_, idle);
    if (idle < known_ + bytes_worth_the_while) return;
    malloc_trim(0);
    known_ = idle;
}

void gather_descriptor_states(boost::asio::io_context& io) {
    std::vector<boost::asio::ip::tcp::socket> sockets;
    boost::system::error_code failed;  // Fewer will do where fewer may be open.
    while (sockets.size() < descriptors && !failed) {
        sockets.emplace_back(io);
        sockets.back().open(boost::asio::ip::tcp::v4(), failed);
    }
}

}  // namespace netcompute::server
