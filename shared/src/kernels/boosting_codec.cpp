#include <netcompute/kernels/boosting.hpp>

#include <cmath>
#include <cstring>
#include <string>
#include <tuple>

namespace netcompute::kernels {
namespace {

constexpr std::uint32_t bins_magic = 0x3142434e;  // "NCB1"
constexpr std::size_t bins_header = 16;
constexpr std::uint32_t levels_max = boosting_depth_max + 1;

bool within(double value, double min, double max) {
    return value >= min && value <= max;  // False for NaN.
}

Unexpected wrong_output(std::string_view kernel, std::size_t size, std::size_t expected) {
    return unexpected(ErrorCode::ShapeMismatch,
                      "an output of " + std::string{kernel} + " has " + std::to_string(size) +
                          " bytes, not " + std::to_string(expected) +
                          ": the worker that sent it runs another kernel");
}

bool has_its_classes(const BoostingPlan& plan) {
    if (plan.objective != BoostingObjective::Softmax) return plan.class_count == 1;
    return plan.class_count >= 2 && plan.class_count <= boosting_classes_max;
}

bool is_good(const BoostingPlan& plan) {
    return plan.row_count >= 1 && plan.row_count <= boosting_rows_max && plan.feature_count >= 1 &&
           plan.feature_count <= boosting_features_max &&
           plan.objective <= BoostingObjective::Softmax && has_its_classes(plan) &&
           plan.max_depth >= 1 && plan.max_depth <= boosting_depth_max &&
           within(plan.learning_rate, 0, 1e6) && within(plan.reg_lambda, 0, 1e300) &&
           within(plan.reg_alpha, 0, 1e300) && within(plan.gamma, 0, 1e300) &&
           within(plan.min_child_weight, 0, 1e300) && within(plan.subsample, 0, 1) &&
           within(plan.colsample_bytree, 0, 1) && std::isfinite(plan.base_margin);
}

/// The nodes of the next level of a tree, if it is one.
std::optional<BoostedLevel> read_level(ByteReader& reader, std::uint32_t nodes,
                                       std::uint32_t feature_count) {
    if (reader.left() / sizeof(std::uint32_t) < nodes) return std::nullopt;
    BoostedLevel level(nodes);
    for (BoostedNode& node : level) {
        const auto word = reader.number<std::uint32_t>();
        node.feature = static_cast<std::uint16_t>(word & 0xffff);
        node.bin = static_cast<std::uint8_t>(word >> 16 & 0xff);
        node.missing_left = (word >> 24) == 1;
        if (node.is_leaf() ? word != BoostedNode::leaf
                           : node.feature >= feature_count || word >> 24 > 1) {
            return std::nullopt;
        }
    }
    for (BoostedNode& node : level) {
        if (!node.is_leaf()) continue;
        node.value = reader.number<double>();
        if (!std::isfinite(node.value)) return std::nullopt;
    }
    if (!reader.ok()) return std::nullopt;
    return level;
}

}  // namespace

Bytes empty_bins(std::uint32_t row_count, std::uint32_t column_count) {
    Bytes bytes;
    bytes.reserve(bins_header +
                  std::size_t{bin_groups(column_count)} * row_count * bin_group_columns);
    ByteWriter writer{bytes};
    writer.number(bins_magic);
    writer.number(row_count);
    writer.number(column_count);
    writer.number(std::uint32_t{0});
    bytes.resize(bytes.capacity());
    return bytes;
}

std::span<std::uint8_t> bins_of_group(Bytes& block, std::uint32_t row_count, std::uint32_t group) {
    const std::size_t size = std::size_t{row_count} * bin_group_columns;
    auto* const first = reinterpret_cast<std::uint8_t*>(block.data() + bins_header);
    return {first + group * size, size};
}

Result<BinsView> decode_bins(ByteSpan bytes) {
    ByteReader reader{bytes};
    const auto magic = reader.number<std::uint32_t>();
    const auto row_count = reader.number<std::uint32_t>();
    const auto column_count = reader.number<std::uint32_t>();
    const auto reserved = reader.number<std::uint32_t>();
    if (!reader.ok() || magic != bins_magic || reserved != 0) {
        return unexpected(ErrorCode::InvalidArgument,
                          "a block of bins of " + std::to_string(bytes.size()) +
                              " bytes does not begin as one does (NCB1): it is not one");
    }
    const std::uint64_t rows = std::uint64_t{row_count} * bin_group_columns;
    if (column_count > boosting_features_max ||
        rows * bin_groups(column_count) != std::uint64_t{reader.left()}) {
        return unexpected(ErrorCode::ShapeMismatch,
                          "a block of bins says " + std::to_string(row_count) + " rows x " +
                              std::to_string(column_count) + " columns, but holds " +
                              std::to_string(reader.left()) + " bytes of bins");
    }
    const auto* const bins = reinterpret_cast<const std::uint8_t*>(bytes.data() + bins_header);
    return BinsView{row_count, column_count, {bins, reader.left()}};
}

Bytes encode_boosting_plan(const BoostingPlan& plan) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(plan.row_count);
    writer.number(plan.feature_count);
    writer.number(static_cast<std::uint32_t>(plan.objective));
    writer.number(plan.max_depth);
    for (const double value :
         {plan.learning_rate, plan.reg_lambda, plan.reg_alpha, plan.gamma, plan.min_child_weight,
          plan.subsample, plan.colsample_bytree, plan.base_margin}) {
        writer.number(value);
    }
    writer.number(plan.seed);
    if (plan.class_count != 1) writer.number(plan.class_count);
    return bytes;
}

