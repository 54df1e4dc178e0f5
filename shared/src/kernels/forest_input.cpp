#include "forest_input.hpp"

#include "bin_table.hpp"

#include <cmath>
#include <string>
#include <utility>

namespace netcompute::kernels {
namespace {

std::string said_by(std::string_view kernel, const std::string& message) {
    return std::string{kernel} + ": " + message;
}

}  // namespace

Result<ForestInput> read_forest_input(std::string_view kernel, std::span<const ByteSpan> inputs,
                                      bool has_extra) {
    const auto wrong_count = [&] {
        return unexpected(ErrorCode::ShapeMismatch,
                          said_by(kernel, std::to_string(inputs.size()) +
                                              " inputs are not as many as its plan says"));
    };
    if (inputs.empty()) return wrong_count();
    const auto plan = decode_forest_plan(inputs[0]);
    if (!plan) return unexpected(plan.error().code, said_by(kernel, plan.error().message));
    ForestInput input;
    input.plan = *plan;
    const std::size_t of_table = bin_table_inputs(plan->row_count, plan->feature_count);
    if (inputs.size() != 1 + of_table + (has_extra ? 2 : 1)) return wrong_count();
    auto table = read_bin_table(inputs.subspan(1, of_table), plan->row_count, plan->feature_count);
    if (!table) return unexpected(table.error().code, said_by(kernel, table.error().message));
    input.labels = std::move(table->labels);
    input.bins = std::move(table->bins);
    input.bin_blobs = inputs.subspan(1 + input.labels.size(), input.bins.size());
    if (has_extra) input.extra = inputs[inputs.size() - 2];
    ByteReader own{inputs.back()};
    input.begin = own.number<std::uint32_t>();
    input.count = own.number<std::uint32_t>();
    if (own.finished()) return input;
    return unexpected(ErrorCode::ShapeMismatch,
                      said_by(kernel, "a task's own input has " +
                                          std::to_string(inputs.back().size()) + " bytes, not 8"));
}

Result<std::vector<std::int32_t>> whole_labels(const ForestInput& input) {
    const ForestPlan& plan = input.plan;
    std::vector<std::int32_t> whole;
    whole.reserve(plan.row_count);
    for (const auto& block : input.labels) {
        for (const double label : block) {
            const double units =
                plan.class_count > 0
                    ? label
                    : std::nearbyint((label - plan.label_offset) / plan.label_unit);
            const bool is_good =
                plan.class_count > 0
                    ? units >= 0 && units < plan.class_count && units == std::trunc(units)
                    : std::fabs(units) <= forest_units_max;  // False for NaN.
            if (!is_good) {
                return unexpected(ErrorCode::InvalidArgument,
                                  "forest: label " + std::to_string(label) + " of row " +
                                      std::to_string(whole.size()) +
                                      " is none that the plan has room for");
            }
            whole.push_back(static_cast<std::int32_t>(units));
        }
    }
    return whole;
}

}  // namespace netcompute::kernels
