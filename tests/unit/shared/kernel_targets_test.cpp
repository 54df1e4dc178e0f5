// The first promise: the same bits from every instruction set that this CPU offers.
#include "highway_targets.hpp"
#include "job_cases.hpp"
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/math.hpp>
#include <netcompute/random.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>
#include <set>

namespace netcompute {

/// The vector forms of the functions of math.hpp on the chosen target (vector_math.cpp).
void vector_math(std::span<const double> x, std::span<double> exp, std::span<double> log,
                 std::span<double> log1p, std::span<double> sigmoid, std::span<double> softplus);
/// The lanes of a vector of the chosen target.
std::size_t vector_lanes();

namespace {

using testing::highway_targets;
using testing::KernelCase;
using testing::OnTarget;

/// An output, or the error as text, so that both compare.
std::string outcome(const KernelCase& task) {
    const kernels::Kernel* const kernel = kernels::find_kernel(task.kernel, task.version);
    if (kernel == nullptr) return "no such kernel";
    const auto output =
        kernels::run_once(*kernel, std::vector<ByteSpan>(task.inputs.begin(), task.inputs.end()));
    return std::string{output ? as_text(*output) : output.error().message};
}

TEST(KernelTargetsTest, ThereAreTargetsOfSeveralWidthsToCompare) {
    std::vector<std::size_t> widths;
    for (const std::int64_t target : highway_targets()) {
        const OnTarget scope{target};
        widths.push_back(vector_lanes());
        std::cout << hwy::TargetName(target) << ": " << widths.back() << " lanes\n";
    }
    EXPECT_GE(widths.size(), 3u);
    EXPECT_GT(widths.front(), widths.back());
}

TEST(KernelTargetsTest, EveryKernelGivesTheSameBytesOnEveryTarget) {
    const std::vector<KernelCase> cases = testing::all_cases();
    const std::vector<std::int64_t> targets = highway_targets();
    std::vector<std::string> expected;
    for (const KernelCase& task : cases) {
        const OnTarget scope{targets.back()};
        expected.push_back(outcome(task));
    }
    for (const std::int64_t target : targets) {
        const OnTarget scope{target};
        for (std::size_t i = 0; i < cases.size(); ++i) {
            EXPECT_TRUE(outcome(cases[i]) == expected[i])
                << "case " << i << " of " << cases[i].kernel << " on " << hwy::TargetName(target);
        }
    }
}

// A kernel without cases would be compared with nothing.
TEST(KernelTargetsTest, EveryKernelHasCasesThatSucceedAndCasesThatItRefuses) {
    std::map<std::string, std::set<bool>, std::less<>> outcomes;
    for (const KernelCase& task : testing::all_cases()) {
        const kernels::Kernel* const kernel = kernels::find_kernel(task.kernel, task.version);
        if (kernel == nullptr) continue;
        const std::vector<ByteSpan> inputs(task.inputs.begin(), task.inputs.end());
        outcomes[task.kernel].insert(kernels::run_once(*kernel, inputs).has_value());
    }
    for (const kernels::Kernel& kernel : kernels::registry()) {
        EXPECT_EQ(outcomes[std::string{kernel.name}], (std::set<bool>{false, true}))
            << kernel.name << ": no job type's example runs it; add cases to "
            << "tests/wasm/kernel_cases.cpp";
    }
}

std::vector<double> arguments_of_every_kind() {
    Philox random{1};
    std::vector<double> arguments{0.0, -0.0, 1.0, -1.0, HUGE_VAL, -HUGE_VAL, std::nan("")};
    while (arguments.size() < 160'000) {
        arguments.push_back(std::bit_cast<double>(random.next_u64()));
        arguments.push_back(1500 * random.next_unit() - 750);
        arguments.push_back(4 * random.next_unit() - 1);
        arguments.push_back(
            std::ldexp(random.next_unit(), static_cast<int>(random.next_below(60)) - 50));
    }
    arguments.resize(160'000);
    return arguments;
}

TEST(KernelTargetsTest, LanesOfTheMathsHaveTheBitsOfTheScalarFunctions) {
    const std::vector<double> x = arguments_of_every_kind();
    for (const std::int64_t target : highway_targets()) {
        const OnTarget scope{target};
        std::vector<double> exp(x.size()), log(x.size()), log1p(x.size());
        std::vector<double> sigmoid(x.size()), softplus(x.size());
        vector_math(x, exp, log, log1p, sigmoid, softplus);
        std::size_t different = 0;
        const auto compare = [&different](double lane, double scalar) {
            different += std::bit_cast<std::uint64_t>(lane) != std::bit_cast<std::uint64_t>(scalar);
        };
        for (std::size_t i = 0; i < x.size(); ++i) {
            compare(exp[i], math::exp(x[i]));
            compare(log[i], math::log(x[i]));
            compare(log1p[i], math::log1p(x[i]));
            compare(sigmoid[i], math::sigmoid(x[i]));
            compare(softplus[i], math::softplus(x[i]));
        }
        EXPECT_EQ(different, 0u) << "on " << hwy::TargetName(target);
    }
}

}  // namespace
}  // namespace netcompute
