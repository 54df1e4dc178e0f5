#include "net/port_owner.hpp"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>

namespace netcompute::net {
namespace fs = std::filesystem;
namespace {

/// Inodes of the sockets that listen on `port`, from a table such as /proc/net/tcp.
void collect_listening_inodes(const char* table, std::uint16_t port,
                              std::set<std::string>& inodes) {
    std::ifstream file{table};
    std::string line;
    std::getline(file, line);  // The heading.
    while (std::getline(file, line)) {
        std::istringstream fields{line};
        std::string number, local, remote, state, queues, timer, retries, uid, timeout, inode;
        fields >> number >> local >> remote >> state >> queues >> timer >> retries >> uid >>
            timeout >> inode;
        const std::size_t colon = local.rfind(':');
        constexpr std::string_view listening = "0A";
        if (state != listening || colon == std::string::npos) continue;
        if (std::stoul(local.substr(colon + 1), nullptr, 16) == port) inodes.insert(inode);
    }
}

bool holds_socket(const fs::path& process, const std::set<std::string>& inodes) {
    std::error_code error;
    for (fs::directory_iterator entry{process / "fd", error}, end; !error && entry != end;
         entry.increment(error)) {
        std::error_code unreadable;
        const std::string target = fs::read_symlink(entry->path(), unreadable).string();
        constexpr std::string_view prefix = "socket:[";
        if (unreadable || !target.starts_with(prefix)) continue;
        if (inodes.contains(target.substr(prefix.size(), target.size() - prefix.size() - 1))) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::string describe_port_owner(std::uint16_t port) {
    std::set<std::string> inodes;
    collect_listening_inodes("/proc/net/tcp", port, inodes);
    collect_listening_inodes("/proc/net/tcp6", port, inodes);
    if (inodes.empty()) return {};
    std::error_code error;
    for (fs::directory_iterator entry{"/proc", error}, end; !error && entry != end;
         entry.increment(error)) {
        const std::string pid = entry->path().filename().string();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        if (!holds_socket(entry->path(), inodes)) continue;
        std::ifstream name_file{entry->path() / "comm"};
        std::string name;
        std::getline(name_file, name);
        return " (in use by " + name + ", process " + pid + ")";
    }
    return {};
}

}  // namespace netcompute::net
