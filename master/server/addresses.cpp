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

PublicUrl public_url(const Config& config) {
    if (!config.security.public_url) return {};
    const std::string& url = *config.security.public_url;
    const std::size_t host = url.find("//") + 2;
    const std::size_t path = url.find('/', host);
    const std::string authority = url.substr(host, path - host);
    const bool is_v6 = authority.starts_with('[');
    const std::string name = is_v6 ? authority.substr(1, authority.find(']') - 1)
                                   : authority.substr(0, authority.find(':'));
    return {url.substr(0, path), name, url.substr(path)};
}

std::vector<std::string> host_names(const Config& config) {
    std::vector<std::string> names = config.security.allowed_hosts;
    names.push_back(config.dashboard.host);
    if (const PublicUrl url = public_url(config); !url.host.empty()) names.push_back(url.host);
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) == 0) {
        names.emplace_back(name.data());
        names.push_back(std::string{name.data()} + ".local");
    }
    return names;
}

std::vector<std::string> page_urls(const Config& config) {
    const DashboardConfig& dashboard = config.dashboard;
    const auto url = [&](const std::string& host) {
        const bool is_v6 = host.find(':') != std::string::npos;
        return "http://" + (is_v6 ? "[" + host + "]" : host) + ":" +
               std::to_string(dashboard.port) + "/";
    };
    std::vector<std::string> urls;
    if (config.security.public_url) urls.push_back(*config.security.public_url);
    const bool listens_everywhere = dashboard.host == "0.0.0.0" || dashboard.host == "::";
    if (!listens_everywhere) {
        urls.push_back(url(dashboard.host));
        return urls;
    }
    for (const std::string& address : lan_addresses()) urls.push_back(url(address));
    urls.push_back(url("127.0.0.1"));
    return urls;
}

}  // namespace netcompute::server
