#include "engine/worker_gateway.hpp"

#include <netcompute/printable.hpp>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <spdlog/spdlog.h>

#include <array>
#include <stdexcept>

namespace netcompute::engine {
namespace {

/// More than any worker holds, those that are over and that it has not been told of included.
constexpr std::size_t heartbeat_leases_max = 256;

std::string shown_address(const net::SessionPtr& session) {
    return session == nullptr ? "an unknown address" : session->peer_address();
}

}  // namespace

std::string random_session_key() {
    std::array<unsigned char, 16> random{};
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
        throw std::runtime_error("the system gives no random bytes");
    }
    std::string key;
    for (const unsigned char byte : random) {
        key += "0123456789abcdef"[byte >> 4];
        key += "0123456789abcdef"[byte & 15];
    }
    return key;
}

/// Compares in constant time, so that a token cannot be guessed byte by byte.
static bool tokens_equal(const std::string& given, const std::string& expected) {
    return given.size() == expected.size() &&
           CRYPTO_memcmp(given.data(), expected.data(), expected.size()) == 0;
}

WorkerGateway::WorkerGateway(GatewayOptions options, WorkerEvents& events)
    : options_{std::move(options)}, events_{events} {}

void WorkerGateway::on_open(const net::SessionPtr& session) {
    greeting_[session.get()] = {session, std::nullopt};
}

void WorkerGateway::on_frame(const net::SessionPtr& from, std::string_view header_text,
                             std::shared_ptr<const Bytes> payload) {
    const Result<nlohmann::json> header = protocol::decode_header(header_text);
    if (!header) return on_malformed(from, header.error());
    if (header->at("type") == "hello") return greet(from, *header, *payload);

    const std::string session_key = protocol::session_of(*header);
    const WorkerSession* const peer = sessions_.find_connected(session_key);
    if (peer == nullptr) {
        // Where the socket does not say who sent it, the sender finds out by the missing acks.
        if (from == nullptr) return;
        if (sessions_.connected(from) != nullptr) {
            return on_malformed(from, {ErrorCode::ProtocolViolation,
                                       "session: this is not the key that welcome gave"});
        }
        return refuse(from, "unknown_session", "say hello first");
    }
    if (from != nullptr && from != peer->connection) {
        return on_malformed(from, {ErrorCode::ProtocolViolation,
                                   "session: this key belongs to another connection"});
    }
    const Result<bool> admitted = admit(*peer, *header);
    if (!admitted) return violate(session_key, admitted.error());
    if (!*admitted) return;
    const auto message = protocol::decode_worker_message(*header, *payload);
    if (!message) return violate(session_key, message.error());
    if (const auto* heartbeat = std::get_if<protocol::Heartbeat>(&*message)) {
        if (heartbeat->leases.size() > heartbeat_leases_max) {
            return violate(session_key, {ErrorCode::ProtocolViolation,
                                         "leases: a heartbeat names at most " +
                                             std::to_string(heartbeat_leases_max)});
        }
        const WorkerId worker = peer->worker;
        peer->connection->send(protocol::encode(protocol::MasterMessage{protocol::Ack{}}));
        events_.on_heartbeat(worker, *heartbeat);
    } else if (const auto* results = std::get_if<protocol::Results>(&*message)) {
        events_.on_results(peer->worker, *results, std::move(payload));
    } else if (std::holds_alternative<protocol::Leave>(*message)) {
        const WorkerId worker = peer->worker;
        end_session(session_key);
        events_.on_left(worker);
    }
}

/// A frame of results may hold millions of them: it is decoded only if they are needed.
Result<bool> WorkerGateway::admit(const WorkerSession& peer, const nlohmann::json& header) {
    if (header.at("type") != "results") return true;
    const auto lease = header.find("lease");
    const auto count = header.find("count");
    const bool is_well_formed = lease != header.end() && lease->is_number_unsigned() &&
                                count != header.end() && count->is_number_unsigned();
    if (!is_well_formed) return true;  // What is wrong with it, decoding tells.
    return events_.admit_results(peer.worker, LeaseId{lease->get<std::uint64_t>()},
                                 count->get<std::uint64_t>());
}

