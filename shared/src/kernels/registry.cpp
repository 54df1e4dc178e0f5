#include "builtin.hpp"

#include <array>

namespace netcompute::kernels {
namespace {

constexpr std::array<Kernel, 4> all{{
    {"linear_scores", 1, linear_scores},
    {"logistic_newton", 1, logistic_newton},
    {"monte_carlo_pi", 1, monte_carlo_pi},
    {"noop", 1, noop},
}};

}  // namespace

std::span<const Kernel> registry() {
    return all;
}

const Kernel* find_kernel(std::string_view name, std::uint32_t version) {
    for (const Kernel& kernel : all) {
        if (kernel.name == name && kernel.version == version) return &kernel;
    }
    return nullptr;
}

}  // namespace netcompute::kernels
