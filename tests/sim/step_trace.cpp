#include "step_trace.hpp"

namespace netcompute::sim {
namespace {

using namespace std::chrono_literals;

/// The trace at one step: one overload an event and an effect.
struct Writer {
    Trace& trace;
    Instant when;
    Instant step{};

    void add(std::string_view what, std::initializer_list<Trace::Number> numbers = {}) const {
        trace.add(when, "master", 0, what, numbers);
    }

    void operator()(const core::WorkerJoined& event) const {
        if (event.resumed) add("resumed", {{"worker", event.worker.value}});
        add("> joined", {{"worker", event.worker.value}, {"slots", event.slots}});
    }
    void operator()(const core::WorkerRestored& event) const {
        add("> worker restored", {{"worker", event.worker.value},
                                  {"validated", event.validated},
                                  {"quarantined", event.quarantined ? 1U : 0U}});
    }
    void operator()(const core::WorkerDrained& event) const {
        add(event.drained ? "> drained" : "> undrained", {{"worker", event.worker.value}});
    }
    void operator()(const core::WorkerReadmitted& event) const {
        add("> readmitted", {{"worker", event.worker.value}});
    }
    void operator()(const core::WorkerDisconnected& event) const {
        add("> disconnected", {{"worker", event.worker.value}});
    }
    void operator()(const core::WorkerLeft& event) const {
        add("> left", {{"worker", event.worker.value}});
    }
    void operator()(const core::HeartbeatReceived& event) const {
        add("> heartbeat", {{"worker", event.worker.value},
                            {"leases", event.leases.size()},
                            {"newest", event.leases.empty() ? 0 : event.leases.back().value},
                            {"slots", event.slots},
                            {"paused", event.paused ? 1U : 0U}});
    }
    void operator()(const core::RoundStarted& event) const {
        add("> round", {{"job", event.job.value},
                        {"round", event.round},
                        {"tasks", event.task_count},
                        {"fresh", event.fresh ? 1U : 0U}});
    }
    void operator()(const core::JobRestored& event) const {
        add("> job restored", {{"job", event.job.value}, {"rounds", event.rounds.size()}});
    }
    void operator()(const core::ProgramFinished& event) const {
        add("> finished", {{"job", event.job.value}, {"rounds", event.round_count}});
    }
    void operator()(const core::RoundRejected& event) const {
        trace.remark(event.error.message);
        add("> rejected", {{"job", event.job.value}});
    }
    void operator()(const core::TaskAudited& event) const {
        add("> audited", {{"job", event.job.value},
                          {"round", event.round},
                          {"task", event.index},
                          {"failed", event.failed ? 1U : 0U}});
    }
    void operator()(const core::JobPaused& event) const {
        add(event.paused ? "> paused" : "> goes on", {{"job", event.job.value}});
    }
    void operator()(const core::JobPrioritized& event) const {
        add("> priority", {{"job", event.job.value}});
    }
    void operator()(const core::StoreStalled& event) const {
        add(event.stalled ? "> store stalled" : "> store goes on");
    }
    void operator()(const core::LeaseIdsUsed& event) const {
        add("> lease ids", {{"last", event.last.value}});
    }
    void operator()(const core::RestorationEnded&) const { add("> all restored", {}); }
    void operator()(const core::JobEnded& event) const {
        add("> job ended", {{"job", event.job.value}});
    }
    void operator()(const core::ResultsReceived& event) const {
        const bool is_empty = event.outcomes.empty();
        add("> results", {{"worker", event.worker.value},
                          {"lease", event.lease.value},
                          {"count", event.outcomes.size()},
                          {"first", is_empty ? 0 : event.outcomes[0].index},
                          {"failed", !is_empty && event.outcomes[0].failed ? 1U : 0U}});
    }
    void operator()(const core::ClockTicked&) const { add("> tick"); }

    void operator()(const core::AssignTasks& effect) const {
        add(effect.is_check ? "check" : "assign",
            {{"lease", effect.lease.value},
             {"worker", effect.worker.value},
             {"job", effect.job.value},
             {"round", effect.round},
             {"first", effect.tasks.front()},
             {"count", effect.tasks.size()},
             {"seconds", static_cast<std::uint64_t>((effect.deadline - step) / 1s)}});
    }
    void operator()(const core::RevokeLease& effect) const {
        add("revoke", {{"lease", effect.lease.value},
                       {"worker", effect.worker.value},
                       {"reason", static_cast<std::uint64_t>(effect.reason)}});
    }
    void operator()(const core::RecordOutputs& effect) const {
        add("record", {{"job", effect.job.value},
                       {"round", effect.round},
                       {"count", effect.positions.size()}});
    }
    void operator()(const core::ConfirmOutputs& effect) const {
        add("confirm", {{"job", effect.job.value},
                        {"round", effect.round},
                        {"by", effect.confirmer.value},
                        {"first", effect.tasks.front()},
                        {"count", effect.tasks.size()}});
    }
    void operator()(const core::AuditTask& effect) const {
        add("audit", {{"job", effect.job.value}, {"round", effect.round}, {"task", effect.index}});
    }
    void operator()(const core::RecordAudit& effect) const {
        add("record audit", {{"job", effect.job.value}, {"task", effect.index}});
    }
    void operator()(const core::QuarantineWorker& effect) const {
        add("quarantine",
            {{"worker", effect.worker.value}, {"job", effect.job.value}, {"task", effect.index}});
    }
    void operator()(const core::ContestJob& effect) const {
        add("contest", {{"job", effect.job.value}, {"worker", effect.worker.value}});
    }
    void operator()(const core::PublishTrust& effect) const {
        add("trust", {{"worker", effect.worker.value}, {"validated", effect.validated}});
    }
    void operator()(const core::ForgetRounds& effect) const {
        add("forget",
            {{"job", effect.job.value}, {"first", effect.first}, {"rounds", effect.rounds.size()}});
    }
    void operator()(const core::VisitRound& effect) const {
        add("visit", {{"job", effect.job.value}, {"round", effect.round}});
    }
    void operator()(const core::FinishJob& effect) const {
        add("finish", {{"job", effect.job.value}});
    }
    void operator()(const core::CompleteRound& effect) const {
        add("complete", {{"job", effect.job.value}, {"round", effect.round}});
    }
    void operator()(const core::FailJob& effect) const {
        trace.remark(effect.error.message);
        add("give up", {{"job", effect.job.value}});
    }
    void operator()(const core::CloseSession& effect) const {
        add("close session", {{"worker", effect.worker.value}});
    }
    void operator()(const core::PublishWorker& effect) const {
        add(worker_state_name(effect.state), {{"worker", effect.worker.value}});
    }
};

}  // namespace

void trace_event(Trace& trace, Instant when, const core::Event& event) {
    std::visit(Writer{trace, when}, event);
}

void trace_effect(Trace& trace, Instant when, Instant step, const core::Effect& effect) {
    std::visit(Writer{trace, when, step}, effect);
}

}  // namespace netcompute::sim
