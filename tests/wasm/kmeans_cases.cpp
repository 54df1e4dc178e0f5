#include "kmeans_cases.hpp"

#include "boosting_cases.hpp"
#include <netcompute/kernels/kmeans.hpp>
#include <netcompute/kernels/tile.hpp>

namespace netcompute::testing {
namespace {

using kernels::KMeansPoints;

/// Multiples of an eighth, so that some rows are equal and some equally near.
std::vector<double> coarse_numbers(Philox& random, std::size_t count, double scale) {
    std::vector<double> numbers(count);
    for (double& number : numbers) {
        number = scale * (static_cast<double>(random.next_below(64)) - 32) / 8;
    }
    return numbers;
}

void add_tasks(std::vector<KernelCase>& cases, Philox& random, std::uint32_t rows,
               std::uint32_t features, std::uint32_t centers, double scale) {
    const auto points = [&](std::uint32_t starts, std::uint32_t count) {
        return kernels::encode_kmeans_points(
            {starts, count, features,
             coarse_numbers(random, std::size_t{starts} * count * features, scale)});
    };
    const Bytes tile = kernels::encode_tile(
        rows, features, coarse_numbers(random, std::size_t{rows} * features, scale));
    const double picks[] = {0, 0.3 * rows, 1e300};
    cases.push_back(
        {"kmeans_seeding",
         1,
         {points(2, centers - 1), points(2, 3), tile, kernels::encode_kmeans_task(1, picks)}});
    cases.push_back({"kmeans_sums", 1, {points(2, centers), tile, kernels::encode_kmeans_task(1)}});
    cases.push_back({"kmeans_labels", 1, {points(1, centers), tile}});
}

}  // namespace

std::vector<KernelCase> kmeans_cases() {
    Philox random{20260101};
    std::vector<KernelCase> cases;
    for (const std::uint32_t rows : {1U, 15U, 16U, 17U, 1003U}) {
        for (const std::uint32_t features : {1U, 3U, 64U}) {
            for (const std::uint32_t centers : {1U, 4U, 7U}) {
                add_tasks(cases, random, rows, features, centers, 1);
            }
        }
    }
    for (const double scale : {1e-310, 1e-9, 1e4, 6e4, 1e300}) {
        add_tasks(cases, random, 100, 2, 5, scale);
    }
    std::vector<KernelCase> damaged;
    for (std::size_t i = 0; i < 3; ++i) add_damaged_cases(damaged, cases[i + 120], 40);
    cases.insert(cases.end(), damaged.begin(), damaged.end());
    return cases;
}

}  // namespace netcompute::testing
