#include "server/idle_memory.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <vector>

namespace netcompute::server {
namespace {

constexpr std::size_t bytes_worth_the_while = std::size_t{1} << 20;
constexpr std::size_t descriptors = 2048;

/// Unused memory of the process: its own pages, as the system counts them, less
/// what the C library has given out. Stacks and the like are always among them. 0 if unknown.
std::size_t idle_bytes() {
    std::size_t size = 0, resident = 0, shared = 0;
    if (!(std::ifstream{"/proc/self/statm"} >> size >> resident >> shared)) return 0;
    const std::size_t own = (resident - shared) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const auto given = mallinfo2();
    return own - std::min(own, given.uordblks + given.hblkhd);
}

}  // namespace

void IdleMemory::give_back() {
    const std::size_t idle = idle_bytes();
    known_ = std::min(known_, idle);
    if (idle < known_ + bytes_worth_the_while) return;
    malloc_trim(0);
    known_ = idle_bytes();
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