Result<BoostingPlan> decode_boosting_plan(ByteSpan bytes) {
    ByteReader reader{bytes};
    BoostingPlan plan;
    plan.row_count = reader.number<std::uint32_t>();
    plan.feature_count = reader.number<std::uint32_t>();
    plan.objective = static_cast<BoostingObjective>(reader.number<std::uint32_t>());
    plan.max_depth = reader.number<std::uint32_t>();
    for (double* const value :
         {&plan.learning_rate, &plan.reg_lambda, &plan.reg_alpha, &plan.gamma,
          &plan.min_child_weight, &plan.subsample, &plan.colsample_bytree, &plan.base_margin}) {
        *value = reader.number<double>();
    }
    plan.seed = reader.number<std::uint64_t>();
    if (reader.left() > 0) plan.class_count = reader.number<std::uint32_t>();
    if (!reader.finished()) {
        return unexpected(ErrorCode::ShapeMismatch,
                          "boosting: " + std::to_string(bytes.size()) + " bytes are not a plan");
    }
    if (!is_good(plan)) {
        return unexpected(ErrorCode::InvalidArgument,
                          "boosting: a plan for " + std::to_string(plan.row_count) + " rows x " +
                              std::to_string(plan.feature_count) +
                              " features has a value out of its range");
    }
    return plan;
}

std::uint32_t nodes_after(const BoostedLevel& level) {
    std::uint32_t splits = 0;
    for (const BoostedNode& node : level) splits += node.is_leaf() ? 0U : 1U;
    return 2 * splits;
}

void write_level(ByteWriter& writer, const BoostedLevel& level) {
    for (const BoostedNode& node : level) {
        writer.number(node.is_leaf() ? std::uint32_t{BoostedNode::leaf}
                                     : std::uint32_t{node.feature} | std::uint32_t{node.bin} << 16 |
                                           (node.missing_left ? 1U << 24 : 0U));
    }
    for (const BoostedNode& node : level) {
        if (node.is_leaf()) writer.number(node.value);
    }
}

void write_tree(ByteWriter& writer, const BoostedTree& tree) {
    for (const BoostedLevel& level : tree) write_level(writer, level);
}

