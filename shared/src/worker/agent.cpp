#include <netcompute/protocol/frame.hpp>
#include <netcompute/worker/agent.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace netcompute::worker {
namespace {

using namespace std::chrono_literals;

constexpr Duration greeting_max = 10s;      ///< A hello without an answer for this long is retried.
constexpr double retry_seconds_min = 0.5;   ///< Doubled each time ...
constexpr double retry_seconds_max = 30.0;  ///< ... up to this, jitter included.
constexpr Duration leave_max = 2s;          ///< How long leaving waits for running tasks.
constexpr Duration drain_max = 5s;  ///< How long a pause waits for the leases that are held.
/// Results and leave travel by different sockets; the results get a head start.
constexpr Duration leave_grace = 100ms;
constexpr std::size_t results_bytes_max = protocol::frame_bytes_max - protocol::header_bytes_max;
constexpr std::size_t heartbeat_leases_max = 3000;  ///< As many as surely fit into a header.

/// Truncated to `bytes_max` bytes, without splitting a UTF-8 character.
std::string cut_text(std::string text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0U) == 0x80U) {
        --bytes_max;
    }
    text.resize(bytes_max);
    return text;
}

std::string_view name_of(const protocol::MasterMessage& message) {
    if (std::holds_alternative<protocol::Welcome>(message)) return "welcome";
    if (std::holds_alternative<protocol::Lease>(message)) return "lease";
    if (std::holds_alternative<protocol::Revoke>(message)) return "revoke";
    return std::holds_alternative<protocol::Ack>(message) ? "ack" : "goodbye";
}

}  // namespace

Agent::Agent(AgentOptions options, Surroundings surroundings)
    : options_{std::move(options)}, around_{std::move(surroundings)}, worker_{options_.worker} {
    options_.name = cut_text(std::move(options_.name), protocol::name_bytes_max);
    options_.slots = std::clamp(options_.slots, 1U, protocol::slots_max);
}

void Agent::start(Instant now) {
    connect(now);
}

void Agent::connect(Instant now) {
    link_is_full_ = false;
    link_is_open_ = !around_.link.is_stream();
    state_ = State::Connecting;
    retry_at_ = instant_never;
    silence_at_ = now + greeting_max;
    around_.link.open();
    greet_if_possible(now);
}

void Agent::link_opened(Instant now) {
    if (state_ != State::Connecting) return;
    link_is_open_ = true;
    // Waiting for the runner must not count as a failed connection attempt.
    if (!options_.is_ready) silence_at_ = instant_never;
    greet_if_possible(now);
}

void Agent::runner_ready(Instant now, std::string version) {
    options_.is_ready = true;
    options_.version = std::move(version);
    greet_if_possible(now);
}

void Agent::greet_if_possible(Instant now) {
    if (state_ != State::Connecting || !link_is_open_ || !options_.is_ready) return;
    state_ = State::Greeting;
    silence_at_ = now + greeting_max;
    const protocol::Hello hello{.protocol = protocol::protocol_version,
                                .worker = options_.worker,
                                .token = options_.token,
                                .kind = options_.kind,
                                .name = options_.name,
                                .version = options_.version,
                                .slots = options_.slots,
                                .resume = session_,
                                .secret = options_.secret,
                                .machine = options_.machine};
    const auto message = protocol::encode(protocol::WorkerMessage{hello});
    if (!around_.link.send(Channel::Task, message)) retry_later(now, "hello could not be sent");
}

bool Agent::is_connected() const {
    return state_ == State::Connecting || state_ == State::Greeting || state_ == State::Joined ||
           state_ == State::Leaving;
}

void Agent::retry_later(Instant now, const std::string& why) {
    retry_later(now, why, why);
}

void Agent::retry_later(Instant now, const std::string& why, std::string reason) {
    reason_ = std::move(reason);
    around_.link.close(Closing::DropUnsent);
    if (state_ == State::Leaving) {
        finish(0, "left while the master could not be reached: " + why, Closing::DropUnsent);
        return;
    }
    const bool was_joined = state_ == State::Joined;
    state_ = State::Disconnected;
    silence_at_ = heartbeat_at_ = instant_never;
    // Jitter spreads the reconnections of many workers when their master restarts.
    const double doubled = retry_seconds_min * std::exp2(std::min(failures_, 10));
    const double base = std::min(doubled, retry_seconds_max / 1.5);
    const double seconds = base * (1 + around_.random() / 2);
    retry_at_ = now + from_seconds(seconds);
    if (failures_++ == 0) {
        around_.say(Severity::Warning,
                    (was_joined ? "lost the master at " : "cannot reach the master at ") +
                        options_.master + ": " + why + "; trying again until it answers");
    } else {
        const bool is_news = why != why_retried_;
        around_.say(is_news ? Severity::Warning : Severity::Debug,
                    "still no master at " + options_.master + ": " + why);
    }
    why_retried_ = why;
}

