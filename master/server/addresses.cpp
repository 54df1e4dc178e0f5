#include "server/addresses.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>

namespace netcompute::server {
namespace {

std::vector<std::string> lan_addresses() {
    std::vector<std::string> addresses;
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return addresses;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
        if ((entry->ifa_flags & IFF_LOOPBACK) != 0 || (entry->ifa_flags & IFF_UP) == 0) continue;
        std::array<char, INET_ADDRSTRLEN> text{};
        const auto* const address = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr);
        inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size());
        addresses.emplace_back(text.data());
    }
    freeifaddrs(list);
    return addresses;
}

}  // namespace

std::vector<std::string> host_names(const Config& config) {
    std::vector<std::string> names = config.security.allowed_hosts;
    names.push_back(config.dashboard.host);
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) == 0) {
        names.emplace_back(name.data());
        names.push_back(std::string{name.data()} + ".local");
    }
    return names;
}

std::vector<std::string> page_urls(const DashboardConfig& dashboard) {
    const auto url = [&](const std::string& host) {
        const bool is_v6 = host.find(':') != std::string::npos;
        return "http://" + (is_v6 ? "[" + host + "]" : host) + ":" +
               std::to_string(dashboard.port) + "/";
    };
    const bool listens_everywhere = dashboard.host == "0.0.0.0" || dashboard.host == "::";
    if (!listens_everywhere) return {url(dashboard.host)};
    std::vector<std::string> urls;
    for (const std::string& address : lan_addresses()) urls.push_back(url(address));
    urls.push_back(url("127.0.0.1"));
    return urls;
}

}  // namespace netcompute::server
