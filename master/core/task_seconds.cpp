#include "core/task_seconds.hpp"

#include <algorithm>
#include <cmath>

namespace netcompute::core {

void TaskSeconds::add(double seconds, std::uint32_t count) {
    const double octave = std::clamp(std::log2(std::max(seconds, 1e-9)), double{octave_min},
                                     double{octave_max} - 0.01);
    const auto bucket = static_cast<std::size_t>((octave - octave_min) * buckets_per_octave);
    buckets_[bucket] += count;
    total_ += count;
}

double TaskSeconds::quantile(double q) const {
    if (total_ == 0) return 0;
    const double target = q * static_cast<double>(total_);
    double seen = 0;
    std::size_t bucket = 0;
    for (; bucket + 1 < buckets_.size(); ++bucket) {
        seen += static_cast<double>(buckets_[bucket]);
        if (seen >= target) break;
    }
    return std::exp2(octave_min + static_cast<double>(bucket + 1) / buckets_per_octave);
}

}  // namespace netcompute::core
