#pragma once

#include "net/connection_budget.hpp"
#include "net/peer_owner.hpp"
#include "net/session.hpp"
#include "net/zmtp/payload_budget.hpp"
#include "net/zmtp/reader.hpp"
#include "net/zmtp/send_queue.hpp"
#include "net/zmtp/times.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace netcompute::net::zmtp {

using Clock = std::chrono::steady_clock;
class Connection;

/// What the connections of one transport share. One thread.
struct Peers {
    Peers(SessionListener& the_listener, ConnectionBudget& the_budget, const ZmtpTimes& the_times);

    SessionListener* listener;  ///< Null once the transport is closed: nobody is told any more.
    ConnectionBudget& budget;
    ZmtpTimes times;
    PayloadBudget payloads;
    std::unordered_set<std::shared_ptr<Connection>> connections;
    std::unordered_map<std::string, Connection*> sessions;  ///< Those admitted, by session key.
    std::vector<std::byte> read_space;  ///< For one read, whose bytes are used at once.
};

/// One accepted connection on one of the three ports.
///
/// On the task port it is a session, from the end of its handshake on. What comes on the other two
/// has to name the key of a live session in its header; nothing else is looked at, and a payload
/// is not even taken. Such a connection then is that session's, as long as it lasts.
class Connection final : public Session, public std::enable_shared_from_this<Connection> {
 public:
    Connection(std::shared_ptr<Peers> peers, Port port, boost::asio::ip::tcp::socket socket,
               std::string address);

    void start(ConnectionBudget::Lease lease);

    void send(protocol::WireMessage message) override;
    void close() override;
    [[nodiscard]] const std::string& peer_address() const override { return address_; }
    [[nodiscard]] bool is_this_user() override {
        return peer_is_this_user(socket_.native_handle());
    }
    [[nodiscard]] bool admit(std::string_view session_key) override;

    /// Closes an unproven connection to make room for another one.
    void evict();
    /// Closes it if one of its timeouts has passed.
    void check_time(Clock::time_point now);
    /// Waits until what is queued is written or the time is over, and ends.
    void finish_writing(Clock::time_point until);

 private:
    enum class State {
        Open,
        Closing,  ///< The session is over: what is queued goes out, what comes in is dropped.
        Closed,
    };

    void read();
    void read_what_is_here();
    void hear_companions();
    void took(ByteSpan input);
    void take_input(ByteSpan input);
    void take_event(Reader::Event& event, bool& needs_more);
    void take_announced(const Reader::Announced& announced);
    [[nodiscard]] bool is_of_a_session(std::string_view header);
    void take_message(Reader::Message& message);
    void take_broken(const std::string& why);
    void reserve_payload(std::size_t bytes);
    void go_on_with_payload();
    void release_payload();
    void write_soon();
    [[nodiscard]] bool write();
    void lose_session();
    void drop(const std::string& why);
    void end();

    std::shared_ptr<Peers> peers_;
    Port port_;
    boost::asio::ip::tcp::socket socket_;
    std::string address_;
    ConnectionBudget::Lease lease_;
    Reader reader_;
    SendQueue queue_;
    State state_ = State::Open;
    bool is_told_of_ = false;  ///< The listener knows it as a session.
    bool is_reading_ = false;
    bool writes_soon_ = false;

    // On the task port: the session's key, and the connections that have named it.
    std::string session_key_;
    std::vector<std::weak_ptr<Connection>> companions_;
    // On the others: the session that was named last.
    std::weak_ptr<Connection> session_;
    bool has_shown_session_ = false;

    // A payload that is coming in, or waits for its turn with what was read beyond its head.
    std::size_t reserved_bytes_ = 0;
    bool waits_for_turn_ = false;
    Bytes unread_;

    Clock::time_point stranger_since_;  ///< Accepted, or without its session, since then.
    Clock::time_point closing_since_;
    Clock::time_point last_byte_at_;
    Clock::time_point payload_since_;
    std::size_t dropped_bytes_ = 0;
    std::array<std::byte, 512> small_space_{};
};

}  // namespace netcompute::net::zmtp
