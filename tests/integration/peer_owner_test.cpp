#include "net/peer_owner.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

namespace netcompute::net {
namespace {

/// Listens on a free port of loopback.
class Listener {
 public:
    explicit Listener(int family) : socket_{::socket(family, SOCK_STREAM, 0)}, family_{family} {
        set_loopback(family, 0);
        EXPECT_EQ(::bind(socket_, address(), size_), 0);
        EXPECT_EQ(::listen(socket_, 8), 0);
        EXPECT_EQ(::getsockname(socket_, address(), &size_), 0);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() { ::close(socket_); }

    /// A program of another process connects, as this user if it is not 0, and waits until it is
    /// hung up on. What this end of the connection says of it.
    bool says_of_a_program(uid_t user) {
        const pid_t child = ::fork();
        if (child == 0) connect_and_wait(user);
        const int accepted = ::accept(socket_, nullptr, nullptr);
        const bool answer = peer_is_this_user(accepted);
        ::close(accepted);
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
        return answer;
    }
    /// A program connects and hangs up, and this end has seen it.
    bool says_of_who_hung_up() {
        const int socket = ::socket(family_, SOCK_STREAM, 0);
        EXPECT_EQ(::connect(socket, address(), size_), 0);
        const int accepted = ::accept(socket_, nullptr, nullptr);
        EXPECT_TRUE(peer_is_this_user(accepted));
        ::close(socket);
        char byte = 0;
        EXPECT_EQ(::read(accepted, &byte, 1), 0);
        const bool answer = peer_is_this_user(accepted);
        ::close(accepted);
        return answer;
    }

 private:
    [[noreturn]] void connect_and_wait(uid_t user) {
        if (user != 0 && ::setuid(user) != 0) ::_exit(1);
        const int socket = ::socket(family_, SOCK_STREAM, 0);
        if (::connect(socket, address(), size_) != 0) ::_exit(2);
        char byte = 0;
        ::_exit(::read(socket, &byte, 1) == 0 ? 0 : 3);
    }
    void set_loopback(int family, in_port_t port) {
        if (family == AF_INET) {
            sockaddr_in ipv4{};
            ipv4.sin_family = AF_INET;
            ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            ipv4.sin_port = port;
            std::memcpy(&name_, &ipv4, sizeof ipv4);
            size_ = sizeof ipv4;
        } else {
            sockaddr_in6 ipv6{};
            ipv6.sin6_family = AF_INET6;
            ipv6.sin6_addr = in6addr_loopback;
            ipv6.sin6_port = port;
            std::memcpy(&name_, &ipv6, sizeof ipv6);
            size_ = sizeof ipv6;
        }
    }
    sockaddr* address() { return reinterpret_cast<sockaddr*>(&name_); }

    int socket_;
    int family_;
    sockaddr_storage name_{};
    socklen_t size_ = 0;
};

// Another program of the same user is told from one of another user, who may not read what this
// one may.
TEST(PeerOwnerTest, ProgramsOfAnotherUserAreNotThisUsers) {
    for (const int family : {AF_INET, AF_INET6}) {
        Listener listener{family};
        EXPECT_TRUE(listener.says_of_a_program(0)) << family;
        if (::geteuid() != 0) continue;  // Only root can be somebody else.
        constexpr uid_t somebody = 12345;
        EXPECT_FALSE(listener.says_of_a_program(somebody)) << family;
    }
}

// Whose program has hung up is not known any more: older kernels call such sockets root's.
TEST(PeerOwnerTest, WhoHasHungUpIsNobody) {
    for (const int family : {AF_INET, AF_INET6}) {
        EXPECT_FALSE(Listener{family}.says_of_who_hung_up()) << family;
    }
}

// What is no connection, or none of this PC's own, is nobody's.
TEST(PeerOwnerTest, WhatIsNoConnectionOfLoopbackIsNobodys) {
    EXPECT_FALSE(peer_is_this_user(-1));
    const int unconnected = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_FALSE(peer_is_this_user(unconnected));
    ::close(unconnected);
}

}  // namespace
}  // namespace netcompute::net
