#pragma once

#include "data/dataset.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace netcompute::learning {

struct AugmentationOptions {
    std::string id;      ///< Rows get numbers in place of what is in it; empty: there is none.
    std::string target;  ///< A column that is kept as it is; empty: there is none.
    double jitter = 0;   ///< What is added to numbers has this share of their deviation.
    std::uint64_t seed = 0;
};

/// Draws rows of a table, each time from all of them, and shakes their numbers: a normal number
/// times `jitter` times the column's deviation is added to each, rounded where all numbers of the
/// column are whole. What is missing stays so; everything that is no number is kept. A row depends
/// on the table, the options and its number alone.
class Augmentation {
 public:
    /// The table lives as long as this does.
    Augmentation(const data::Dataset& table, AugmentationOptions options);

    /// A row's fields but the id, in the order of the columns. `number` counts from 0.
    [[nodiscard]] std::vector<std::string> row(std::uint64_t number) const;
    /// The columns of those.
    [[nodiscard]] std::vector<std::string> names() const;

 private:
    struct Column {
        const data::Column* column = nullptr;
        double deviation = 0;  ///< 0: it is kept as it is.
        bool is_whole = false;
    };
    std::uint64_t row_count_;
    AugmentationOptions options_;
    std::vector<Column> columns_;
};

}  // namespace netcompute::learning
