#pragma once

#include <hwy/highway.h>

#include <string>
#include <vector>

namespace netcompute::testing {

/// Every Highway target that this build has code for and this CPU can run, best first.
inline std::vector<std::int64_t> highway_targets() {
    std::vector<std::int64_t> targets;
    const std::int64_t here = hwy::SupportedTargets() & HWY_TARGETS;
    for (int bit = 0; bit < 63; ++bit) {
        const std::int64_t target = std::int64_t{1} << bit;
        if ((here & target) != 0) targets.push_back(target);
    }
    return targets;
}

/// Makes the kernels run on one target, until the end of the scope.
class OnTarget {
 public:
    explicit OnTarget(std::int64_t target) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(target);
    }
    ~OnTarget() {
        hwy::SetSupportedTargetsForTest(0);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
    OnTarget(const OnTarget&) = delete;
    OnTarget& operator=(const OnTarget&) = delete;
};

}  // namespace netcompute::testing
