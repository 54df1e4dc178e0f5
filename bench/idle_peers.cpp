#include "idle_peers.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>

namespace netcompute::bench {
namespace {

/// A thousand workers are thousands of sockets; what the system allows is used.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void play(IdlePeers::Kind kind, std::uint32_t count, const Config& endpoints, IdleCounts& counts) {
    raise_descriptor_limit();
    switch (kind) {
        case IdlePeers::Kind::Native:
            return play_native_workers(count, endpoints, counts);
        case IdlePeers::Kind::Browser:
            return play_browser_workers(count, endpoints, counts);
        case IdlePeers::Kind::Dashboard:
            return play_dashboards(count, endpoints, counts);
    }
}

}  // namespace

IdlePeers::IdlePeers(Kind kind, std::uint32_t count, const Config& endpoints) {
    void* const page = mmap(nullptr, sizeof(IdleCounts), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) throw std::runtime_error("cannot share memory with a process");
    shared_ = new (page) IdleCounts;
    std::fflush(stdout);
    process_ = fork();
    if (process_ < 0) throw std::runtime_error("cannot fork");
    if (process_ != 0) return;
    try {
        play(kind, count, endpoints, *shared_);
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "idle peers: %s\n", problem.what());
    }
    _exit(1);
}

IdlePeers::~IdlePeers() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    munmap(shared_, sizeof(IdleCounts));
}

IdleCounts IdlePeers::counts() const {
    siginfo_t state{};
    const int looked =
        waitid(P_PID, static_cast<id_t>(process_), &state, WEXITED | WNOHANG | WNOWAIT);
    if (looked != 0 || state.si_pid != 0) {
        throw std::runtime_error("a process of idle peers has ended");
    }
    IdleCounts counts;
    counts.joined = std::atomic_ref{shared_->joined}.load();
    counts.acks = std::atomic_ref{shared_->acks}.load();
    counts.disturbances = std::atomic_ref{shared_->disturbances}.load();
    return counts;
}

}  // namespace netcompute::bench