std::optional<BoostedTree> read_tree(ByteReader& reader, std::uint32_t feature_count,
                                     bool partial) {
    BoostedTree tree;
    std::uint32_t nodes = 1;
    while (nodes > 0 && !(partial && reader.left() == 0)) {
        if (tree.size() == levels_max) return std::nullopt;
        auto level = read_level(reader, nodes, feature_count);
        if (!level) return std::nullopt;
        nodes = nodes_after(*level);
        tree.push_back(std::move(*level));
    }
    return tree;
}

Result<std::vector<BoostedTree>> read_trees(ByteSpan bytes, std::uint32_t feature_count) {
    std::vector<BoostedTree> trees;
    ByteReader reader{bytes};
    while (reader.left() > 0) {
        auto tree = read_tree(reader, feature_count);
        if (!tree) {
            return unexpected(ErrorCode::InvalidArgument,
                              "boosting: what should be tree " + std::to_string(trees.size()) +
                                  " for " + std::to_string(feature_count) + " features is not one");
        }
        trees.push_back(std::move(*tree));
    }
    return trees;
}

Bytes encode_splits(std::span<const BestSplit> splits) {
    Bytes bytes;
    ByteWriter writer{bytes};
    for (const BestSplit& split : splits) {
        for (const double value :
             {split.gain, split.gradient, split.hessian, split.gradient_left, split.hessian_left}) {
            writer.number(value);
        }
        writer.number(split.feature);
        writer.number(split.bin);
        writer.number(std::uint8_t{split.missing_left});
        writer.number(std::uint32_t{0});
    }
    return bytes;
}

Result<std::vector<BestSplit>> decode_splits(ByteSpan output, std::uint32_t nodes) {
    const std::size_t expected = std::size_t{nodes} * 48;
    if (output.size() != expected) return wrong_output("boosting_splits", output.size(), expected);
    ByteReader reader{output};
    std::vector<BestSplit> splits(nodes);
    for (BestSplit& split : splits) {
        for (double* const value : {&split.gain, &split.gradient, &split.hessian,
                                    &split.gradient_left, &split.hessian_left}) {
            *value = reader.number<double>();
        }
        split.feature = reader.number<std::uint16_t>();
        split.bin = reader.number<std::uint8_t>();
        split.missing_left = reader.number<std::uint8_t>() != 0;
        std::ignore = reader.number<std::uint32_t>();  // Fills up to 48 bytes.
    }
    return splits;
}

Bytes encode_boosting_state(const BoostingState& state) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(state.tree);
    writer.number(static_cast<std::uint32_t>(state.last_trees.size()));
    writer.bytes(state.last_trees);
    writer.bytes(state.levels);
    return bytes;
}

Bytes encode_column_mask(const ColumnMask& columns) {
    return encode_boosting_range(columns.group, columns.mask);
}

Bytes encode_boosting_range(std::uint32_t begin, std::uint32_t count) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(begin);
    writer.number(count);
    return bytes;
}

Bytes encode_grown_trees(const GrownTrees& grown) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(static_cast<std::uint64_t>(grown.gains.size()));
    writer.numbers(std::span<const double>{grown.gains});
    writer.bytes(grown.trees);
    return bytes;
}

Result<GrownTrees> decode_grown_trees(ByteSpan output) {
    ByteReader reader{output};
    const auto gains = reader.number<std::uint64_t>();
    if (!reader.ok() || gains > reader.left() / sizeof(double)) {
        return wrong_output("boosting_trees", output.size(), sizeof gains);
    }
    GrownTrees grown;
    grown.gains.resize(static_cast<std::size_t>(gains));
    for (double& gain : grown.gains) gain = reader.number<double>();
    const ByteSpan trees = reader.bytes(reader.left());
    grown.trees.assign(trees.begin(), trees.end());
    return grown;
}

}  // namespace netcompute::kernels
