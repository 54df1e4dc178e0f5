#pragma once

#include "link.hpp"
#include "system_load.hpp"
#include "task_runner.hpp"
#include <netcompute/instant.hpp>
#include <netcompute/protocol/messages.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::worker {

struct AgentOptions {
    std::string worker;   ///< This worker's own id, which lasts across runs.
    std::string token;    ///< security.join_token, or empty.
    std::string name;     ///< For people; cut to what the protocol allows.
    std::string version;  ///< Of this software.
    std::uint32_t slots = 1;
    std::string master;  ///< For messages: "192.168.1.7:5555".
    // What proves that the id is its own, and tells it from a copy: as protocol::Hello has them.
    std::string secret{};
    std::string machine{};
};

enum class Severity { Debug, Info, Warning, Error };

/// How an agent's work ended.
struct Ending {
    int exit_status = 0;
    std::string message;
};

/// Speaks for a worker: joins the master, gives leases to the runner and outcomes to the master,
/// beats, reconnects and leaves. A state machine: what happens comes in as calls with the time,
/// what it does goes out through the link and the runner. Never blocks; one thread.
///
///   Disconnected --retry is due--> Greeting --welcome--> Joined --leave--> Leaving --> Finished
///        ^----------- link down, silence, goodbye -----------'
///
/// A welcome with the session that was asked for resumes it: tasks and outcomes are kept. Another
/// session means that the master knows nothing of them, and its lease ids may name other tasks
/// by now, so they are dropped.
class Agent {
 public:
    enum class State { Disconnected, Greeting, Joined, Leaving, Finished };

    struct Surroundings {
        TaskRunner& runner;
        Link& link;
        std::function<SystemLoad()> sample_load;
        std::function<double()> random;  ///< 0..1, for the jitter of retries.
        std::function<void(Severity, const std::string&)> say;
    };

    Agent(AgentOptions options, Surroundings surroundings);

    void start(Instant now);
    /// For hellos from now on.
    void set_token(std::string token) { options_.token = std::move(token); }
    void receive(Instant now, std::string_view header, Bytes payload);
    void link_down(Instant now, std::string_view reason);
    void link_writable(Instant now);
    /// The runner has outcomes.
    void outcomes_ready(Instant now);
    /// Call at next_deadline() or later.
    void tick(Instant now);
    /// Stops taking tasks, lets the running ones end if they do soon, and says goodbye. The
    /// second call waits for nothing.
    void leave(Instant now);

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] Instant next_deadline() const;
    /// Set once the state is Finished.
    [[nodiscard]] const std::optional<Ending>& ending() const { return ending_; }

 private:
    void connect(Instant now);
    void retry_later(Instant now, const std::string& why);
    void finish(int exit_status, std::string message, Closing closing);

    void handle(Instant now, const protocol::Welcome& welcome);
    void handle(Instant now, const protocol::Goodbye& goodbye);
    void accept(protocol::Lease lease, Bytes payload);
    void handle(const protocol::Revoke& revoke);

    void send_heartbeat(Channel channel);
    void flush(Instant now);
    void collect_outcomes();
    void send_outcomes();
    [[nodiscard]] bool send_oldest_outcomes();
    void settle(const OutcomeChunk& chunk);
    void drop_everything_held();
    void leave_if_done(Instant now);

    AgentOptions options_;
    Surroundings around_;
    State state_ = State::Disconnected;
    std::optional<Ending> ending_;

    std::string session_;  ///< The last one; what a reconnect asks to resume.
    Duration heartbeat_period_{};
    Duration silence_max_{};
    Instant retry_at_ = instant_never;      ///< Disconnected.
    Instant silence_at_ = instant_never;    ///< Greeting, Joined, Leaving: the link is dead then.
    Instant heartbeat_at_ = instant_never;  ///< Joined, Leaving.
    Instant give_up_at_ = instant_never;    ///< Leaving: running tasks are handed back then.
    Instant say_leave_at_ = instant_never;  ///< Leaving: all has been sent.
    int failures_ = 0;                      ///< Attempts since the last welcome.
    std::string why_retried_;               ///< What people were told last.

    std::map<LeaseId, std::size_t> held_;  ///< Tasks without an outcome sent, by lease.
    std::deque<OutcomeChunk> unsent_;
    bool link_is_full_ = false;
};

}  // namespace netcompute::worker