void WorkerGateway::greet(const net::SessionPtr& from, const nlohmann::json& header,
                          ByteSpan payload) {
    if (from == nullptr) return;
    if (const WorkerSession* const joined = sessions_.connected(from)) {
        return violate(std::string{joined->key},
                       {ErrorCode::ProtocolViolation, "hello: this connection has said it before"});
    }
    // Another version may have other fields, so its number comes before everything else.
    const auto version = header.find("protocol");
    if (version != header.end() && version->is_number_integer() &&
        *version != protocol::protocol_version) {
        return refuse(from, "refused_protocol",
                      "this master speaks protocol " + std::to_string(protocol::protocol_version) +
                          ", the worker protocol " + version->dump() +
                          "; install the same version on both");
    }
    const bool waits_already =
        std::ranges::any_of(held_hellos_, [&](const HeldHello& one) { return one.from == from; });
    if (waits_already) return;
    if (held_) {
        held_hellos_.push_back({from, header, {payload.begin(), payload.end()}});
        return;
    }
    const auto message = protocol::decode_worker_message(header, payload);
    if (!message) return refuse(from, "protocol_violation", message.error().message);
    auto hello = std::get<protocol::Hello>(*message);
    if (!options_.join_token.empty() && !tokens_equal(hello.token, options_.join_token)) {
        return refuse(from, "refused_token",
                      hello.token.empty()
                          ? "this master asks for a token (security.join_token in its config.json)"
                          : "the token is not this master's (security.join_token in its "
                            "config.json)");
    }
    const WorkerSession* const resumed = this->resumed(hello);
    hello.worker = ids_.wanted_by(hello, from->peer_address(), from->is_web());
    const std::string asking = owner_of(hello, from->peer_address(), from->is_web());
    const std::string worker_key = resumed != nullptr
                                       ? resumed->worker_key
                                       : ids_.key_for(hello.worker, asking, [&](WorkerId id) {
                                             return sessions_.connected(id) != nullptr;
                                         });
    if (refuse_unwelcome(from, hello, asking, worker_key)) return;
    const std::string session_key = resumed != nullptr ? hello.resume : options_.new_session_key();
    if (!from->admit(session_key)) {
        return refuse(from, "too_many_connections",
                      "this master, or this PC, has as many connections as may be "
                      "(limits.connections and limits.connections_per_address in the master's "
                      "config.json)");
    }
    greeting_.erase(from.get());
    if (resumed == nullptr) hello.resume.clear();
    const WorkerId worker = ids_.give(worker_key, hello.worker, asking);
    disconnect(session_key, "it came back on another connection");
    sessions_.put({session_key, worker, worker_key, from});
    from->send(protocol::encode(protocol::MasterMessage{
        protocol::Welcome{session_key, worker_key, options_.heartbeat_seconds,
                          options_.silence_seconds, NETCOMPUTE_VERSION}}));
    events_.on_joined({worker, worker_key, session_key, hello, from->peer_address(),
                       ids_.owner(worker_key), from->is_web(), from->is_forwarded(),
                       is_believed(*from, hello)});
}

/// A native worker that gave the token was installed by somebody who has it. Without a token, it is
/// believed only where its user could do anything to the master by other ways as well, and where
/// its id is provably its own: what one did that could be anybody is held against nobody.
bool WorkerGateway::is_believed(net::Session& session, const protocol::Hello& hello) const {
    if (session.is_web()) return false;
    return !options_.join_token.empty() || (session.is_this_user() && !hello.secret.empty());
}

/// Who is well-formed and has the token, and is not let in all the same. A ban is of who comes, and
/// of the key under which it would go, not of the one that it asks for.
bool WorkerGateway::refuse_unwelcome(const net::SessionPtr& from, const protocol::Hello& hello,
                                     const std::string& owner, const std::string& key) {
    if (const std::string* const reason = ids_.ban_of(owner, key)) {
        refuse(from, "quarantined", *reason);
        return true;
    }
    const std::size_t count = sessions_.connected_at(from->peer_address());
    if (count < options_.sessions_per_address_max) return false;
    // A worker that reconnects while its old connection seems alive replaces that connection.
    const WorkerSession* const resumed = this->resumed(hello);
    if (resumed != nullptr && resumed->connection != nullptr) return false;
    refuse(from, "too_many_sessions",
           "there are " + std::to_string(count) + " workers at " + from->peer_address() +
               " already, and a PC may have " + std::to_string(options_.sessions_per_address_max) +
               " (limits.sessions_per_address in the master's config.json)");
    return true;
}

/// Who spoke under the session that this hello wants to resume: what it held then is still known
/// by the same ids. Null if there is no such session, or it was another worker's.
const WorkerSession* WorkerGateway::resumed(const protocol::Hello& hello) const {
    const WorkerSession* const session = sessions_.find(hello.resume);
    const bool is_its_own = session != nullptr && session->worker_key.starts_with(hello.worker);
    return is_its_own ? session : nullptr;
}

