#pragma once

#include <netcompute/config.hpp>

#include <sys/types.h>

#include <cstdint>

namespace netcompute::bench {

/// What idle peers have seen so far, kept where the process that started them can read it.
struct IdleCounts {
    std::uint32_t joined = 0;        ///< Welcomes.
    std::uint64_t acks = 0;          ///< Answers to heartbeats.
    std::uint32_t disturbances = 0;  ///< Lost connections, goodbyes, whatever else came.
};

/// A process that simulates `count` idle workers: each joins, sends a heartbeat every
/// heartbeat_seconds and reads the answers. Their heartbeats are spread over time, as those of
/// workers that joined at different times are.
class IdlePeers {
 public:
    enum class Kind {
        Native,     ///< DEALER, PUSH and PUB sockets over ZeroMQ.
        Browser,    ///< One WebSocket.
        Dashboard,  ///< Viewers of the live feed: updates are counted, nothing is sent.
    };

    /// Forks, so call it while this process has no other threads. Throws std::runtime_error if
    /// that fails.
    IdlePeers(Kind kind, std::uint32_t count, const Config& endpoints);
    IdlePeers(const IdlePeers&) = delete;
    IdlePeers& operator=(const IdlePeers&) = delete;
    /// Ends the process, without goodbyes.
    ~IdlePeers();

    /// Throws std::runtime_error if the process has ended.
    [[nodiscard]] IdleCounts counts() const;

 private:
    IdleCounts* shared_ = nullptr;
    pid_t process_ = -1;
};

/// What such a process does; it ends only by an exception, or by a signal.
void play_native_workers(std::uint32_t count, const Config& endpoints, IdleCounts& counts);
void play_browser_workers(std::uint32_t count, const Config& endpoints, IdleCounts& counts);
/// Viewers: `joined` counts snapshots, `acks` patches.
void play_dashboards(std::uint32_t count, const Config& endpoints, IdleCounts& counts);

}  // namespace netcompute::bench
