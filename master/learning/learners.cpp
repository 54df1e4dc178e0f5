#include "learning/learner.hpp"

#include <algorithm>
#include <array>

namespace netcompute::learning {

#define NETCOMPUTE_LEARNER(name) Learner name##_learner();
#include "learning/learners.inc"
#undef NETCOMPUTE_LEARNER

std::span<const Learner> learners() {
    static const std::array all{
#define NETCOMPUTE_LEARNER(name) name##_learner(),
#include "learning/learners.inc"
#undef NETCOMPUTE_LEARNER
    };
    return all;
}

const Learner* find_learner(std::string_view name) {
    const auto found = std::ranges::find(learners(), name, &Learner::name);
    return found == learners().end() ? nullptr : &*found;
}

std::vector<params::Param> params_of(const Learner& learner) {
    std::vector<params::Param> all = learner.params;
    if (learner.targets.both()) all.emplace_back(task_param);
    return all;
}

TargetQuestion question_of(const Learner& learner, const params::ParamValues& values) {
    return {learner.article, learner.targets,
            learner.targets.both() ? task_of(values[task_param]) : Task::Auto};
}

std::span<const std::string_view> learner_names() {
    static constexpr std::string_view names[] = {
#define NETCOMPUTE_LEARNER(name) #name,
#include "learning/learners.inc"
#undef NETCOMPUTE_LEARNER
    };
    return names;
}

}  // namespace netcompute::learning
