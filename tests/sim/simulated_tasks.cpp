#include "simulated_tasks.hpp"

#include "lies.hpp"

#include <utility>

namespace netcompute::sim {

namespace {

/// Whatever is asked for, gives what it gave before.
class MixedUpMemo final : public kernels::MemoValues {
 public:
    explicit MixedUpMemo(kernels::MemoStore& sound) : sound_{sound} {}

    [[nodiscard]] Result<kernels::AnyValue> get(const kernels::MemoKey& key,
                                                const Derive& derive) override {
        return sound_.get({{}, key.type}, derive);
    }

 private:
    kernels::MemoStore& sound_;
};

}  // namespace

SimulatedTasks::SimulatedTasks(RunnerTraits traits, Surroundings surroundings)
    : traits_{traits}, around_{std::move(surroundings)} {}

double SimulatedTasks::told_seconds(double seconds) {
    const bool lies = traits_.lies_about_time && faults_are_on() &&
                      around_.dice.chance(around_.faults.lies_about_time);
    return lies ? around_.dice.one_of({0.0, 1e-12, 1e4, 1e6}) : seconds;
}

Result<Bytes> SimulatedTasks::run(const protocol::Lease& lease, const protocol::LeasedTask& task) {
    if (!around_.mixes_up_memo) return around_.catalog.run(lease, task, memo_);
    MixedUpMemo mixed_up{memo_};
    return around_.catalog.run(lease, task, mixed_up);
}

void SimulatedTasks::compute(const protocol::Lease& lease, std::size_t place,
                             worker::OutcomeChunk& chunk) {
    const protocol::LeasedTask& task = lease.tasks[place];
    if (faults_are_on() && around_.dice.chance(around_.faults.blob_failure)) {
        return chunk.add_error(task.index, {ErrorCode::Unavailable, "a blob could not be fetched"});
    }
    if (faults_are_on() && traits_.lacks_memory &&
        around_.dice.chance(around_.faults.own_failure)) {
        return chunk.add_error(task.index, {ErrorCode::OutOfMemory, "out of memory"});
    }
    const Result<Bytes> truth = run(lease, task);
    if (!truth) return chunk.add_error(task.index, truth.error());
    if (traits_.lies == 0 || !around_.dice.chance(traits_.lies)) {
        return chunk.add_output(task.index, *truth);
    }
    const auto& tasks = lease.tasks;
    const Result<Bytes> other = run(lease, tasks[(place + 1) % tasks.size()]);
    Lie lie = lie_about(*truth, other ? *other : *truth, around_.faults.collusion, around_.dice);
    around_.on_lie(lie.kind);
    chunk.add_output(task.index, std::move(lie.bytes));
}

}  // namespace netcompute::sim
