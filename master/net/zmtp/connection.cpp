#include "net/zmtp/connection.hpp"

#include <netcompute/logging.hpp>
#include <netcompute/protocol/frame.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <poll.h>

#include <algorithm>
#include <utility>

namespace netcompute::net::zmtp {
namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;
namespace {

constexpr std::size_t payload_memory_max = std::size_t{256} << 20;
constexpr std::size_t free_payload_bytes = 4 << 10;  ///< Not counted, and allowed before hello.
constexpr std::size_t companions_max = 8;            ///< Two would do.
constexpr std::size_t read_bytes_max = 128 << 10;    ///< In one go: then others have their turn.
constexpr std::size_t dropped_bytes_max = 256 << 10;

constexpr double payload_bytes_per_second_min = 16 << 10;
constexpr auto peer_closes_time = 1s;  ///< After a goodbye, for the peer to close first.
constexpr auto last_words_time = 5s;   ///< After a goodbye, for the peer to take it.

bool is_would_block(const boost::system::error_code& error) {
    return error == asio::error::would_block || error == asio::error::try_again;
}

}  // namespace

Peers::Peers(SessionListener& the_listener, ConnectionBudget& the_budget,
             const ZmtpTimes& the_times)
    : listener{&the_listener},
      budget{the_budget},
      times{the_times},
      payloads{payload_memory_max},
      read_space(read_bytes_max) {}

Connection::Connection(std::shared_ptr<Peers> peers, Port port, tcp::socket socket,
                       std::string address)
    : peers_{std::move(peers)},
      port_{port},
      socket_{std::move(socket)},
      address_{std::move(address)},
      reader_{port},
      stranger_since_{Clock::now()},
      last_byte_at_{stranger_since_} {}

void Connection::start(ConnectionBudget::Lease lease) {
    lease_ = std::move(lease);
    read();
}

// ---- What comes in ----

void Connection::read() {
    const bool is_wanted = state_ == State::Open
                               ? !waits_for_turn_
                               : state_ == State::Closing && dropped_bytes_ < dropped_bytes_max;
    if (is_reading_ || !is_wanted) return;
    is_reading_ = true;
    // Idle connections hold a small space each; what is more than it comes by the shared one.
    socket_.async_read_some(
        asio::buffer(small_space_),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
            self->is_reading_ = false;
            if (self->state_ == State::Closed) return;
            self->took(ByteSpan{self->small_space_}.first(size));
            if (error) {
                self->hear_companions();
                return self->end();
            }
            if (size == self->small_space_.size()) self->read_what_is_here();
            self->read();
        });
}

/// What has arrived, without waiting.
void Connection::read_what_is_here() {
    if (state_ == State::Closed || waits_for_turn_) return;
    // Moved out meanwhile: handling what is read may make other connections read.
    Bytes space = std::exchange(peers_->read_space, {});
    if (space.empty()) space.resize(read_bytes_max);
    boost::system::error_code error;
    const std::size_t size = socket_.read_some(asio::buffer(space), error);
    if (!error) took(ByteSpan{space}.first(size));  // An end is seen by the read under way, too.
    peers_->read_space = std::move(space);
}

/// What a worker says on its task connection, its end included, comes after what it sent before as
/// results, though they come by another connection.
void Connection::hear_companions() {
    const auto companions = companions_;
    for (const auto& one : companions) {
        if (const auto companion = one.lock()) companion->read_what_is_here();
    }
}

void Connection::took(ByteSpan input) {
    if (input.empty()) return;
    last_byte_at_ = Clock::now();
    if (state_ == State::Open)
        take_input(input);
    else
        dropped_bytes_ += input.size();
}

void Connection::take_input(ByteSpan input) {
    for (bool needs_more = false; state_ == State::Open && !needs_more;) {
        if (waits_for_turn_) {
            unread_.insert(unread_.end(), input.begin(), input.end());
            return;
        }
        Reader::Event event = reader_.next(input);
        take_event(event, needs_more);
    }
}