void WorkerGateway::refuse(const net::SessionPtr& from, const std::string& code,
                           const std::string& message) {
    const bool retry =
        code == "unknown_session" || code == "protocol_violation" || code.starts_with("too_many_");
    ++refused_count_;
    log_within_budget("worker refused", shown_address(from), spdlog::level::info,
                      "refused a worker at {}: {}: {}", shown_address(from), code,
                      printable(message));
    if (options_.audit != nullptr) {
        options_.audit->write({.action = "worker refused",
                               .who = audit_by::nobody,
                               .address = shown_address(from),
                               .outcome = code,
                               .detail = message,
                               .is_budgeted = true});
    }
    greeting_.erase(from.get());
    from->send(protocol::encode(protocol::MasterMessage{protocol::Goodbye{code, message, retry}}));
    from->close();
}

void WorkerGateway::on_malformed(const net::SessionPtr& from, const Error& error) {
    if (from == nullptr) {
        log_within_budget("malformed frame", "an unknown sender", spdlog::level::warn,
                          "dropped a malformed frame from an unknown sender: {}",
                          printable(error.message));
        return;
    }
    const WorkerSession* const joined = sessions_.connected(from);
    if (joined != nullptr) return violate(std::string{joined->key}, error);
    refuse(from, "protocol_violation", error.message);
}

void WorkerGateway::violate(const std::string& session_key, const Error& error) {
    close(sessions_.find_connected(session_key)->worker, "protocol_violation", error.message);
}

void WorkerGateway::disconnect(const std::string& session_key, const std::string& reason) {
    const WorkerSession* const session = sessions_.find_connected(session_key);
    if (session == nullptr) return;
    const WorkerId worker = session->worker;
    end_session(session_key);
    events_.on_disconnected(worker, reason);
}

void WorkerGateway::end_session(const std::string& session_key) {
    sessions_.disconnect(session_key).connection->close();
}

void WorkerGateway::on_close(const net::SessionPtr& session) {
    greeting_.erase(session.get());
    std::erase_if(held_hellos_, [&](const HeldHello& one) { return one.from == session; });
    const WorkerSession* const joined = sessions_.connected(session);
    if (joined != nullptr) disconnect(std::string{joined->key}, "connection closed");
}

void WorkerGateway::send(WorkerId worker, const protocol::MasterMessage& message) {
    send_encoded(worker, protocol::encode(message));
}

void WorkerGateway::send_encoded(WorkerId worker, protocol::WireMessage message) {
    const WorkerSession* const session = sessions_.connected(worker);
    if (session != nullptr) session->connection->send(std::move(message));
}

void WorkerGateway::close(WorkerId worker, const std::string& code, const std::string& message,
                          bool retry) {
    const WorkerSession* const session = sessions_.connected(worker);
    if (session == nullptr) return;
    session->connection->send(
        protocol::encode(protocol::MasterMessage{protocol::Goodbye{code, message, retry}}));
    end_session(std::string{session->key});
    events_.on_expelled(worker, message);
}

void WorkerGateway::close_all(const std::string& message) {
    for (const WorkerSession& session : sessions_.disconnect_all()) {
        session.connection->send(protocol::encode(
            protocol::MasterMessage{protocol::Goodbye{"master_stopping", message, true}}));
        session.connection->close();
    }
}

void WorkerGateway::restore(WorkerId worker, const std::string& key, const std::string& session,
                            const std::string& owner) {
    ids_.restore(worker, key, owner);
    if (!session.empty()) sessions_.put({session, worker, key, nullptr});
}

void WorkerGateway::hold(bool held) {
    held_ = held;
    if (held) return;
    for (const HeldHello& hello : std::exchange(held_hellos_, {})) {
        greet(hello.from, hello.header, hello.payload);
    }
}

bool WorkerGateway::forget(WorkerId worker, bool keep_key) {
    if (sessions_.connected(worker) != nullptr) return false;
    sessions_.forget(worker);
    if (!keep_key) ids_.forget(worker);
    return true;
}

void WorkerGateway::expect_hello(const net::SessionPtr& session, Instant now) {
    greeting_[session.get()] = {session, now + options_.greeting_timeout};
}

void WorkerGateway::expire_greetings(Instant now) {
    for (auto entry = greeting_.begin(); entry != greeting_.end();) {
        Greeting& greeting = entry->second;
        ++entry;  // refuse() takes the entry away.
        if (!greeting.deadline) greeting.deadline = now + options_.greeting_timeout;
        if (*greeting.deadline > now || held_) continue;  // Held hellos: theirs may be among them.
        refuse(net::SessionPtr{greeting.session}, "no_hello", "nothing was said for too long");
    }
}

}  // namespace netcompute::engine
