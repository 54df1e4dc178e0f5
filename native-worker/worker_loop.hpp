#pragma once

#include "connection_probe.hpp"
#include "system_load.hpp"
#include "wakeup.hpp"
#include "zmq_link.hpp"
#include <netcompute/worker/agent.hpp>

#include <zmq.hpp>

#include <optional>
#include <string>
#include <vector>

namespace netcompute::worker {

/// What the loop listens to besides the master.
struct LoopInputs {
    const Wakeup& outcomes;  ///< Notified when the runner has outcomes.
    int signals = -1;        ///< A signalfd: any signal means "leave".
    int keyboard = -1;       ///< 'q' and Enter means "leave"; its end means nothing.
};

/// The worker's I/O thread: waits for the master, the runner, the keyboard and signals, and tells
/// the agent. Computes nothing.
class WorkerLoop {
 public:
    WorkerLoop(const ZmqAddress& master, AgentOptions options, TaskRunner& runner,
               LoopInputs inputs);
    WorkerLoop(const WorkerLoop&) = delete;
    WorkerLoop& operator=(const WorkerLoop&) = delete;

    /// Until the worker has left or was sent away. What was to be sent then has been.
    Ending run();

 private:
    void wait(Instant now);
    [[nodiscard]] bool link_has_news() const;
    void await_quick_outcomes() const;
    void hear_master(Instant now);
    void hear_probe(Instant now);
    void probe_in_time(Instant now);
    void take_messages(Instant now, int count_max);
    void hear_keyboard(Instant now);
    void hear_signals(Instant now);
    [[nodiscard]] bool is_ready(int descriptor) const;

    zmq::context_t context_{1};
    LoopInputs inputs_;
    ZmqLink link_;
    SystemLoadProbe load_;
    Agent agent_;
    const ZmqAddress master_;
    ConnectionProbe probe_;
    bool is_probed_ = false;            ///< In this attempt to join.
    Instant probe_at_ = instant_never;  ///< If no answer has come by then.
    /// Why there is no connection, in ZeroMQ's words, while the probe looks for better ones.
    std::optional<std::string> failure_;
    std::vector<zmq::pollitem_t> items_;
    std::string typed_;
};

}  // namespace netcompute::worker
