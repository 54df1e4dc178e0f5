#include "net/peer_owner.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

namespace netcompute::net {
namespace {

/// One end of a TCP connection, as the kernel's tables name it.
struct End {
    int family = AF_INET;
    std::array<std::uint32_t, 4> address{};  ///< In network order; of IPv4 only the first.
    std::uint16_t port = 0;                  ///< In network order.

    [[nodiscard]] bool is_loopback() const {
        if (family == AF_INET) return (ntohl(address[0]) >> 24U) == 127;
        return address[0] == 0 && address[1] == 0 && address[2] == 0 && ntohl(address[3]) == 1;
    }
};

using NameOf = int (*)(int, sockaddr*, socklen_t*);

std::optional<End> end_of(int descriptor, NameOf name_of) {
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    if (name_of(descriptor, reinterpret_cast<sockaddr*>(&name), &size) != 0) return std::nullopt;
    End end;
    if (name.ss_family == AF_INET) {
        sockaddr_in ipv4{};
        std::memcpy(&ipv4, &name, sizeof ipv4);
        end.address[0] = ipv4.sin_addr.s_addr;
        end.port = ipv4.sin_port;
        return end;
    }
    if (name.ss_family != AF_INET6) return std::nullopt;
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, &name, sizeof ipv6);
    std::memcpy(end.address.data(), &ipv6.sin6_addr, sizeof end.address);
    end.port = ipv6.sin6_port;
    if (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr)) {
        end.address = {end.address[3]};
    } else {
        end.family = AF_INET6;
    }
    return end;
}

/// A netlink socket to the kernel's table of sockets; see sock_diag(7).
class SocketTable {
 public:
    SocketTable() : descriptor_{socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)} {}
    SocketTable(const SocketTable&) = delete;
    SocketTable& operator=(const SocketTable&) = delete;
    ~SocketTable() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    /// The user whose socket connects `own` with `other`; nothing if there is none such here, or
    /// no program holds it any more: older kernels then name root, whoever it was.
    [[nodiscard]] std::optional<uid_t> owner(const End& own, const End& other) const {
        struct {
            nlmsghdr header;
            inet_diag_req_v2 body;
        } request{};
        request.header.nlmsg_len = sizeof request;
        request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
        request.header.nlmsg_flags = NLM_F_REQUEST;
        request.body.sdiag_family = static_cast<std::uint8_t>(own.family);
        request.body.sdiag_protocol = IPPROTO_TCP;
        request.body.idiag_states = ~0U;
        request.body.id.idiag_sport = own.port;
        request.body.id.idiag_dport = other.port;
        std::memcpy(request.body.id.idiag_src, own.address.data(), sizeof own.address);
        std::memcpy(request.body.id.idiag_dst, other.address.data(), sizeof other.address);
        request.body.id.idiag_cookie[0] = request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
        if (::send(descriptor_, &request, sizeof request, 0) < 0) return std::nullopt;
        std::array<char, 8192> answer{};
        const ssize_t size = ::recv(descriptor_, answer.data(), answer.size(), 0);
        struct {
            nlmsghdr header;
            inet_diag_msg body;
        } found{};
        if (size < static_cast<ssize_t>(sizeof found)) return std::nullopt;
        std::memcpy(&found, answer.data(), sizeof found);
        if (found.header.nlmsg_type != SOCK_DIAG_BY_FAMILY) return std::nullopt;
        const bool is_this_one =
            found.body.id.idiag_sport == own.port && found.body.id.idiag_dport == other.port;
        if (!is_this_one || found.body.idiag_inode == 0) return std::nullopt;
        return found.body.idiag_uid;
    }

 private:
    int descriptor_;
};

}  // namespace

bool peer_is_this_user(int socket_descriptor) {
    const auto here = end_of(socket_descriptor, getsockname);
    const auto there = end_of(socket_descriptor, getpeername);
    if (!here || !there || !there->is_loopback()) return false;
    const auto owner = SocketTable{}.owner(*there, *here);
    return owner && (*owner == geteuid() || *owner == 0);
}

}  // namespace netcompute::net