void Agent::finish(int exit_status, std::string message, Closing closing) {
    around_.link.close(closing);
    state_ = State::Finished;
    ending_ = Ending{exit_status, std::move(message)};
    retry_at_ = silence_at_ = heartbeat_at_ = give_up_at_ = say_leave_at_ = drain_by_ =
        instant_never;
}

void Agent::link_down(Instant now, std::string_view reason) {
    if (is_connected()) retry_later(now, std::string{reason});
}

void Agent::receive(Instant now, std::string_view header_text, Bytes payload) {
    if (!is_connected()) return;
    const auto header = protocol::decode_header(header_text);
    auto message = header ? protocol::decode_master_message(*header, payload)
                          : Result<protocol::MasterMessage>{unexpected(header.error())};
    if (!message) return receive_malformed(now, message.error().message);
    if (state_ == State::Joined || state_ == State::Leaving) silence_at_ = now + silence_max_;
    if (around_.link.is_stream() && is_out_of_turn(*message)) {
        retry_later(now, "the master sent " + std::string{name_of(*message)} + " out of turn");
        return;
    }
    if (const auto* welcome = std::get_if<protocol::Welcome>(&*message)) {
        handle(now, *welcome);
    } else if (const auto* goodbye = std::get_if<protocol::Goodbye>(&*message)) {
        handle(now, *goodbye);
    } else if (auto* lease = std::get_if<protocol::Lease>(&*message)) {
        if (state_ == State::Joined) accept(std::move(*lease), std::move(payload));
    } else if (const auto* revoke = std::get_if<protocol::Revoke>(&*message)) {
        handle(*revoke);
        leave_if_done(now);
    } else {
        handle_ack();
    }
    if (held_.empty()) drain_by_ = instant_never;
}

void Agent::receive_frame(Instant now, ByteSpan frame) {
    if (!is_connected()) return;
    const auto parts = protocol::split_frame(frame);
    if (!parts) return receive_malformed(now, parts.error().message);
    receive(now, parts->header, Bytes{parts->payload.begin(), parts->payload.end()});
}

/// Sockets that overtake each other each go on by themselves: the tasks, if it was a lease, run
/// out at the master and go to someone who can read them. In a stream nothing after it is sure.
void Agent::receive_malformed(Instant now, const std::string& problem) {
    if (!is_connected()) return;
    if (around_.link.is_stream()) {
        retry_later(now, "the master sent a malformed message: " + problem);
    } else {
        around_.say(Severity::Error, "a message of the master cannot be read: " + problem);
    }
}

bool Agent::is_out_of_turn(const protocol::MasterMessage& message) const {
    if (std::holds_alternative<protocol::Goodbye>(message)) return false;
    const bool is_welcome = std::holds_alternative<protocol::Welcome>(message);
    return is_welcome ? state_ != State::Greeting
                      : state_ != State::Joined && state_ != State::Leaving;
}

void Agent::handle_ack() {
    if (!around_.link.is_stream()) return;
    failures_ = 0;
    outbox_.confirmed();
}

void Agent::handle(Instant now, const protocol::Welcome& welcome) {
    if (state_ != State::Greeting) return;
    const bool resumed = !session_.empty() && welcome.session == session_;
    if (!resumed) drop_everything_held();
    session_ = welcome.session;
    worker_ = welcome.worker;
    master_version_ = welcome.version;
    reason_.clear();
    heartbeat_period_ = from_seconds(welcome.heartbeat_seconds);
    silence_max_ = from_seconds(welcome.silence_seconds);
    state_ = State::Joined;
    // On a stream, what is sent again may end the session again: only an ack counts as success.
    if (!around_.link.is_stream()) failures_ = 0;
    silence_at_ = now + silence_max_;
    around_.say(Severity::Info, (resumed ? "back with the master at " : "joined the master at ") +
                                    options_.master + " (version " + welcome.version + ") as " +
                                    welcome.worker + " with " + std::to_string(options_.slots) +
                                    " slots");
    if (welcome.worker != options_.worker) {
        around_.say(Severity::Info,
                    "the id " + options_.worker +
                        " is another worker's at this master (of a PC with a copy of this one's "
                        "files, or a second one of this PC); this one is " +
                        welcome.worker);
    }
    for (const auto& results : outbox_.unconfirmed()) {
        std::ignore = around_.link.send(Channel::Result, results);
    }
    // Over ZeroMQ the way for results is a connection of its own: this shows whose it is, long
    // before there are results.
    beat(now, Channel::Result);
    flush(now);
}

