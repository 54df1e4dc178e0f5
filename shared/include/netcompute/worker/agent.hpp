#pragma once

#include <netcompute/instant.hpp>
#include <netcompute/protocol/messages.hpp>
#include <netcompute/worker/link.hpp>
#include <netcompute/worker/outbox.hpp>
#include <netcompute/worker/task_runner.hpp>

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
    protocol::WorkerKind kind = protocol::WorkerKind::Native;
    bool is_ready = true;  ///< To compute; else it says hello after Agent::runner_ready().
};

enum class Severity { Debug, Info, Warning, Error };

/// What a heartbeat says of the PC.
struct SystemLoad {
    double cpu = -1;                 ///< Share of all cores that is busy, 0..1; -1: unknown.
    std::uint64_t memory_bytes = 0;  ///< Resident size of this process; 0: unknown.
};

/// How an agent's work ended.
struct Ending {
    int exit_status = 0;
    std::string message;
    std::string code{};  ///< Of the goodbye that refused it; empty if it left.
};

/// Speaks for a worker: joins the master, gives leases to the runner and outcomes to the master,
/// sends heartbeats, reconnects and leaves. A state machine: what happens comes in as calls with
/// the time, what it does goes out through the link and the runner. Never blocks; one thread.
///
///   Disconnected --retry is due--> Connecting --link open, runner ready--> Greeting
///        ^                                                                    | welcome
///        '------- link down, silence, goodbye -------- Joined <---------------'
///                                                        | leave
///                                                        '-----> Leaving --> Finished
///
/// hand_back() and a goodbye without retry finish it at once; retry() starts it again.
///
/// A welcome with the session that was asked for resumes it: tasks and outcomes are kept. Another
/// session means that the master knows nothing of them, and its lease ids may name other tasks
/// by now, so they are dropped.
class Agent {
 public:
    enum class State { Disconnected, Connecting, Greeting, Joined, Leaving, Finished };

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
    /// A stream takes messages now.
    void link_opened(Instant now);
    /// The runner can compute; `version` is that of its software.
    void runner_ready(Instant now, std::string version);
    void receive(Instant now, std::string_view header, Bytes payload);
    /// One message of a stream: header size, header and payload.
    void receive_frame(Instant now, ByteSpan frame);
    /// The master sent what is no message.
    void receive_malformed(Instant now, const std::string& problem);
    void link_down(Instant now, std::string_view reason);
    void link_writable(Instant now);
    /// The runner has outcomes.
    void outcomes_ready(Instant now);
    /// Call at next_deadline() or later.
    void tick(Instant now);
    /// Stops taking tasks, lets the running ones end if they do soon, and says goodbye. The
    /// second call waits for nothing.
    void leave(Instant now);

    // What the owner of a tab's PC asks for.

    /// Takes no more work. What it holds has a few seconds to end; what is left is handed back.
    void set_paused(Instant now, bool paused);
    void set_slots(Instant now, std::uint32_t slots);
    /// Greets again, under the same session, with what travels in hello alone.
    void introduce(Instant now, std::string name, std::string token);
    /// Leaves at once, so that the master gives what is unfinished to others.
    void hand_back();
    /// Connects now: earlier than it would, or after it has finished.
    void retry(Instant now);

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] bool is_paused() const { return is_paused_; }
    /// Paused, and what it holds may still end.
    [[nodiscard]] bool is_draining() const { return drain_by_ != instant_never; }
    /// Why it is not joined, for people.
    [[nodiscard]] const std::string& reason() const { return reason_; }
    /// When it connects again, while it is disconnected.
    [[nodiscard]] Instant retry_at() const { return retry_at_; }
    /// The id that welcome gave it last; its own before that.
    [[nodiscard]] const std::string& worker() const { return worker_; }
    [[nodiscard]] const std::string& master_version() const { return master_version_; }
    [[nodiscard]] std::size_t lease_count() const { return held_.size(); }
    [[nodiscard]] Instant next_deadline() const;
    /// Set once the state is Finished.
    [[nodiscard]] const std::optional<Ending>& ending() const { return ending_; }

 private:
    void connect(Instant now);
    void greet_if_possible(Instant now);
    void retry_later(Instant now, const std::string& why);
    void retry_later(Instant now, const std::string& why, std::string reason);
    void finish(int exit_status, std::string message, Closing closing);

    void handle(Instant now, const protocol::Welcome& welcome);
    void handle(Instant now, const protocol::Goodbye& goodbye);
    void handle_ack();
    [[nodiscard]] std::string why_silent() const;
    [[nodiscard]] bool is_out_of_turn(const protocol::MasterMessage& message) const;
    [[nodiscard]] bool is_connected() const;
    void accept(protocol::Lease lease, Bytes payload);
    void handle(const protocol::Revoke& revoke);

    void beat(Instant now, Channel channel);
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
    Instant drain_by_ = instant_never;      ///< Paused: what is held then is handed back.
    int failures_ = 0;                      ///< Attempts since the master last heard us.
    std::string why_retried_;               ///< What people were told last.

    std::map<LeaseId, std::size_t> held_;  ///< Tasks without an outcome sent, by lease.
    std::deque<OutcomeChunk> unsent_;
    bool link_is_full_ = false;
    bool link_is_open_ = false;
    bool is_paused_ = false;
    Outbox outbox_;  ///< Of a stream.
    std::string reason_;
    std::string worker_;
    std::string master_version_;
};

}  // namespace netcompute::worker
