#include "sabotage.hpp"

#include <algorithm>
#include <type_traits>
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
    [[nodiscard]] Result<void> finish_round(std::span<const ByteSpan> outputs,
                                            programs::RoundWork& work) override {
        std::vector<ByteSpan> told{outputs.begin(), outputs.end()};
        Bytes damaged{told.front().begin(), told.front().end()};
        if (!damaged.empty()) damaged.back() ^= std::byte{1};
        told.front() = damaged;
        return sound_->finish_round(told, work);
    }
    [[nodiscard]] std::vector<programs::BlobRef> blobs() const override { return sound_->blobs(); }
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

core::Event Saboteur::said(core::Event event) const {
    if (sabotage_ == Sabotage::RecomputeAfterRestart) {
        if (auto* const restored = std::get_if<core::JobRestored>(&event)) {
            for (auto& outputs : restored->rounds) outputs.clear();
        }
    } else if (sabotage_ == Sabotage::BelieveLiars) {
        if (auto* const round = std::get_if<core::RoundStarted>(&event)) {
            round->validation = {core::ValidationMode::None};
        }
    } else if (sabotage_ == Sabotage::ReuseLeaseIds) {
        if (std::holds_alternative<core::LeaseIdsUsed>(event)) event = core::ClockTicked{};
    }
    return event;
}

core::Event Saboteur::told(core::Event event) {
    const auto hide = [&]<typename T>(std::type_identity<T>) {
        if (std::holds_alternative<T>(event)) event = core::ClockTicked{};
    };
    auto* const joined = std::get_if<core::WorkerJoined>(&event);
    switch (sabotage_) {
        case Sabotage::FreezeTime:
            hide(std::type_identity<core::WorkerDisconnected>{});
            break;
        case Sabotage::RenewEverything:
            forget_ended_leases(event);
            if (auto* const beat = std::get_if<core::HeartbeatReceived>(&event)) {
                beat->leases = leases_given_[beat->worker];
            }
            break;
        case Sabotage::HideResumptions:
            if (joined != nullptr) joined->resumed = false;
            break;
        case Sabotage::CheckOnSamePc:
            if (joined != nullptr) joined->pc = 1'000'000 + joined->worker.value;
            break;
        case Sabotage::BelieveStrangers:
            if (joined != nullptr) joined->is_believed = true;
            break;
        case Sabotage::BlameNewcomers:
            if (joined != nullptr) joined->has_delivered = true;
            break;
        case Sabotage::PreferNewestJob:
            if (auto* const round = std::get_if<core::RoundStarted>(&event)) {
                round->priority = static_cast<std::int32_t>(round->job.value);
            }
            break;
        case Sabotage::BlameTheHonest:
            if (auto* const audit = std::get_if<core::TaskAudited>(&event)) audit->sha256 = {};
            break;
        case Sabotage::ServePausedJobs:
            hide(std::type_identity<core::JobPaused>{});
            break;
        case Sabotage::ServeWhileStalled:
            hide(std::type_identity<core::StoreStalled>{});
            break;
        default:
            break;
    }
    return event;
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

core::Effects Saboteur::effects(const core::Event& event, core::Effects effects) {
    const auto hide = [&]<typename T>(std::type_identity<T>) {
        std::erase_if(effects, [](const auto& one) { return std::holds_alternative<T>(one); });
    };
    switch (sabotage_) {
        case Sabotage::RecordSecondResults:
            for (core::Effect& effect : effects) record_second(event, effect);
            break;
        case Sabotage::ForgetCompletion:
            hide(std::type_identity<core::CompleteRound>{});
            break;
        case Sabotage::ForgetQuarantine:
            hide(std::type_identity<core::QuarantineWorker>{});
            break;
        case Sabotage::RenewEverything:
            note_leases(effects);
            break;
        case Sabotage::ForgetAnother:
            for (core::Effect& effect : effects) {
                if (auto* const forget = std::get_if<core::ForgetRounds>(&effect)) ++forget->first;
            }
            break;
        default:
            break;
    }
    return effects;
}

/// Takes the result that confirmed an output for the output.
void Saboteur::record_second(const core::Event& event, core::Effect& effect) {
    const auto* const confirmed = std::get_if<core::ConfirmOutputs>(&effect);
    const auto* const results = std::get_if<core::ResultsReceived>(&event);
    if (confirmed == nullptr || results == nullptr) return;
    core::RecordOutputs record{confirmed->job, confirmed->round, results->worker, {}};
    for (std::uint32_t position = 0; position < results->outcomes.size(); ++position) {
        if (results->outcomes[position].index == confirmed->tasks.front()) {
            record.positions = {position};
        }
    }
    if (!record.positions.empty()) effect = std::move(record);
}

void Saboteur::note_leases(const core::Effects& effects) {
    for (const core::Effect& effect : effects) {
        if (const auto* given = std::get_if<core::AssignTasks>(&effect)) {
            leases_given_[given->worker].push_back(given->lease);
        } else if (const auto* taken = std::get_if<core::RevokeLease>(&effect)) {
            std::erase(leases_given_[taken->worker], taken->lease);
        }
    }
}

const jobs::JobType* Saboteur::job_type(const jobs::JobType* type) {
    if (sabotage_ != Sabotage::DamageOutput || type == nullptr) return type;
    const auto [entry, is_new] = damaged_types_.try_emplace(type->name, *type);
    if (!is_new) return &entry->second;
    entry->second.make = [type](const jobs::ParamValues& values, const jobs::JobContext& context) {
        auto prepared = type->make(values, context);
        prepared->program = std::make_unique<DamagedProgram>(std::move(prepared->program));
        return prepared;
    };
    return &entry->second;
}

}  // namespace netcompute::sim