void Agent::handle(Instant now, const protocol::Goodbye& goodbye) {
    const bool is_stream = around_.link.is_stream();
    // A resumed stream would send the offending message again.
    const bool ends_session =
        goodbye.code == "unknown_session" ||
        (is_stream && (goodbye.code == "protocol_violation" || !goodbye.retry));
    if (ends_session) session_.clear();
    if (ends_session && is_stream) drop_everything_held();
    const std::string why = "the master says " + goodbye.code + ": " + goodbye.message;
    const std::string& reason = goodbye.message.empty() ? goodbye.code : goodbye.message;
    if (goodbye.retry) {
        retry_later(now, why, reason);
    } else {
        reason_ = reason;
        finish(state_ == State::Leaving ? 0 : 1, why, Closing::DropUnsent);
        ending_->code = goodbye.code;
    }
}

void Agent::accept(protocol::Lease lease, Bytes payload) {
    const auto [held, is_new] = held_.try_emplace(lease.lease, lease.tasks.size());
    if (!is_new) {
        around_.say(Severity::Warning, "lease " + std::to_string(lease.lease.value) +
                                           " came a second time; it is held already");
        return;
    }
    around_.runner.submit(std::move(lease), std::move(payload));
}

void Agent::handle(const protocol::Revoke& revoke) {
    around_.runner.revoke(revoke.lease);
    if (held_.erase(revoke.lease) != 0 && revoke.reason == "expired") {
        around_.say(Severity::Warning, "lease " + std::to_string(revoke.lease.value) +
                                           " had run out unheard: its tasks went to others");
    }
    std::erase_if(unsent_,
                  [&](const OutcomeChunk& chunk) { return chunk.lease() == revoke.lease; });
}

void Agent::drop_everything_held() {
    for (const auto& [lease, tasks] : held_) around_.runner.revoke(lease);
    held_.clear();
    unsent_.clear();
    outbox_.clear();
}

void Agent::link_writable(Instant now) {
    link_is_full_ = false;
    flush(now);
}

void Agent::outcomes_ready(Instant now) {
    collect_outcomes();
    flush(now);
}

void Agent::collect_outcomes() {
    for (auto& chunk : around_.runner.take_outcomes()) {
        if (held_.contains(chunk.lease())) unsent_.push_back(std::move(chunk));
    }
}

void Agent::flush(Instant now) {
    send_outcomes();
    if (held_.empty()) drain_by_ = instant_never;
    leave_if_done(now);
}

void Agent::send_outcomes() {
    if (state_ != State::Joined && state_ != State::Leaving) return;
    while (!unsent_.empty() && !link_is_full_) {
        if (!send_oldest_outcomes()) link_is_full_ = true;
    }
}

/// One frame: the oldest outcomes and those of the same lease that follow, as many as fit.
bool Agent::send_oldest_outcomes() {
    const OutcomeChunk& first = unsent_.front();
    protocol::Results results{session_, first.lease(), first.job(), first.round(), 0, {}};
    std::size_t chunks = 0;
    std::size_t bytes = 0;
    for (const OutcomeChunk& chunk : unsent_) {
        const bool fits = chunks == 0 || bytes + chunk.wire_bytes() <= results_bytes_max;
        if (chunk.lease() != first.lease() || !fits) break;
        results.busy_seconds += chunk.busy_seconds();
        chunk.append_to(results.outcomes);
        bytes += chunk.wire_bytes();
        ++chunks;
    }
    const auto message = protocol::encode(protocol::WorkerMessage{std::move(results)});
    if (!around_.link.send(Channel::Result, message)) return false;
    if (around_.link.is_stream()) outbox_.sent(message);
    for (; chunks > 0; --chunks) {
        settle(unsent_.front());
        unsent_.pop_front();
    }
    return true;
}

/// These outcomes were sent; a lease without unfinished tasks is not renewed any more.
void Agent::settle(const OutcomeChunk& chunk) {
    const auto held = held_.find(chunk.lease());
    if (held == held_.end()) return;
    held->second -= std::min(held->second, chunk.size());
    if (held->second == 0) held_.erase(held);
}

void Agent::beat(Instant now, Channel channel) {
    heartbeat_at_ = now + heartbeat_period_;
    if (!around_.link.is_stream()) return send_heartbeat(channel);
    collect_outcomes();  // Its ack confirms them too.
    send_outcomes();
    send_heartbeat(channel);
    outbox_.heartbeat_sent();
}

