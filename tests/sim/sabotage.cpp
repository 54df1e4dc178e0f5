#include "sabotage.hpp"

#include <utility>

namespace netcompute::sim {
namespace {

/// Folds one wrong bit.
class DamagedProgram final : public programs::Program {
 public:
    explicit DamagedProgram(std::unique_ptr<Program> sound) : sound_{std::move(sound)} {}

    [[nodiscard]] std::optional<programs::Round> round() const override { return sound_->round(); }
    [[nodiscard]] std::vector<programs::TaskInput> task_inputs(TaskIndex index) const override {
        return sound_->task_inputs(index);
    }
    [[nodiscard]] Result<void> finish_round(std::span<const ByteSpan> outputs) override {
        std::vector<ByteSpan> told{outputs.begin(), outputs.end()};
        Bytes damaged{told.front().begin(), told.front().end()};
        if (!damaged.empty()) damaged.back() ^= std::byte{1};
        told.front() = damaged;
        return sound_->finish_round(told);
    }
    [[nodiscard]] Bytes checkpoint() const override { return sound_->checkpoint(); }
    [[nodiscard]] Result<void> restore(ByteSpan checkpoint) override {
        return sound_->restore(checkpoint);
    }
    [[nodiscard]] Bytes result_bytes() const override { return sound_->result_bytes(); }

 private:
    std::unique_ptr<Program> sound_;
};

}  // namespace

core::SchedulerLimits Saboteur::limits(core::SchedulerLimits limits) const {
    if (sabotage_ == Sabotage::GiveTooMuch) ++limits.leases_per_worker_max;
    return limits;
}

Instant Saboteur::clock(Instant now) const {
    return sabotage_ == Sabotage::FreezeTime ? Instant{} : now;
}

core::Event Saboteur::event(const core::Event& event) {
    if (sabotage_ == Sabotage::None) return event;
    core::Event told = event;
    if (sabotage_ == Sabotage::FreezeTime) {
        if (std::holds_alternative<core::WorkerDisconnected>(told)) told = core::ClockTicked{};
    } else if (sabotage_ == Sabotage::RenewEverything) {
        auto* const beat = std::get_if<core::HeartbeatReceived>(&told);
        if (beat != nullptr) beat->leases = leases_given_[beat->worker];
        forget_ended_leases(event);
    } else if (sabotage_ == Sabotage::HideResumptions) {
        auto* const joined = std::get_if<core::WorkerJoined>(&told);
        if (joined != nullptr) joined->resumed = false;
    } else if (sabotage_ == Sabotage::PreferNewestJob) {
        auto* const round = std::get_if<core::RoundStarted>(&told);
        if (round != nullptr) round->priority = static_cast<std::int32_t>(round->job.value);
    }
    return told;
}

/// Leaves those of which nothing was ever heard: their frames may be lost.
void Saboteur::forget_ended_leases(const core::Event& event) {
    if (const auto* results = std::get_if<core::ResultsReceived>(&event)) {
        std::erase(leases_given_[results->worker], results->lease);
    } else if (const auto* gone = std::get_if<core::WorkerDisconnected>(&event)) {
        leases_given_.erase(gone->worker);
    } else if (const auto* left = std::get_if<core::WorkerLeft>(&event)) {
        leases_given_.erase(left->worker);
    }
}

core::Effects Saboteur::effects(core::Effects effects) {
    if (sabotage_ == Sabotage::RecordSecondResults) {
        for (core::Effect& effect : effects) {
            const auto* const compared = std::get_if<core::CompareOutput>(&effect);
            if (compared == nullptr) continue;
            effect = core::RecordOutputs{
                compared->job, compared->round, compared->worker, {compared->position}};
        }
    } else if (sabotage_ == Sabotage::ForgetCompletion) {
        std::erase_if(effects, [](const core::Effect& effect) {
            return std::holds_alternative<core::CompleteRound>(effect);
        });
    } else if (sabotage_ == Sabotage::RenewEverything) {
        for (const core::Effect& effect : effects) {
            if (const auto* given = std::get_if<core::AssignTasks>(&effect)) {
                leases_given_[given->worker].push_back(given->lease);
            } else if (const auto* taken = std::get_if<core::RevokeLease>(&effect)) {
                std::erase(leases_given_[taken->worker], taken->lease);
            }
        }
    }
    return effects;
}

const engine::JobType* Saboteur::job_type(const engine::JobType* type) {
    if (sabotage_ != Sabotage::DamageOutput || type == nullptr) return type;
    const auto [entry, is_new] = damaged_types_.try_emplace(type->name, *type);
    if (!is_new) return &entry->second;
    entry->second.prepare = [type](const nlohmann::json& params,
                                   const engine::JobContext& context) {
        auto prepared = type->prepare(params, context);
        prepared->program = std::make_unique<DamagedProgram>(std::move(prepared->program));
        return prepared;
    };
    return &entry->second;
}

}  // namespace netcompute::sim
