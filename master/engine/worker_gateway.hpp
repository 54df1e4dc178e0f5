#pragma once

#include "engine/session_table.hpp"
#include "engine/worker_ids.hpp"
#include "net/session.hpp"
#include <netcompute/audit_log.hpp>
#include <netcompute/ids.hpp>
#include <netcompute/instant.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace netcompute::engine {

/// A worker whose hello was accepted.
struct JoinedWorker {
    WorkerId id;
    const std::string& key;        ///< The worker's public id; a WorkerId never changes its key.
    const std::string& session;    ///< What it may resume by.
    const protocol::Hello& hello;  ///< `resume` is empty unless it does resume a session.
    const std::string& address;    ///< Of its PC.
    const std::string& owner;      ///< Of the key: what tells it from others that name its id.
    bool is_web = false;           ///< By the web port, whatever its hello says that it is.
    bool is_forwarded = false;     ///< By a proxy, whose PC that is; see net::Session.
    bool is_believed = false;      ///< Set up by an authorized person.
};

/// What workers' frames say, after every check.
class WorkerEvents {
 public:
    WorkerEvents() = default;
    WorkerEvents(const WorkerEvents&) = delete;
    WorkerEvents& operator=(const WorkerEvents&) = delete;
    virtual ~WorkerEvents() = default;

    virtual void on_joined(const JoinedWorker& worker) = 0;
    virtual void on_heartbeat(WorkerId worker, const protocol::Heartbeat& heartbeat) = 0;
    /// Whether results under this lease are looked at, before that costs anything. False if they
    /// come too late to matter. Errors: ProtocolViolation, if this worker never had the lease, or
    /// so many of its tasks; then its session ends.
    [[nodiscard]] virtual Result<bool> admit_results(WorkerId worker, LeaseId lease,
                                                     std::uint64_t outcome_count) = 0;
    /// The outcomes' bytes point into `payload`.
    virtual void on_results(WorkerId worker, const protocol::Results& results,
                            std::shared_ptr<const Bytes> payload) = 0;
    virtual void on_left(WorkerId worker) = 0;
    virtual void on_disconnected(WorkerId worker, const std::string& reason) = 0;
    /// The master ended its session: it broke the protocol, or fell silent. That was the worker's
    /// doing, so the tasks it held are not to blame.
    virtual void on_expelled(WorkerId worker, const std::string& reason) = 0;
};

/// 128 random bits, in hexadecimal: whoever names a session's key speaks for its worker, so it must
/// not be guessable. Throws std::runtime_error if the system gives none.
[[nodiscard]] std::string random_session_key();

struct GatewayOptions {
    std::string join_token;  ///< Empty: anyone may join.
    double heartbeat_seconds = 2;
    double silence_seconds = 10;
    Duration greeting_timeout = std::chrono::seconds{10};  ///< To say hello after connecting.
    std::size_t sessions_per_address_max = 512;            ///< So that one PC cannot take all.
    AuditLog* audit = nullptr;  ///< Hears who joined and who was refused; outlives the gateway.
    /// Called once a session. Another one only where runs must be alike.
    std::function<std::string()> new_session_key = random_session_key;
};

/// Admits workers, over any transport: handshake, sessions, and the checks by which a malformed
/// peer loses its own session and affects nothing else.
class WorkerGateway final : public net::SessionListener {
 public:
    WorkerGateway(GatewayOptions options, WorkerEvents& events);

    /// For hellos from now on; who has joined stays.
    void set_join_token(std::string token) { options_.join_token = std::move(token); }
    void set_sessions_per_address_max(std::size_t count) {
        options_.sessions_per_address_max = count;
    }
    /// The credentials by which somebody joins, or has joined, for the audit log.
    [[nodiscard]] std::string_view right_to_join() const {
        return options_.join_token.empty() ? audit_by::anyone : audit_by::token;
    }
    /// Since the start.
    [[nodiscard]] std::uint64_t refused_count() const { return refused_count_; }

    void on_open(const net::SessionPtr& session) override;
    void on_frame(const net::SessionPtr& from, std::string_view header,
                  std::shared_ptr<const Bytes> payload) override;
    void on_malformed(const net::SessionPtr& from, const Error& error) override;
    void on_close(const net::SessionPtr& session) override;

    /// Sends to a worker; to one that is not connected, nothing.
    void send(WorkerId worker, const protocol::MasterMessage& message);
    void send_encoded(WorkerId worker, protocol::WireMessage message);
    /// Ends a worker's session, telling it why; on_expelled follows. `retry`: it may come again.
    void close(WorkerId worker, const std::string& code, const std::string& message,
               bool retry = true);
    /// Tells every worker that the master stops; they come again by themselves.
    void close_all(const std::string& message);

    /// A worker of a former master: it may resume its session.
    /// `session` is empty if it has none, `owner` if it is not known.
    void restore(WorkerId worker, const std::string& key, const std::string& session,
                 const std::string& owner);
    /// Ids up to this one have been given to workers before.
    void skip_ids(WorkerId last) { ids_.skip(last); }
    /// While held, hellos wait: the master is still reading the jobs that it has to resume.
    void hold(bool held);
    /// Whoever owns this key is refused, with the reason; an empty one lets it in.
    void ban(const std::string& key, const std::string& reason) { ids_.ban(key, reason); }

    /// Forgets a worker that nobody expects back: its session cannot be resumed any more, and its
    /// key is free unless it is kept. False, and nothing is forgotten, while it is connected.
    [[nodiscard]] bool forget(WorkerId worker, bool keep_key);

    /// A session that a transport has accepted and that has not said hello yet.
    void expect_hello(const net::SessionPtr& session, Instant now);
    /// Closes those that did not say hello in time.
    void expire_greetings(Instant now);

 private:
    void greet(const net::SessionPtr& from, const nlohmann::json& header, ByteSpan payload);
    void refuse(const net::SessionPtr& from, const std::string& code, const std::string& message);
    [[nodiscard]] Result<bool> admit(const WorkerSession& peer, const nlohmann::json& header);
    void violate(const std::string& session_key, const Error& error);
    void disconnect(const std::string& session_key, const std::string& reason);
    void end_session(const std::string& session_key);
    [[nodiscard]] const WorkerSession* resumed(const protocol::Hello& hello) const;
    [[nodiscard]] bool is_believed(net::Session& session, const protocol::Hello& hello) const;
    [[nodiscard]] bool refuse_unwelcome(const net::SessionPtr& from, const protocol::Hello& hello,
                                        const std::string& owner, const std::string& key);

    struct HeldHello {
        net::SessionPtr from;
        nlohmann::json header;
        Bytes payload;
    };

    GatewayOptions options_;
    WorkerEvents& events_;
    WorkerIds ids_;
    SessionTable sessions_;
    struct Greeting {
        net::SessionPtr session;
        std::optional<Instant> deadline;  ///< Set when the clock is looked at next.
    };
    std::unordered_map<const net::Session*, Greeting> greeting_;
    std::uint64_t refused_count_ = 0;
    bool held_ = false;
    std::vector<HeldHello> held_hellos_;  ///< As many as there are sessions in greeting, at most.
};

}  // namespace netcompute::engine
