#pragma once

#include <netcompute/protocol/messages.hpp>

namespace netcompute::worker {

/// Which way a message goes to the master; over ZeroMQ each is a socket of its own.
enum class Channel { Task, Result, Heartbeat };

/// What happens to messages that were taken and are not sent yet when a link closes.
enum class Closing { DropUnsent, SendFirst };

/// A worker's way to the master. Sends what the agent says; what comes back, the link's owner
/// gives to the agent. Called on the agent's thread only.
class Link {
 public:
    virtual ~Link() = default;
    /// One stream, as a WebSocket is: open() is answered by Agent::link_opened(), messages arrive
    /// in order or not at all, so an ack confirms what was sent before its heartbeat. Else sockets
    /// whose messages overtake each other, as ZeroMQ's, and that take messages at once.
    [[nodiscard]] virtual bool is_stream() const { return false; }
    /// Starts to connect, with nothing left of a former connection. Messages sent before the
    /// connection stands wait for it. A connection that fails is told to Agent::link_down().
    virtual void open() = 0;
    /// Ends the connection. No link_down() follows.
    virtual void close(Closing closing) = 0;
    /// Takes the message, or says no because it holds enough unsent ones already: then
    /// Agent::link_writable() is called when it can take more. Heartbeats are always taken.
    [[nodiscard]] virtual bool send(Channel channel, const protocol::WireMessage& message) = 0;
};

}  // namespace netcompute::worker
