// A tab's worker (netcompute::worker::BrowserWorker) as a C interface for web/worker/agent.js, the
// only caller. Bytes in: what an event carries is written to netcompute_input() first. Bytes out:
// after each event, netcompute_effects() is a JSON array of what to do, whose byte ranges lie in
// the instance's memory until the next event. Times are milliseconds of one monotonic clock.
#include <netcompute/protocol/frame.hpp>
#include <netcompute/worker/browser_worker.hpp>

#include <emscripten.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <utility>

namespace netcompute::worker {
namespace {

using nlohmann::json;

Instant instant(double milliseconds) {
    return Instant{from_seconds(milliseconds / 1000)};
}

Bytes input;  ///< Of the event that comes next.

/// Moves the input out.
Bytes take_input() {
    return std::exchange(input, {});
}
std::string take_text() {
    const Bytes bytes = take_input();
    return std::string{as_text(bytes)};
}

std::string text_of(const json& value) {
    return value.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

/// Collects the effects until link.js fetches them.
class EffectList final : public BrowserHost {
 public:
    void open_socket() override { add({{"do", "open"}}); }
    void close_socket(const std::string& reason) override {
        add({{"do", "close"}, {"reason", reason}});
    }
    void send(Channel, const protocol::WireMessage& message) override {
        add({{"do", "send"},
             {"bytes", keep(protocol::join_frame({message.header, message.payload}))}});
    }
    void resize(std::uint32_t slots) override { add({{"do", "resize"}, {"slots", slots}}); }
    void run(SlotId slot, Chunk chunk) override {
        json effect = {{"do", "run"},          {"slot", slot},
                       {"chunk", chunk.id},    {"lease", chunk.lease.value},
                       {"count", chunk.count}, {"tasks", keep(std::move(chunk.tasks))}};
        if (chunk.context) {
            effect["context"] = {{"kernel", chunk.context->kernel},
                                 {"version", chunk.context->kernel_version},
                                 {"sharedCount", chunk.context->shared_count},
                                 {"shared", keep(std::move(chunk.context->shared))}};
        }
        add(std::move(effect));
    }
    void forget(SlotId slot, LeaseId lease) override {
        add({{"do", "forget"}, {"slot", slot}, {"lease", lease.value}});
    }
    void stop(SlotId slot) override { add({{"do", "stop"}, {"slot", slot}}); }
    void replace(SlotId slot) override { add({{"do", "replace"}, {"slot", slot}}); }
    void prefetch(const std::vector<protocol::BlobInput>& blobs) override {
        json names = json::array();
        for (const auto& blob : blobs) {
            names.push_back({{"sha256", to_hex(blob.sha256)}, {"size", blob.size}});
        }
        add({{"do", "prefetch"}, {"blobs", std::move(names)}});
    }

    /// Clears the effects of the previous event.
    void begin() {
        effects_ = json::array();
        blocks_.clear();
    }
    [[nodiscard]] std::string text() const { return effects_.empty() ? "" : text_of(effects_); }

 private:
    void add(json effect) { effects_.push_back(std::move(effect)); }
    [[nodiscard]] json keep(Bytes bytes) {
        blocks_.push_back(std::move(bytes));
        const Bytes& block = blocks_.back();
        return json::array({reinterpret_cast<std::uintptr_t>(block.data()), block.size()});
    }

    json effects_ = json::array();
    std::deque<Bytes> blocks_;
};

EffectList effects;
std::unique_ptr<BrowserWorker> worker_of_tab;
std::string output;  ///< Effects, or the status.

/// The text of one setting. It comes from our own page, so a missing one is a bug.
std::string text_in(const json& settings, const char* name) {
    return settings.at(name).get<std::string>();
}

BrowserSettings take_settings() {
    const json settings = json::parse(take_text(), nullptr, /*allow_exceptions=*/false);
    return {text_in(settings, "worker"), text_in(settings, "secret"), text_in(settings, "name"),
            text_in(settings, "token"), settings.at("slots").get<std::uint32_t>()};
}

BrowserWorker& begin_event() {
    effects.begin();
    return *worker_of_tab;
}

}  // namespace
}  // namespace netcompute::worker

using namespace netcompute;
using namespace netcompute::worker;

extern "C" {

/// Room for what the next event carries.
EMSCRIPTEN_KEEPALIVE std::byte* netcompute_input(std::uint32_t size) {
    input.resize(size);
    return input.data();
}

/// Input: the settings, as JSON.
EMSCRIPTEN_KEEPALIVE void netcompute_start(double now, std::uint32_t cores,
                                           double slot_cache_bytes) {
    effects.begin();
    BrowserWorker::Surroundings around{effects, [] { return double{emscripten_random()}; }, cores,
                                       static_cast<std::uint64_t>(slot_cache_bytes)};
    worker_of_tab =
        std::make_unique<BrowserWorker>(instant(now), take_settings(), std::move(around));
    worker_of_tab->start(instant(now));
}

EMSCRIPTEN_KEEPALIVE void netcompute_tick(double now) {
    begin_event().tick(instant(now));
}
/// When netcompute_tick() is due; infinite for never.
EMSCRIPTEN_KEEPALIVE double netcompute_deadline() {
    const Instant deadline = worker_of_tab->next_deadline();
    if (deadline == instant_never) return std::numeric_limits<double>::infinity();
    return 1000 * to_seconds(deadline.time_since_epoch());
}

EMSCRIPTEN_KEEPALIVE void netcompute_socket_opened(double now) {
    begin_event().socket_opened(instant(now));
}
/// Input: why, as text.
EMSCRIPTEN_KEEPALIVE void netcompute_socket_closed(double now) {
    begin_event().socket_closed(instant(now), take_text());
}
/// Input: the frame.
EMSCRIPTEN_KEEPALIVE void netcompute_frame(double now) {
    const Bytes frame = take_input();
    begin_event().frame_received(instant(now), frame);
}
EMSCRIPTEN_KEEPALIVE void netcompute_text(double now) {
    begin_event().text_received(instant(now));
}

/// Input: the version of the kernels, as text.
EMSCRIPTEN_KEEPALIVE void netcompute_slot_ready(double now, std::uint32_t slot) {
    begin_event().slot_ready(instant(now), slot, take_text());
}
EMSCRIPTEN_KEEPALIVE void netcompute_slot_retire(double now, std::uint32_t slot, bool retiring) {
    begin_event().retire(instant(now), slot, retiring);
}
EMSCRIPTEN_KEEPALIVE void netcompute_slot_gone(double now, std::uint32_t slot, bool crashed) {
    begin_event().slot_gone(instant(now), slot, crashed);
}
/// Input: `count` outcomes, as `results` carries them.
EMSCRIPTEN_KEEPALIVE void netcompute_outcomes(double now, std::uint32_t slot, double chunk,
                                              std::uint32_t count, std::uint32_t failed,
                                              double busy_seconds, bool more, bool broken,
                                              double memory_bytes) {
    ChunkOutcomes outcomes{
        static_cast<std::uint64_t>(chunk),       count, take_input(), busy_seconds, more,
        static_cast<std::uint64_t>(memory_bytes)};
    begin_event().outcomes_received(instant(now), slot, std::move(outcomes), failed, broken);
}
EMSCRIPTEN_KEEPALIVE void netcompute_flush(double now) {
    begin_event().flush(instant(now));
}

/// Input: what stands in the way of computing, as text.
EMSCRIPTEN_KEEPALIVE void netcompute_problem(double now) {
    begin_event().set_problem(instant(now), take_text());
}
/// Input: the settings, as JSON.
EMSCRIPTEN_KEEPALIVE void netcompute_settings(double now) {
    begin_event().change_settings(instant(now), take_settings());
}
EMSCRIPTEN_KEEPALIVE void netcompute_pause(double now, bool paused) {
    begin_event().set_paused(instant(now), paused);
}
EMSCRIPTEN_KEEPALIVE void netcompute_retry(double now) {
    begin_event().retry(instant(now));
}
EMSCRIPTEN_KEEPALIVE void netcompute_hand_back(double now) {
    begin_event().hand_back(instant(now));
}

/// The effects of the last event; its text is netcompute_output_size() bytes long.
EMSCRIPTEN_KEEPALIVE const char* netcompute_effects() {
    output = effects.text();
    return output.data();
}
/// Changes whenever the status's phase does; cheaper than the whole status.
EMSCRIPTEN_KEEPALIVE const char* netcompute_phase() {
    return worker_of_tab->phase().data();
}
/// What the page shows, as JSON.
EMSCRIPTEN_KEEPALIVE const char* netcompute_status(double now) {
    const BrowserStatus status = worker_of_tab->status(instant(now));
    json current;
    if (status.current) {
        current = {{"kernel", status.current->kernel},
                   {"job", status.current->job.value},
                   {"round", status.current->round},
                   {"task", status.current->task}};
    }
    output = text_of({{"phase", status.phase},
                      {"reason", status.reason},
                      {"refusedCode", status.refused_code},
                      {"retrySeconds", status.retry_seconds},
                      {"paused", status.paused},
                      {"draining", status.draining},
                      {"problem", status.problem},
                      {"version", status.version},
                      {"masterVersion", status.master_version},
                      {"worker", status.worker},
                      {"slots", status.slots},
                      {"slotsBusy", status.slots_busy},
                      {"leases", status.leases},
                      {"current", std::move(current)},
                      {"tasksDone", status.tasks_done},
                      {"tasksFailed", status.tasks_failed},
                      {"tasksPerSecond", status.tasks_per_second},
                      {"cpu", status.cpu},
                      {"memoryBytes", status.memory_bytes}});
    return output.data();
}
EMSCRIPTEN_KEEPALIVE std::uint32_t netcompute_output_size() {
    return static_cast<std::uint32_t>(output.size());
}

}  // extern "C"
