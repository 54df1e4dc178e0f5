#pragma once

#include "core/events.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>

namespace netcompute::core {

/// What a step answers, in the order in which it was decided. Confirmations and counts of trust
/// come task by task: those that follow each other, and could be told as one, are.
class EffectList {
 public:
    void add(Effect effect) {
        if (effects_.empty()) effects_.reserve(usual_count);
        effects_.push_back(std::move(effect));
    }
    /// The output of this task is confirmed, by this worker's word or, for WorkerId{}, the
    /// master's.
    void add_confirmation(JobId job, RoundIndex round, WorkerId confirmer, TaskIndex index) {
        auto* const last = last_as<ConfirmOutputs>();
        if (last != nullptr && last->job == job && last->round == round &&
            last->confirmer == confirmer) {
            last->tasks.push_back(index);
        } else {
            add(ConfirmOutputs{job, round, confirmer, {index}});
        }
    }
    /// So many results of this worker in a row are confirmed by now.
    void add_trust(WorkerId worker, std::uint32_t validated) {
        auto* const last = last_as<PublishTrust>();
        if (last != nullptr && last->worker == worker)
            last->validated = validated;
        else
            add(PublishTrust{worker, validated});
    }
    /// All of them; there are none left here.
    [[nodiscard]] Effects take() { return std::exchange(effects_, {}); }

 private:
    static constexpr std::size_t usual_count = 4;

    template <typename Kind>
    [[nodiscard]] Kind* last_as() {
        return effects_.empty() ? nullptr : std::get_if<Kind>(&effects_.back());
    }

    Effects effects_;
};

}  // namespace netcompute::core