void Connection::take_event(Reader::Event& event, bool& needs_more) {
    if (auto* const reply = std::get_if<Reader::Reply>(&event)) {
        queue_.push(std::move(reply->bytes));
        if (queue_.is_over_bounds()) return drop("it does not read what it is sent");
        write_soon();
    } else if (auto* const ready = std::get_if<Reader::Ready>(&event)) {
        if (!ready->bytes.empty()) queue_.push(std::move(ready->bytes));
        write_soon();
        if (port_ != Port::Task) return;
        is_told_of_ = true;
        peers_->listener->on_open(shared_from_this());
    } else if (const auto* const announced = std::get_if<Reader::Announced>(&event)) {
        take_announced(*announced);
    } else if (auto* const message = std::get_if<Reader::Message>(&event)) {
        take_message(*message);
    } else if (const auto* const broken = std::get_if<Reader::Broken>(&event)) {
        take_broken(broken->why);
    } else {
        needs_more = true;
    }
}

void Connection::take_announced(const Reader::Announced& announced) {
    if (port_ != Port::Task) {
        if (!is_of_a_session(announced.header)) return;
    } else if (session_key_.empty() && announced.payload_bytes > free_payload_bytes) {
        return take_broken("payload: " + std::to_string(announced.payload_bytes) +
                           " bytes are more than a hello has");
    }
    reserve_payload(announced.payload_bytes);
}

/// Whether a header names a live session; if not, the connection is ended.
bool Connection::is_of_a_session(std::string_view header_text) {
    const auto header = protocol::decode_header(header_text);
    if (!header) {
        drop(header.error().message);
        return false;
    }
    const auto found = peers_->sessions.find(protocol::session_of(*header));
    if (found == peers_->sessions.end()) {
        drop("it named no session that there is");
        return false;
    }
    Connection& session = *found->second;
    if (session_.lock().get() == &session) return true;
    std::erase_if(session.companions_, [](const auto& one) { return one.expired(); });
    if (session.companions_.size() >= companions_max || !lease_.prove()) {
        drop("there are more connections of its session, or of its PC, than may be");
        return false;
    }
    session.companions_.push_back(weak_from_this());
    session_ = session.weak_from_this();
    has_shown_session_ = true;
    return true;
}

void Connection::take_message(Reader::Message& message) {
    release_payload();
    hear_companions();
    if (state_ != State::Open) return;
    peers_->listener->on_frame(port_ == Port::Task ? SessionPtr{shared_from_this()} : nullptr,
                               message.header,
                               std::make_shared<const Bytes>(std::move(message.payload)));
}

void Connection::take_broken(const std::string& why) {
    if (!is_told_of_) return drop(why);
    peers_->listener->on_malformed(shared_from_this(), {ErrorCode::ProtocolViolation, why});
    close();
}

// ---- Memory for payloads ----

void Connection::reserve_payload(std::size_t bytes) {
    payload_since_ = Clock::now();
    if (bytes <= free_payload_bytes) return;
    const bool taken = peers_->payloads.take(this, bytes, [this, bytes] {
        reserved_bytes_ = bytes;
        asio::post(socket_.get_executor(),
                   [self = shared_from_this()] { self->go_on_with_payload(); });
    });
    if (taken)
        reserved_bytes_ = bytes;
    else
        waits_for_turn_ = true;
}

void Connection::go_on_with_payload() {
    if (state_ != State::Open) return;
    waits_for_turn_ = false;
    payload_since_ = last_byte_at_ = Clock::now();
    take_input(std::exchange(unread_, {}));
    read();
}

void Connection::release_payload() {
    if (const std::size_t bytes = std::exchange(reserved_bytes_, 0)) {
        peers_->payloads.give_back(bytes);
    }
}

// ---- What goes out ----

void Connection::send(protocol::WireMessage message) {
    if (state_ != State::Open) return;
    queue_.push(std::move(message));
    if (queue_.is_over_bounds()) {
        log_within_budget("worker that does not read", address_, spdlog::level::warn,
                          "native worker at {} does not read what it is sent", address_);
        return end();
    }
    write_soon();
}

/// After what is being done now, which may have more to send.
void Connection::write_soon() {
    if (std::exchange(writes_soon_, true)) return;
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
        if (self->state_ != State::Closed && self->write()) self->writes_soon_ = false;
    });
}

