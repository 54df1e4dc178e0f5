#pragma once

#include <netcompute/worker/agent.hpp>
#include <netcompute/worker/dispatcher.hpp>
#include <netcompute/worker/meters.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::worker {

/// What the page's owner chose, and what the browser remembers.
struct BrowserSettings {
    std::string worker;  ///< Its id, and the secret that proves that it is its own.
    std::string secret;
    std::string name;
    std::string token;
    std::uint32_t slots = 1;
};

/// What a tab can do: a WebSocket, and compute threads that are told what to do by messages.
class BrowserHost {
 public:
    virtual ~BrowserHost() = default;
    /// BrowserWorker::socket_opened() or socket_closed() follows.
    virtual void open_socket() = 0;
    /// Nothing follows.
    virtual void close_socket(const std::string& reason) = 0;
    virtual void send(Channel channel, const protocol::WireMessage& message) = 0;
    /// So many threads from now on: slot_ready(), retire() and slot_gone() follow.
    virtual void resize(std::uint32_t slots) = 0;
    virtual void run(SlotId slot, Chunk chunk) = 0;
    virtual void forget(SlotId slot, LeaseId lease) = 0;
    /// Ends a thread that is idle, and one in the middle of what it does, for which another starts.
    virtual void stop(SlotId slot) = 0;
    virtual void replace(SlotId slot) = 0;
    virtual void prefetch(const std::vector<protocol::BlobInput>& blobs) = 0;
};

/// What the page shows.
struct BrowserStatus {
    std::string_view phase;    ///< loading, connecting, joined, waiting, refused or left.
    std::string reason;        ///< Why it is not joined.
    std::string refused_code;  ///< Of the goodbye that refused it.
    double retry_seconds = 0;  ///< While it waits.
    bool paused = false;
    bool draining = false;
    std::string problem;  ///< What stands in the way of computing.
    std::string version;
    std::string master_version;
    std::string worker;
    std::uint32_t slots = 0;
    std::uint32_t slots_busy = 0;
    std::size_t leases = 0;
    std::optional<CurrentWork> current;
    std::uint64_t tasks_done = 0;
    std::uint64_t tasks_failed = 0;
    double tasks_per_second = 0;
    double cpu = -1;
    std::uint64_t memory_bytes = 0;
};

/// A tab's worker: the agent over one stream, the dispatcher, and what the page asks for. Pure:
/// what happens comes in as calls with the time, what it does goes out through the host.
class BrowserWorker {
 public:
    struct Surroundings {
        BrowserHost& host;
        std::function<double()> random;  ///< 0..1.
        std::uint32_t cores = 1;         ///< Of this PC.
        std::uint64_t slot_cache_bytes = 0;
    };

    BrowserWorker(Instant now, BrowserSettings settings, Surroundings surroundings);
    BrowserWorker(const BrowserWorker&) = delete;
    BrowserWorker& operator=(const BrowserWorker&) = delete;

    void start(Instant now) { agent_.start(now); }
    void tick(Instant now);
    [[nodiscard]] Instant next_deadline() const;

    void socket_opened(Instant now) { agent_.link_opened(now); }
    void socket_closed(Instant now, const std::string& reason);
    void frame_received(Instant now, ByteSpan frame);
    void message_received(Instant now, std::string_view header, Bytes payload);
    /// A WebSocket message that is no frame.
    void text_received(Instant now);

    void slot_ready(Instant now, SlotId slot, std::string version);
    void retire(Instant now, SlotId slot, bool retiring);
    void slot_gone(Instant now, SlotId slot, bool crashed);
    /// `broken`: after these the slot's instance cannot go on.
    void outcomes_received(Instant now, SlotId slot, ChunkOutcomes outcomes, std::uint32_t failed,
                           bool broken);
    /// Sends what is finished; called once for all outcomes that came in at one time.
    void flush(Instant now) { agent_.outcomes_ready(now); }

    void set_problem(Instant now, std::string problem);
    void change_settings(Instant now, BrowserSettings settings);
    void set_paused(Instant now, bool paused);
    void retry(Instant now);
    void hand_back(Instant now);

    /// A string with static storage duration.
    [[nodiscard]] std::string_view phase() const;
    [[nodiscard]] BrowserStatus status(Instant now);
    [[nodiscard]] const Agent& agent() const { return agent_; }

 private:
    class StreamLink final : public Link {
     public:
        explicit StreamLink(BrowserWorker& owner) : owner_{owner} {}
        [[nodiscard]] bool is_stream() const override { return true; }
        void open() override { owner_.around_.host.open_socket(); }
        void close(Closing closing) override;
        [[nodiscard]] bool send(Channel channel, const protocol::WireMessage& message) override;

     private:
        BrowserWorker& owner_;
    };

    /// Gives work to slots, and ends surplus slots.
    void settle(Instant now);

    BrowserSettings settings_;
    Surroundings around_;
    StreamLink link_{*this};
    Dispatcher dispatcher_;
    RateMeter rate_;
    LoadMeter load_;
    Instant now_;  ///< Of the event that is being handled.
    double cpu_ = -1;
    std::string version_;
    std::string problem_;
    std::uint64_t tasks_done_ = 0;
    std::uint64_t tasks_failed_ = 0;
    Agent agent_;
};

}  // namespace netcompute::worker
