#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace netcompute::bench {

/// Repeated measurements of one figure; each is printed as a JSON line when it is added.
class Series {
 public:
    Series(std::string name, std::string unit) : name_{std::move(name)}, unit_{std::move(unit)} {}

    void add(double value);
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::string& unit() const { return unit_; }
    [[nodiscard]] bool empty() const { return values_.empty(); }
    [[nodiscard]] double median() const;
    [[nodiscard]] double lowest() const;
    [[nodiscard]] double highest() const;

 private:
    std::string name_;
    std::string unit_;
    std::vector<double> values_;
};

/// What a figure should be.
struct Goal {
    enum class Kind { AtLeast, AtMost } kind = Kind::AtLeast;
    double bound = 0;
    [[nodiscard]] bool is_met_by(double value) const {
        return kind == Kind::AtLeast ? value >= bound : value <= bound;
    }
};

struct TableRow {
    const Series* series = nullptr;
    const Series* beside = nullptr;  ///< What it is divided by; null for none.
    std::optional<Goal> goal;        ///< For the median.
    std::optional<Goal> ratio_goal;  ///< For the median over the median of `beside`.
};

/// The median of some values, which are at least one.
[[nodiscard]] double median_of(std::vector<double> values);

/// Medians, ranges, ratios and goals, with the machine's load. True if every goal is met.
bool print_table(const std::vector<TableRow>& rows);

}  // namespace netcompute::bench
