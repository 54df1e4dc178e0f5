#include "simulated_runner.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::sim {

SimulatedRunner::SimulatedRunner(std::uint32_t slots, SimulatedTasks& tasks,
                                 Surroundings surroundings)
    : around_{std::move(surroundings)}, tasks_{tasks}, slots_{slots} {}

void SimulatedRunner::submit(protocol::Lease lease, Bytes payload) {
    auto run = std::make_shared<Run>();
    run->unfinished = lease.tasks.size();
    run->lease = std::move(lease);
    run->payload = std::move(payload);
    runs_.push_back(std::move(run));
    start_tasks();
}

void SimulatedRunner::revoke(LeaseId lease) {
    for (const RunPointer& run : runs_) {
        if (run->lease.lease == lease) run->revoked = true;
    }
    std::erase_if(runs_, [](const RunPointer& run) { return run->revoked; });
}

void SimulatedRunner::drop_unstarted() {
    for (const RunPointer& run : runs_) {
        run->unfinished -= run->lease.tasks.size() - run->next;
        run->next = run->lease.tasks.size();
    }
    std::erase_if(runs_, [](const RunPointer& run) { return run->unfinished == 0; });
}

void SimulatedRunner::set_slots(std::uint32_t slots) {
    slots_ = slots;
    start_tasks();
}

void SimulatedRunner::start_tasks() {
    constexpr double post_seconds = 1e-3;
    for (const RunPointer& run : runs_) {
        const double mean = tasks_.mean_seconds(run->lease.job);
        while (busy_slots_ < slots_ && run->next < run->lease.tasks.size()) {
            const std::size_t begin = run->next;
            double seconds = 0;
            do {
                seconds += tasks_.draw_seconds(mean);
                ++run->next;
            } while (seconds < post_seconds && run->next < run->lease.tasks.size());
            ++busy_slots_;
            around_.after(from_seconds(seconds), [this, run, begin, end = run->next, seconds] {
                finish(run, begin, end, seconds);
            });
        }
        if (busy_slots_ >= slots_) return;
    }
}

void SimulatedRunner::finish(const RunPointer& run, std::size_t begin, std::size_t end,
                             double seconds) {
    --busy_slots_;
    if (!run->revoked) {
        worker::OutcomeChunk chunk{run->lease.lease, run->lease.job, run->lease.round};
        chunk.add_busy_seconds(tasks_.told_seconds(seconds));
        for (std::size_t place = begin; place < end; ++place) {
            tasks_.compute(run->lease, place, chunk);
        }
        outbox_.push_back(std::move(chunk));
        around_.on_computed(run->lease.job, end - begin, seconds);
        run->unfinished -= end - begin;
        if (run->unfinished == 0) std::erase(runs_, run);
    }
    start_tasks();
    around_.on_outcomes();
}

std::vector<worker::OutcomeChunk> SimulatedRunner::take_outcomes() {
    return std::exchange(outbox_, {});
}

worker::RunnerStatus SimulatedRunner::status() const {
    worker::RunnerStatus status;
    status.slots = slots_;
    status.busy_slots = busy_slots_;
    for (const RunPointer& run : runs_) {
        status.unfinished += run->unfinished;
        status.leases.push_back(run->lease.lease);
    }
    return status;
}

}  // namespace netcompute::sim
