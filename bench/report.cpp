#include "report.hpp"

#include <netcompute/assert.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace netcompute::bench {
namespace {

double load_average() {
    std::array<double, 1> load{};
    return getloadavg(load.data(), 1) == 1 ? load[0] : -1;
}

/// Three significant digits or more: "634,000", "12.9".
std::string shown(double value) {
    if (value < 100) return fmt::format("{:.3g}", value);
    std::string digits = fmt::format("{:.0f}", value);
    for (std::size_t place = digits.size(); place > 3; place -= 3) digits.insert(place - 3, ",");
    return digits;
}

std::string describe(const Goal& goal) {
    return (goal.kind == Goal::Kind::AtLeast ? ">= " : "<= ") + shown(goal.bound);
}

}  // namespace

double median_of(std::vector<double> values) {
    NETCOMPUTE_ASSERT(!values.empty(), "a median needs a value");
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

void Series::add(double value) {
    values_.push_back(value);
    fmt::print("{{\"case\":\"{}\",\"value\":{:.6g},\"unit\":\"{}\",\"load\":{:.2f}}}\n", name_,
               value, unit_, load_average());
    std::fflush(stdout);
}

double Series::median() const {
    return median_of(values_);
}
double Series::lowest() const {
    return *std::min_element(values_.begin(), values_.end());
}
double Series::highest() const {
    return *std::max_element(values_.begin(), values_.end());
}

bool print_table(const std::vector<TableRow>& rows) {
    bool all_met = true;
    fmt::print("\n{:<58} {:>10} {:<8} {:>21} {:>7}  {}\n", "", "median", "", "range", "ratio",
               "goal");
    for (const TableRow& row : rows) {
        const Series& series = *row.series;
        if (series.empty()) continue;
        const std::string range =
            fmt::format("{} .. {}", shown(series.lowest()), shown(series.highest()));
        std::string ratio;
        std::string verdict;
        const auto judge = [&](const Goal& goal, double value, const char* what) {
            const bool met = goal.is_met_by(value);
            all_met = all_met && met;
            verdict += fmt::format("{}{}{}: {}", verdict.empty() ? "" : "; ", what, describe(goal),
                                   met ? "met" : "MISSED");
        };
        if (row.goal) judge(*row.goal, series.median(), "");
        if (row.beside != nullptr && !row.beside->empty()) {
            const double value = series.median() / row.beside->median();
            ratio = fmt::format("{:.2f}", value);
            if (row.ratio_goal) judge(*row.ratio_goal, value, "ratio ");
        }
        fmt::print("{:<58} {:>10} {:<8} {:>21} {:>7}  {}\n", series.name(), shown(series.median()),
                   series.unit(), range, ratio, verdict);
    }
    fmt::print("load average {:.2f} on {} cores\n", load_average(),
               std::thread::hardware_concurrency());
    return all_met;
}

}  // namespace netcompute::bench
