#include <netcompute/worker/browser_worker.hpp>

#include <algorithm>
#include <utility>

namespace netcompute::worker {

void BrowserWorker::StreamLink::close(Closing) {
    owner_.around_.host.close_socket(owner_.agent_.reason());
}

bool BrowserWorker::StreamLink::send(Channel channel, const protocol::WireMessage& message) {
    owner_.around_.host.send(channel, message);
    return true;
}

BrowserWorker::BrowserWorker(Instant now, BrowserSettings settings, Surroundings surroundings)
    : settings_{std::move(settings)},
      around_{std::move(surroundings)},
      dispatcher_{around_.slot_cache_bytes},
      load_{now},
      now_{now},
      agent_{{.worker = settings_.worker,
              .token = settings_.token,
              .name = settings_.name,
              .version = "",
              .slots = settings_.slots,
              .master = "this page's address",
              .secret = settings_.secret,
              .machine = "",
              .kind = protocol::WorkerKind::Browser,
              .is_ready = false},
             {.runner = dispatcher_,
              .link = link_,
              .sample_load =
                  [this] {
                      const double busy = load_.take(now_);
                      cpu_ = std::min(1.0, busy / std::max(around_.cores, 1U));
                      return SystemLoad{cpu_, dispatcher_.memory_bytes()};
                  },
              .random = around_.random,
              .say = [](Severity, const std::string&) {}}} {}

void BrowserWorker::tick(Instant now) {
    now_ = now;
    agent_.tick(now);
    for (const SlotId slot : dispatcher_.overdue(now)) {
        dispatcher_.slot_gone(slot, false);
        around_.host.replace(slot);
    }
    settle(now);
}

Instant BrowserWorker::next_deadline() const {
    return std::min(agent_.next_deadline(), dispatcher_.next_deadline());
}

void BrowserWorker::socket_closed(Instant now, const std::string& reason) {
    now_ = now;
    agent_.link_down(now, reason);
    settle(now);
}

void BrowserWorker::frame_received(Instant now, ByteSpan frame) {
    now_ = now;
    agent_.receive_frame(now, frame);
    settle(now);
}

void BrowserWorker::message_received(Instant now, std::string_view header, Bytes payload) {
    now_ = now;
    agent_.receive(now, header, std::move(payload));
    settle(now);
}

void BrowserWorker::text_received(Instant now) {
    now_ = now;
    agent_.receive_malformed(now, "frame: text, not binary");
    settle(now);
}

void BrowserWorker::slot_ready(Instant now, SlotId slot, std::string version) {
    now_ = now;
    version_ = version;
    problem_.clear();
    dispatcher_.slot_ready(slot);
    agent_.runner_ready(now, std::move(version));
    settle(now);
}

void BrowserWorker::retire(Instant now, SlotId slot, bool retiring) {
    now_ = now;
    dispatcher_.retire(slot, retiring);
    settle(now);
}

void BrowserWorker::slot_gone(Instant now, SlotId slot, bool crashed) {
    now_ = now;
    dispatcher_.slot_gone(slot, crashed);
    settle(now);
}

void BrowserWorker::outcomes_received(Instant now, SlotId slot, ChunkOutcomes outcomes,
                                      std::uint32_t failed, bool broken) {
    now_ = now;
    rate_.add(now, outcomes.count);
    tasks_done_ += outcomes.count;
    tasks_failed_ += failed;
    dispatcher_.received(slot, std::move(outcomes));
    if (broken) {
        dispatcher_.slot_gone(slot, false);
        around_.host.replace(slot);
    }
    settle(now);
}

void BrowserWorker::set_problem(Instant now, std::string problem) {
    now_ = now;
    problem_ = std::move(problem);
}

void BrowserWorker::change_settings(Instant now, BrowserSettings settings) {
    now_ = now;
    const BrowserSettings before = std::exchange(settings_, std::move(settings));
    if (settings_.slots != before.slots) {
        around_.host.resize(settings_.slots);
        agent_.set_slots(now, settings_.slots);
    }
    if (settings_.name != before.name || settings_.token != before.token) {
        agent_.introduce(now, settings_.name, settings_.token);
    }
    settle(now);
}

void BrowserWorker::set_paused(Instant now, bool paused) {
    now_ = now;
    agent_.set_paused(now, paused);
    settle(now);
}

void BrowserWorker::retry(Instant now) {
    now_ = now;
    agent_.retry(now);
}

void BrowserWorker::hand_back(Instant now) {
    now_ = now;
    agent_.hand_back();
    settle(now);
}

void BrowserWorker::settle(Instant now) {
    SlotOrders orders = dispatcher_.dispatch(now);
    if (!orders.prefetch.empty()) around_.host.prefetch(orders.prefetch);
    for (const auto& [slot, lease] : orders.forgets) around_.host.forget(slot, lease);
    for (auto& [slot, chunk] : orders.runs) around_.host.run(slot, std::move(chunk));
    for (const SlotId slot : dispatcher_.idle_retired()) {
        dispatcher_.slot_gone(slot, false);
        around_.host.stop(slot);
    }
    load_.observe(now, dispatcher_.status().busy_slots);
}

std::string_view BrowserWorker::phase() const {
    switch (agent_.state()) {
        case Agent::State::Disconnected:
            return agent_.retry_at() == instant_never ? "loading" : "waiting";
        case Agent::State::Connecting:
        case Agent::State::Greeting:
            return "connecting";
        case Agent::State::Joined:
        case Agent::State::Leaving:
            return "joined";
        case Agent::State::Finished:
            return agent_.ending()->code.empty() ? "left" : "refused";
    }
    return "loading";
}

BrowserStatus BrowserWorker::status(Instant now) {
    const RunnerStatus runner = dispatcher_.status();
    const Instant retry_at = agent_.retry_at();
    BrowserStatus status;
    status.phase = phase();
    status.reason = agent_.reason();
    if (agent_.ending()) status.refused_code = agent_.ending()->code;
    if (retry_at != instant_never) status.retry_seconds = std::max(0.0, to_seconds(retry_at - now));
    status.paused = agent_.is_paused();
    status.draining = agent_.is_draining();
    status.problem = problem_;
    status.version = version_;
    status.master_version = agent_.master_version();
    status.worker = agent_.worker();
    status.slots = settings_.slots;
    status.slots_busy = runner.busy_slots;
    status.leases = runner.leases.size();
    status.current = dispatcher_.current();
    status.tasks_done = tasks_done_;
    status.tasks_failed = tasks_failed_;
    status.tasks_per_second = rate_.per_second(now);
    status.cpu = cpu_;
    status.memory_bytes = dispatcher_.memory_bytes();
    return status;
}

}  // namespace netcompute::worker
