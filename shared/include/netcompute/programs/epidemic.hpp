#pragma once

#include <netcompute/kernels/epidemic.hpp>
#include <netcompute/programs/rounds.hpp>

#include <array>
#include <vector>

namespace netcompute::programs {

/// Shares of replicates that a quantile band's lines have below or on them.
inline constexpr std::array<double, 5> epidemic_quantiles{0.05, 0.25, 0.5, 0.75, 0.95};

/// Of a quantity of each replicate.
struct EpidemicSpread {
    double mean = 0;
    double standard_error = 0;
    /// Values of replicates: the smallest with at least this share of them not above it.
    std::array<double, epidemic_quantiles.size()> quantiles{};
};

/// Replicates of a stochastic epidemic, and what is common to them: quantiles of the number of
/// people in each state at each time, of the size of the epidemic and of its peak.
class EpidemicProgram final : public OneRound {
 public:
    static constexpr std::size_t states = 4;  ///< Susceptible, exposed, infectious, recovered.
    static constexpr std::size_t size_bins = 20;

    /// `plan`: of all replicates, from 0 on.
    explicit EpidemicProgram(const kernels::EpidemicInput& plan);

    [[nodiscard]] static std::uint64_t replicates_per_task(const kernels::EpidemicInput& plan);

    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;

    [[nodiscard]] double time(std::size_t point) const;
    /// People in `state` at `point`, for each of epidemic_quantiles.
    [[nodiscard]] std::span<const std::uint32_t> band(std::size_t point, std::size_t state) const;
    /// People infected until the end, those at the beginning too.
    [[nodiscard]] const EpidemicSpread& size() const { return spreads_[0]; }
    /// The most infectious people at a time.
    [[nodiscard]] const EpidemicSpread& peak() const { return spreads_[1]; }
    [[nodiscard]] const EpidemicSpread& peak_time() const { return spreads_[2]; }
    /// Replicates by the share of the population that was infected, in equal parts.
    [[nodiscard]] std::span<const std::uint64_t> size_histogram() const { return histogram_; }

 private:
    [[nodiscard]] Round only_round() const override;
    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork&) override;
    void write_result(ByteWriter& result) const override;
    [[nodiscard]] bool read_result(ByteReader& result) override;
    [[nodiscard]] kernels::EpidemicInput input_of(TaskIndex index) const;

    kernels::EpidemicInput plan_;
    std::vector<std::uint32_t> bands_;  ///< [points][states][quantiles]; empty until finished.
    std::array<EpidemicSpread, 3> spreads_{};
    std::array<std::uint64_t, size_bins> histogram_{};
};

}  // namespace netcompute::programs
