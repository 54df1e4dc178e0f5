#include "bin_table.hpp"
#include "boosting_memory.hpp"

#include <string>
#include <utility>

namespace netcompute::kernels {
namespace {

Error named(std::string_view kernel, const Error& error) {
    return {error.code, std::string{kernel} + ": " + error.message};
}

Result<void> read_state(BoostingInput& input, ByteSpan bytes) {
    ByteReader reader{bytes};
    input.tree = reader.number<std::uint32_t>();
    const auto last_size = reader.number<std::uint32_t>();
    input.trees.push_back(reader.bytes(last_size));
    std::optional<BoostedTree> levels;
    if (reader.ok()) levels = read_tree(reader, input.table.plan.feature_count, true);
    if (levels && reader.finished() && levels->size() < input.table.plan.max_depth &&
        (levels->empty() || nodes_after(levels->back()) > 0)) {
        input.levels = std::move(*levels);
        return {};
    }
    return unexpected(ErrorCode::InvalidArgument,
                      std::to_string(bytes.size()) + " bytes are not a state of a training");
}

}  // namespace

Result<BoostingInput> read_boosting_input(std::string_view kernel,
                                          std::span<const ByteSpan> inputs) {
    const auto wrong_count = [&] {
        return unexpected(ErrorCode::ShapeMismatch, std::string{kernel} + ": " +
                                                        std::to_string(inputs.size()) +
                                                        " inputs are too few for its plan");
    };
    if (inputs.empty()) return wrong_count();
    const auto plan = decode_boosting_plan(inputs[0]);
    if (!plan) return unexpected(named(kernel, plan.error()));
    BoostingInput input;
    input.table.plan = *plan;
    const std::size_t of_table = bin_table_inputs(plan->row_count, plan->feature_count);
    if (inputs.size() < 2 + of_table + 1) return wrong_count();
    const auto table_inputs = inputs.subspan(2, of_table);
    auto table = read_bin_table(table_inputs, plan->row_count, plan->feature_count);
    if (!table) return unexpected(named(kernel, table.error()));
    input.table.labels = std::move(table->labels);
    input.table.bins = std::move(table->bins);
    const auto blobs = inputs.subspan(2 + of_table, inputs.size() - of_table - 3);
    input.trees.assign(blobs.begin(), blobs.end());
    if (auto read = read_state(input, inputs[1]); !read) {
        return unexpected(named(kernel, read.error()));
    }
    ByteReader own{inputs.back()};
    for (std::uint32_t& number : input.own) number = own.number<std::uint32_t>();
    if (!own.finished()) {
        return unexpected(ErrorCode::ShapeMismatch,
                          std::string{kernel} + ": a task's own input has " +
                              std::to_string(inputs.back().size()) + " bytes, not 8");
    }
    input.from.push_back(inputs[0]);
    input.from.insert(input.from.end(), table_inputs.begin(), table_inputs.end());
    return input;
}

}  // namespace netcompute::kernels
