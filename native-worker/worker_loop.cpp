#include "worker_loop.hpp"

#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <memory>
#include <random>
#include <thread>
#include <utility>

namespace netcompute::worker {
namespace {

/// Messages taken in one go, so that outcomes have their turn as well.
constexpr int messages_in_a_row_max = 64;
constexpr Duration quick_outcomes_max = std::chrono::microseconds{30};
/// Without an answer; before the agent gives the attempt up.
constexpr Duration patience_before_probe = std::chrono::seconds{2};
constexpr std::size_t typed_line_bytes_max = 80;

Instant clock_now() {
    return Instant{
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

void log(Severity severity, const std::string& text) {
    switch (severity) {
        case Severity::Debug:
            spdlog::debug(text);
            break;
        case Severity::Info:
            spdlog::info(text);
            break;
        case Severity::Warning:
            spdlog::warn(text);
            break;
        case Severity::Error:
            spdlog::error(text);
            break;
    }
}

/// Numbers 0..1, different in each process.
std::function<double()> jitter() {
    auto engine = std::make_shared<std::mt19937>(std::random_device{}());
    return [engine] { return std::uniform_real_distribution<double>{0, 1}(*engine); };
}

}  // namespace

WorkerLoop::WorkerLoop(const ZmqAddress& master, AgentOptions options, TaskRunner& runner,
                       LoopInputs inputs)
    : inputs_{inputs},
      link_{context_, master},
      agent_{std::move(options),
             {.runner = runner,
              .link = link_,
              .sample_load = [this] { return load_.sample(); },
              .random = jitter(),
              .say = log}},
      master_{master} {}

Ending WorkerLoop::run() {
    agent_.start(clock_now());
    while (!agent_.ending()) {
        wait(clock_now());
        const Instant now = clock_now();
        if (link_.take_writable()) agent_.link_writable(now);
        if (link_has_news()) {
            hear_master(now);
            await_quick_outcomes();
        }
        if (is_ready(probe_.descriptor())) hear_probe(now);
        if (inputs_.outcomes.is_notified() || is_ready(inputs_.outcomes.descriptor())) {
            inputs_.outcomes.clear();
            agent_.outcomes_ready(clock_now());
        }
        if (is_ready(inputs_.signals)) hear_signals(now);
        if (is_ready(inputs_.keyboard)) hear_keyboard(now);
        agent_.tick(now);
        probe_in_time(now);
    }
    return *agent_.ending();
}

void WorkerLoop::wait(Instant now) {
    items_.clear();
    for (const int descriptor :
         {inputs_.outcomes.descriptor(), inputs_.signals, inputs_.keyboard, probe_.descriptor()}) {
        if (descriptor >= 0) items_.push_back({nullptr, descriptor, ZMQ_POLLIN, 0});
    }
    link_.append_poll_items(items_);
    const Instant deadline = std::min(agent_.next_deadline(), probe_at_);
    auto timeout = std::chrono::milliseconds{-1};
    if (deadline != instant_never) {
        timeout =
            std::chrono::ceil<std::chrono::milliseconds>(std::max(deadline - now, Duration{}));
    }
    try {
        zmq::poll(items_.data(), items_.size(), timeout);
    } catch (const zmq::error_t& error) {
        if (error.num() != EINTR) throw;  // A debugger or a job control signal; look around.
    }
}

bool WorkerLoop::link_has_news() const {
    return link_.has_failed() || std::ranges::any_of(items_, [](const zmq::pollitem_t& item) {
               return item.socket != nullptr && item.revents != 0;
           });
}

/// Falling asleep and being woken takes longer than a lone quick task does.
void WorkerLoop::await_quick_outcomes() const {
    const Instant until = clock_now() + quick_outcomes_max;
    while (!inputs_.outcomes.is_notified() && clock_now() < until) std::this_thread::yield();
}

bool WorkerLoop::is_ready(int descriptor) const {
    return descriptor >= 0 && std::ranges::any_of(items_, [&](const zmq::pollitem_t& item) {
               return item.socket == nullptr && item.fd == descriptor && item.revents != 0;
           });
}

void WorkerLoop::hear_master(Instant now) {
    take_messages(now, messages_in_a_row_max);
    const auto failure = link_.take_failure();
    if (!failure) return;
    // A goodbye and the closing of the connection come together: all that was said comes first.
    take_messages(now, std::numeric_limits<int>::max());
    if (agent_.state() != Agent::State::Greeting) return agent_.link_down(now, *failure);
    failure_ = failure;
    probe_at_ = now;
}

/// ZeroMQ retries for ever and does not report why it fails.
void WorkerLoop::probe_in_time(Instant now) {
    if (agent_.state() != Agent::State::Greeting) {
        is_probed_ = false;
        probe_at_ = instant_never;
        failure_.reset();
    } else if (!is_probed_ && probe_at_ == instant_never) {
        probe_at_ = now + patience_before_probe;
    } else if (now >= probe_at_) {
        is_probed_ = true;
        probe_at_ = instant_never;
        probe_.start(master_.host, master_.task_port);
    }
}

void WorkerLoop::hear_probe(Instant now) {
    std::string reason = probe_.take().value_or("");
    if (reason.empty() && failure_) reason = *failure_;
    if (agent_.state() == Agent::State::Greeting && !reason.empty()) agent_.link_down(now, reason);
}

void WorkerLoop::take_messages(Instant now, int count_max) {
    for (int i = 0; i < count_max; ++i) {
        auto received = link_.receive();
        if (!received) break;
        agent_.receive(now, received->header, std::move(received->payload));
    }
}

void WorkerLoop::hear_signals(Instant now) {
    signalfd_siginfo signal{};
    if (read(inputs_.signals, &signal, sizeof signal) != sizeof signal) return;
    spdlog::info("signal {}: leaving; the tasks that run have two seconds", signal.ssi_signo);
    agent_.leave(now);
}

void WorkerLoop::hear_keyboard(Instant now) {
    std::array<char, 64> buffer{};
    const ssize_t count = read(inputs_.keyboard, buffer.data(), buffer.size());
    if (count <= 0) {
        inputs_.keyboard = -1;  // Closed, or not ours while in the background.
        return;
    }
    for (const char c : std::string_view{buffer.data(), static_cast<std::size_t>(count)}) {
        if (c != '\n') {
            if (typed_.size() < typed_line_bytes_max) typed_ += c;
            continue;
        }
        if (std::exchange(typed_, {}) == "q") {
            spdlog::info("leaving; the tasks that run have two seconds");
            agent_.leave(now);
        }
    }
}

}  // namespace netcompute::worker
