#include <netcompute/math.hpp>
#include <netcompute/programs/ising.hpp>

#include <algorithm>
#include <cmath>

namespace netcompute::programs {

using kernels::IsingMean;

double onsager_energy(double temperature) {
    const double grow = math::exp(2 / temperature);
    const double sinh = 0.5 * (grow - 1 / grow);
    const double cosh = 0.5 * (grow + 1 / grow);
    const double tanh_square = (sinh / cosh) * (sinh / cosh);
    // The elliptic integral, as the arithmetic-geometric mean of 1 and sqrt(1 - k^2), where
    // k = 2 sinh / cosh^2.
    double a = 1;
    double b = std::fabs(2 * tanh_square - 1);
    for (int i = 0; i < 60 && a != b; ++i) {
        const double mean = 0.5 * (a + b);
        b = std::sqrt(a * b);
        a = mean;
    }
    // At the critical temperature the integral is infinite, and its factor 0.
    const double term = b > 0 ? (2 * tanh_square - 1) / a : 0;
    return -(cosh / sinh) * (1 + term);
}

double onsager_magnetisation(double temperature) {
    const double grow = math::exp(2 / temperature);
    const double sinh = 0.5 * (grow - 1 / grow);
    const double square = sinh * sinh;
    if (!(square > 1)) return 0;
    return std::sqrt(std::sqrt(std::sqrt(1 - 1 / (square * square))));
}

IsingProgram::IsingProgram(const IsingPlan& plan)
    : SampledMeans{"ising", "PIS1", plan.sampling, chains_per_task(plan), kernels::ising_means},
      plan_{plan} {}

std::uint64_t IsingProgram::chains_per_task(const IsingPlan& plan) {
    constexpr std::uint64_t visits = std::uint64_t{1} << 27;
    const std::uint64_t sweeps = std::uint64_t{plan.burn_in} + plan.sweeps;
    return std::max<std::uint64_t>(1, visits / plan.size / plan.size / sweeps);
}

Bytes IsingProgram::task_input(std::uint64_t first, std::uint64_t count) const {
    return kernels::encode_ising({plan_.size, plan_.burn_in, plan_.sweeps, plan_.temperature,
                                  plan_.sampling.seed, first, count});
}

double IsingProgram::mean(IsingMean which) const {
    return sums()[which] / static_cast<double>(samples());
}

double IsingProgram::standard_error() const {
    return std::sqrt(variance_of_mean(sums()[kernels::Energy], sums()[kernels::EnergySquare],
                                      static_cast<double>(samples())));
}

double IsingProgram::magnetisation_error() const {
    return std::sqrt(variance_of_mean(sums()[kernels::Magnetisation],
                                      sums()[kernels::MagnetisationSquare],
                                      static_cast<double>(samples())));
}

double IsingProgram::specific_heat() const {
    const double energy = mean(kernels::Energy);
    const double spins = static_cast<double>(plan_.size) * plan_.size;
    return spins * (mean(kernels::SquaredEnergy) - energy * energy) /
           (plan_.temperature * plan_.temperature);
}

double IsingProgram::susceptibility() const {
    const double magnetisation = mean(kernels::Magnetisation);
    const double spins = static_cast<double>(plan_.size) * plan_.size;
    return spins * (mean(kernels::SquaredMagnetisation) - magnetisation * magnetisation) /
           plan_.temperature;
}

double IsingProgram::binder_cumulant() const {
    const double square = mean(kernels::SquaredMagnetisation);
    return square > 0 ? 1 - mean(kernels::FourthMagnetisation) / (3 * square * square) : 0;
}

}  // namespace netcompute::programs
