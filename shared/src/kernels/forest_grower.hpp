#pragma once

#include <netcompute/kernels/forest.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace netcompute::kernels {

/// A training table, as the inputs of a task hold it: checked.
struct ForestTable {
    ForestPlan plan;
    std::span<const std::uint8_t> columns;  ///< Bins, shape [features][rows].
    std::vector<std::int32_t> labels;       ///< Classes, or numbers in whole units.
};

/// Grows trees one after another, with the same memory.
class ForestGrower {
 public:
    /// The table outlives it.
    explicit ForestGrower(const ForestTable& table);
    ForestGrower(const ForestGrower&) = delete;
    ForestGrower& operator=(const ForestGrower&) = delete;
    ~ForestGrower();

    /// Adds a tree to what has grown. Errors: LimitExceeded for more leaves than the plan allows.
    [[nodiscard]] Result<void> grow(std::uint32_t tree, GrownForest& grown);

    struct Implementation;

 private:
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace netcompute::kernels
