#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/protocol/messages.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace netcompute::net {

/// One live connection of a peer, over any transport. Used on the engine's thread only.
class Session {
 public:
    Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    virtual ~Session() = default;

    /// Queues a message. A peer that does not read what it is sent is closed at a bound.
    virtual void send(protocol::WireMessage message) = 0;
    /// Ends the connection after what is queued; the listener hears on_close once, later.
    virtual void close() = 0;
    /// Admits the peer; other connections that name this key belong to it too. False if the limit
    /// of sessions is reached: then it must be refused.
    [[nodiscard]] virtual bool admit(std::string_view session_key) {
        static_cast<void>(session_key);
        return true;
    }
    /// Where the peer is, for the log: "192.168.1.7".
    [[nodiscard]] virtual const std::string& peer_address() const = 0;
    /// It came by the web port, which is open to everybody.
    [[nodiscard]] virtual bool is_web() const { return false; }
    /// It came through a proxy that is not trusted to say for whom it asks: the address is the
    /// proxy's, and all that come through it may be one PC.
    [[nodiscard]] virtual bool is_forwarded() const { return false; }
    /// The other end is a program of this PC, and of the user who runs the master, or root's: they
    /// may read the master's files anyway.
    [[nodiscard]] virtual bool is_this_user() { return false; }
};

using SessionPtr = std::shared_ptr<Session>;

/// What a transport tells. `header` is not parsed and not trusted.
class SessionListener {
 public:
    SessionListener() = default;
    SessionListener(const SessionListener&) = delete;
    SessionListener& operator=(const SessionListener&) = delete;
    virtual ~SessionListener() = default;

    /// A connection stands whose peer is expected to say hello.
    virtual void on_open(const SessionPtr& session) { static_cast<void>(session); }
    /// `from` is null where the socket does not say who sent it (ZeroMQ's PULL and SUB).
    virtual void on_frame(const SessionPtr& from, std::string_view header,
                          std::shared_ptr<const Bytes> payload) = 0;
    /// The peer sent something that is not a frame; the transport closes the session.
    virtual void on_malformed(const SessionPtr& from, const Error& error) = 0;
    virtual void on_close(const SessionPtr& session) = 0;
};

}  // namespace netcompute::net
