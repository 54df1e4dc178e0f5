#pragma once

#include <array>
#include <cstdint>

namespace netcompute::core {

/// How long a job's tasks take: a histogram with eight buckets an octave, so a quantile is within
/// 9 % of the truth in constant memory.
class TaskSeconds {
 public:
    /// `count` tasks of about `seconds` each.
    void add(double seconds, std::uint32_t count);
    /// The upper edge of the bucket that holds quantile `q` (0..1); 0 while empty.
    [[nodiscard]] double quantile(double q) const;

 private:
    static constexpr int octave_min = -20;  // About a microsecond.
    static constexpr int octave_max = 20;   // About twelve days.
    static constexpr int buckets_per_octave = 8;
    std::array<std::uint64_t, (octave_max - octave_min) * buckets_per_octave> buckets_{};
    std::uint64_t total_ = 0;
};

}  // namespace netcompute::core