void Agent::send_heartbeat(Channel channel) {
    const RunnerStatus status = around_.runner.status();
    const SystemLoad load = around_.sample_load();
    protocol::Heartbeat heartbeat{.session = session_,
                                  .leases = {},
                                  .slots = options_.slots,
                                  .paused = state_ == State::Leaving || is_paused_,
                                  .cpu = load.cpu < 0 ? -1 : std::min(load.cpu, 1.0),
                                  .memory_bytes = load.memory_bytes,
                                  .current = cut_text(status.current, protocol::name_bytes_max)};
    for (const auto& [lease, tasks] : held_) {
        if (heartbeat.leases.size() == heartbeat_leases_max) break;
        heartbeat.leases.push_back(lease);
    }
    // A lost heartbeat does no harm: the next one follows.
    std::ignore = around_.link.send(channel, protocol::encode(protocol::WorkerMessage{heartbeat}));
}

std::string Agent::why_silent() const {
    if (state_ == State::Connecting) return "the connection did not open";
    if (state_ == State::Greeting) return "no answer to hello";
    return "no message for " + std::to_string(std::lround(to_seconds(silence_max_))) + " s";
}

void Agent::tick(Instant now) {
    if (now >= retry_at_) connect(now);
    if (now >= silence_at_) {
        retry_later(now, why_silent());
    }
    if (now >= heartbeat_at_) beat(now, Channel::Heartbeat);
    if (now >= drain_by_) hand_back();
    leave_if_done(now);
}

void Agent::set_paused(Instant now, bool paused) {
    is_paused_ = paused;
    drain_by_ = paused && !held_.empty() ? now + drain_max : instant_never;
    const bool has_left = state_ == State::Finished && ending_->code.empty();
    if (state_ == State::Joined) {
        beat(now, Channel::Heartbeat);
    } else if (!paused && has_left) {
        retry(now);
    }
}

void Agent::set_slots(Instant now, std::uint32_t slots) {
    options_.slots = std::clamp(slots, 1U, protocol::slots_max);
    if (state_ == State::Joined) beat(now, Channel::Heartbeat);
}

void Agent::introduce(Instant now, std::string name, std::string token) {
    options_.name = cut_text(std::move(name), protocol::name_bytes_max);
    options_.token = std::move(token);
    if (state_ == State::Finished && ending_->code.empty()) return;
    if (is_connected()) retry_later(now, "greeting again");
    retry(now);
}

void Agent::hand_back() {
    if (state_ == State::Finished) return;
    if (state_ == State::Joined) {
        collect_outcomes();
        send_outcomes();
        std::ignore = around_.link.send(
            Channel::Task, protocol::encode(protocol::WorkerMessage{protocol::Leave{session_}}));
    }
    reason_ = "left";
    drop_everything_held();
    session_.clear();
    finish(0, "left", Closing::SendFirst);
}

void Agent::retry(Instant now) {
    if (state_ != State::Disconnected && state_ != State::Finished) return;
    failures_ = 0;
    ending_.reset();
    connect(now);
}

void Agent::leave(Instant now) {
    if (state_ == State::Finished) return;
    if (state_ == State::Leaving) {
        finish(0, "left without waiting for the running tasks", Closing::DropUnsent);
        return;
    }
    if (state_ != State::Joined) {
        finish(0, "left; the master was not connected", Closing::DropUnsent);
        return;
    }
    state_ = State::Leaving;
    around_.runner.drop_unstarted();
    give_up_at_ = now + leave_max;
    outcomes_ready(now);
}

/// Leaving ends when nothing runs and everything is sent, or when that takes too long.
void Agent::leave_if_done(Instant now) {
    if (state_ != State::Leaving) return;
    const bool runs = around_.runner.status().busy_slots != 0;
    if (say_leave_at_ == instant_never && now < give_up_at_) {
        if (runs) return;
        collect_outcomes();  // Asked after the status: of what has ended, nothing is missed.
        send_outcomes();
        if (!unsent_.empty()) return;
        say_leave_at_ = around_.link.is_stream() ? now : now + leave_grace;
    }
    if (now < std::min(say_leave_at_, give_up_at_)) return;
    std::ignore = around_.link.send(
        Channel::Task, protocol::encode(protocol::WorkerMessage{protocol::Leave{session_}}));
    finish(0, runs ? "left; what was still running goes back to the master" : "left",
           Closing::SendFirst);
}

Instant Agent::next_deadline() const {
    return std::min({retry_at_, silence_at_, heartbeat_at_, give_up_at_, say_leave_at_, drain_by_});
}

}  // namespace netcompute::worker