/// Writes as much as the socket takes now; false if the rest has to wait for it.
bool Connection::write() {
    boost::system::error_code error;
    while (!queue_.empty() && !error) {
        std::vector<asio::const_buffer> buffers;
        for (const ByteSpan span : queue_.batch()) buffers.emplace_back(span.data(), span.size());
        queue_.consume(socket_.write_some(buffers, error));
    }
    // Another error is seen by the read as well, after what the peer has said before.
    if (!is_would_block(error)) return true;
    socket_.async_wait(tcp::socket::wait_write,
                       [self = shared_from_this()](const boost::system::error_code& failure) {
                           if (failure || self->state_ == State::Closed) return;
                           if (self->write()) self->writes_soon_ = false;
                       });
    return false;
}

void Connection::finish_writing(Clock::time_point until) {
    boost::system::error_code error;
    while (!queue_.empty() && (!error || is_would_block(error))) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
        pollfd writable{socket_.native_handle(), POLLOUT, 0};
        if (left <= 0ms || poll(&writable, 1, static_cast<int>(left.count())) <= 0) break;
        std::vector<asio::const_buffer> buffers;
        for (const ByteSpan span : queue_.batch()) buffers.emplace_back(span.data(), span.size());
        queue_.consume(socket_.write_some(buffers, error));
    }
    end();
}

// ---- How it ends ----

bool Connection::admit(std::string_view session_key) {
    if (state_ != State::Open || !lease_.prove()) return false;
    session_key_ = session_key;
    peers_->sessions[session_key_] = this;
    reader_.allow_long_headers();
    return true;
}

void Connection::close() {
    if (state_ != State::Open) return;
    state_ = State::Closing;
    closing_since_ = Clock::now();
    lose_session();
    lease_.doubt();
    read();  // And drop it: an end that finds unread bytes would destroy the last words.
}

void Connection::evict() {
    drop("it said nothing that showed a session, and others came");
}

void Connection::drop(const std::string& why) {
    if (state_ == State::Closed) return;
    if (!has_shown_session_ && session_key_.empty()) {
        log_within_budget("connection without a session", address_, spdlog::level::info,
                          "closed a connection from {} to the {} port: {}", address_,
                          port_name(port_), why);
    }
    end();
}

void Connection::check_time(Clock::time_point now) {
    if (state_ == State::Closing) {
        const auto since = now - closing_since_;
        // The peer closes first, if it can: then nothing that it has not read is lost.
        if (since > last_words_time || (queue_.empty() && since > peer_closes_time)) end();
        return;
    }
    if (!reader_.is_ready()) {
        if (now - stranger_since_ > peers_->times.handshake) drop("its handshake took too long");
        return;
    }
    if (port_ != Port::Task && session_.expired() &&
        now - stranger_since_ > peers_->times.session) {
        return drop("it showed no session for too long");
    }
    if (waits_for_turn_ || !reader_.is_within_message()) return;
    const bool is_in_the_way = reserved_bytes_ > 0 && peers_->payloads.has_waiting();
    const Clock::duration patience =
        is_in_the_way ? peers_->times.stall_in_want : peers_->times.stall;
    const std::chrono::duration<double> overdue = now - payload_since_ - patience;
    const bool is_slow = reserved_bytes_ > 0 && static_cast<double>(reader_.payload_bytes_here()) <
                                                    overdue.count() * payload_bytes_per_second_min;
    if (now - last_byte_at_ > patience || is_slow) {
        log_within_budget(
            "message without an end", address_, spdlog::level::warn,
            "closed a connection from {} to the {} port: a message stopped in its midst", address_,
            port_name(port_));
        end();
    }
}

/// Ends the session: releases its key and its other connections, and tells the listener.
void Connection::lose_session() {
    const auto found = peers_->sessions.find(session_key_);
    if (found != peers_->sessions.end() && found->second == this) peers_->sessions.erase(found);
    for (const auto& one : std::exchange(companions_, {})) {
        const auto companion = one.lock();
        if (companion == nullptr || companion->session_.lock().get() != this) continue;
        companion->session_.reset();
        companion->stranger_since_ = Clock::now();
        companion->lease_.doubt();
    }
    if (!std::exchange(is_told_of_, false)) return;
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
        if (self->peers_->listener != nullptr) self->peers_->listener->on_close(self);
    });
}

void Connection::end() {
    if (state_ == State::Closed) return;
    const auto self = shared_from_this();
    state_ = State::Closed;
    lose_session();
    peers_->payloads.forget(this);
    release_payload();
    boost::system::error_code ignored;
    socket_.close(ignored);
    lease_ = {};
    peers_->connections.erase(self);
}

}  // namespace netcompute::net::zmtp
