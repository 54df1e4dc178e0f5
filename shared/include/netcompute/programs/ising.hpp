#pragma once

#include <netcompute/kernels/ising.hpp>
#include <netcompute/programs/sampled_means.hpp>

namespace netcompute::programs {

struct IsingPlan {
    std::uint32_t size = 0;
    std::uint32_t burn_in = 0;
    std::uint32_t sweeps = 0;
    double temperature = 0;
    Sampling sampling;  ///< A sample is a chain.
};

/// Where the infinite lattice orders itself: 2 / ln(1 + sqrt 2).
inline constexpr double ising_critical_temperature = 2.269185314213022;
/// The energy a spin of the infinite lattice. Source: Onsager, "Crystal statistics. I", 1944.
[[nodiscard]] double onsager_energy(double temperature);
/// The magnetisation a spin of the infinite lattice. Source: Yang, "The spontaneous magnetization
/// of a two-dimensional Ising model", 1952.
[[nodiscard]] double onsager_magnetisation(double temperature);

/// Energy and magnetisation of Ising's ferromagnet, as means over independent Markov chains.
class IsingProgram final : public SampledMeans {
 public:
    explicit IsingProgram(const IsingPlan& plan);

    /// How many chains a task has.
    [[nodiscard]] static std::uint64_t chains_per_task(const IsingPlan& plan);

    [[nodiscard]] double mean(kernels::IsingMean which) const;
    /// Of the energy a spin.
    [[nodiscard]] double standard_error() const override;
    [[nodiscard]] double magnetisation_error() const;
    [[nodiscard]] double specific_heat() const;   ///< A spin.
    [[nodiscard]] double susceptibility() const;  ///< A spin, of the absolute magnetisation.
    [[nodiscard]] double binder_cumulant() const;

 private:
    [[nodiscard]] Bytes task_input(std::uint64_t first, std::uint64_t count) const override;

    IsingPlan plan_;
};

}  // namespace netcompute::programs
