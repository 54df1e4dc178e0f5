// A link that is late and lossy, also where the kernel has no netem: two TUN devices, one in this
// network namespace and one in that of another process, and between them this program, which keeps
// each packet for a while and loses some. Whoever starts it gives the devices their addresses. It
// says "ready", relays until its standard input ends, and then says how many it passed and lost.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <exception>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* usage =
    "usage: netcompute_bad_link DEVICE PID DEVICE_THERE DELAY_MS LOSS SEED\n"
    "  each packet is late by DELAY_MS, and lost with probability LOSS, either way\n";
constexpr std::size_t packet_bytes_max = 65536;
constexpr std::size_t packets_under_way_max = 1000;  ///< As netem has it; more are lost as well.

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

int open_tun(const std::string& name) {
    const int tun = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun < 0) fail("/dev/net/tun");
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    if (::ioctl(tun, TUNSETIFF, &request) != 0) fail("TUN device " + name);
    return tun;
}

void enter_network_of(const std::string& pid) {
    const std::string path = "/proc/" + pid + "/ns/net";
    const int there = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (there < 0 || ::setns(there, CLONE_NEWNET) != 0) fail(path);
    ::close(there);
}

/// What goes one way.
class Lane {
 public:
    Lane(int from, int to, Clock::duration delay) : from_{from}, to_{to}, delay_{delay} {}

    void take(std::mt19937_64& random, double loss) {
        std::bernoulli_distribution is_lost{loss};
        std::array<std::uint8_t, packet_bytes_max> packet{};
        for (ssize_t size; (size = ::read(from_, packet.data(), packet.size())) > 0;) {
            if (is_lost(random) || under_way_.size() == packets_under_way_max) {
                ++lost;
                continue;
            }
            under_way_.push_back({Clock::now() + delay_, {packet.data(), packet.data() + size}});
        }
    }
    void deliver() {
        while (!under_way_.empty() && under_way_.front().due <= Clock::now()) {
            const std::vector<std::uint8_t>& packet = under_way_.front().bytes;
            // A device that is not up takes nothing: lost as well.
            const bool is_there = ::write(to_, packet.data(), packet.size()) >= 0;
            ++(is_there ? passed : lost);
            under_way_.pop_front();
        }
    }
    /// Until the next packet is due; -1 if there is none.
    [[nodiscard]] int milliseconds_left() const {
        if (under_way_.empty()) return -1;
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(under_way_.front().due - Clock::now());
        return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    }

    std::uint64_t passed = 0;
    std::uint64_t lost = 0;

 private:
    struct Packet {
        Clock::time_point due;
        std::vector<std::uint8_t> bytes;
    };
    int from_;
    int to_;
    Clock::duration delay_;
    std::deque<Packet> under_way_;
};

void relay(int here, int there, Clock::duration delay, double loss, std::uint64_t seed) {
    std::mt19937_64 random{seed};
    Lane out{here, there, delay};
    Lane back{there, here, delay};
    std::array<pollfd, 3> sources{
        {{here, POLLIN, 0}, {there, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
    while (sources[2].revents == 0) {
        const int first = out.milliseconds_left();
        const int second = back.milliseconds_left();
        const int timeout =
            first < 0 || second < 0 ? std::max(first, second) : std::min(first, second);
        if (::poll(sources.data(), sources.size(), timeout) < 0 && errno != EINTR) fail("poll");
        if (sources[0].revents != 0) out.take(random, loss);
        if (sources[1].revents != 0) back.take(random, loss);
        out.deliver();
        back.deliver();
    }
    std::printf("passed %llu packets, lost %llu\n",
                static_cast<unsigned long long>(out.passed + back.passed),
                static_cast<unsigned long long>(out.lost + back.lost));
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const std::vector<std::string> args(argv + 1, argv + argc);
        if (args.size() != 6) {
            std::fputs(usage, stderr);
            return 2;
        }
        const int here = open_tun(args[0]);
        enter_network_of(args[1]);
        const int there = open_tun(args[2]);
        std::puts("ready");
        std::fflush(stdout);
        relay(here, there, std::chrono::milliseconds{std::stoi(args[3])}, std::stod(args[4]),
              std::stoull(args[5]));
        return 0;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "netcompute_bad_link: %s\n", problem.what());
        return 1;
    }
}
