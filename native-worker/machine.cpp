#include "machine.hpp"

#include <netcompute/sha256.hpp>

#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <memory>
#include <tuple>

namespace netcompute::worker {
namespace {

std::string host_name() {
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string machine_id() {
    std::ifstream file{"/etc/machine-id"};
    std::string line;
    std::getline(file, line);
    return line;
}

/// The MAC address of the first network card. One from its maker is preferred to one that software
/// made up, because bridges and containers come and go.
std::string network_card() {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner{list, freeifaddrs};
    std::tuple<bool, int, std::string> first{true, 0, ""};
    for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_PACKET) continue;
        if ((one->ifa_flags & IFF_LOOPBACK) != 0) continue;
        sockaddr_ll link{};
        std::memcpy(&link, one->ifa_addr, sizeof link);
        constexpr unsigned made_up = 2;  // The "locally administered" bit of IEEE 802.
        const std::tuple card{(link.sll_addr[0] & made_up) != 0, link.sll_ifindex,
                              std::string{link.sll_addr, link.sll_addr + sizeof link.sll_addr}};
        if (std::get<std::string>(first).empty() || card < first) first = card;
    }
    return std::get<std::string>(first);
}

}  // namespace

std::string machine_of(const std::filesystem::path& id_file, const std::string& name) {
    constexpr std::size_t digits = 32;
    std::string text = "netcompute machine";
    for (const std::string& part :
         {machine_id(), host_name(), network_card(), id_file.string(), name}) {
        text += '\0';
        text += part;
    }
    return to_hex(sha256(as_byte_span(text))).substr(0, digits);
}

}  // namespace netcompute::worker
