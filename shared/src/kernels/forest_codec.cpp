#include <netcompute/kernels/forest.hpp>
#include <netcompute/random.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace netcompute::kernels {
namespace {

/// The last word of the counters of draws; that of columns is the tree's stream (forest_grower).
constexpr std::uint32_t row_stream = 1;
constexpr std::size_t plan_flags = 3;

bool is_good_plan(const ForestPlan& plan) {
    return plan.row_count >= 1 && plan.row_count <= boosting_rows_max && plan.feature_count >= 1 &&
           plan.feature_count <= boosting_features_max && plan.class_count != 1 &&
           plan.class_count <= forest_classes_max && plan.max_depth >= 1 &&
           plan.max_depth <= forest_depth_max && plan.min_samples_split >= 2 &&
           plan.min_samples_leaf >= 1 && plan.max_features >= 1 &&
           plan.max_features <= plan.feature_count && plan.leaves_max >= 1 &&
           plan.leaves_max <= forest_leaves_max && std::isfinite(plan.label_offset) &&
           plan.label_unit > 0 && std::isfinite(plan.label_unit);
}

Unexpected no_forest(std::size_t size) {
    return unexpected(ErrorCode::InvalidArgument,
                      "forest: " + std::to_string(size) + " bytes are not a forest");
}

std::uint32_t leaf_count(std::span<const ForestNode> nodes) {
    // Each split has two nodes below it, and all but the first are below one.
    return static_cast<std::uint32_t>(nodes.size() / 2 + 1);
}

}  // namespace

Bytes encode_forest_plan(const ForestPlan& plan) {
    Bytes bytes;
    ByteWriter writer{bytes};
    for (const std::uint32_t value :
         {plan.row_count, plan.feature_count, plan.class_count, plan.max_depth,
          plan.min_samples_split, plan.min_samples_leaf, plan.max_features, plan.leaves_max,
          std::uint32_t{plan.bootstrap}, std::uint32_t{plan.random_cuts},
          std::uint32_t{plan.oob_score}, std::uint32_t{0}}) {
        writer.number(value);
    }
    writer.number(plan.label_offset);
    writer.number(plan.label_unit);
    writer.number(plan.seed);
    return bytes;
}

Result<ForestPlan> decode_forest_plan(ByteSpan bytes) {
    ByteReader reader{bytes};
    ForestPlan plan;
    for (std::uint32_t* const value :
         {&plan.row_count, &plan.feature_count, &plan.class_count, &plan.max_depth,
          &plan.min_samples_split, &plan.min_samples_leaf, &plan.max_features, &plan.leaves_max}) {
        *value = reader.number<std::uint32_t>();
    }
    std::uint32_t flags[plan_flags + 1];
    for (std::uint32_t& flag : flags) flag = reader.number<std::uint32_t>();
    plan.label_offset = reader.number<double>();
    plan.label_unit = reader.number<double>();
    plan.seed = reader.number<std::uint64_t>();
    if (!reader.finished()) {
        return unexpected(ErrorCode::ShapeMismatch,
                          "forest: " + std::to_string(bytes.size()) + " bytes are not a plan");
    }
    plan.bootstrap = flags[0] == 1;
    plan.random_cuts = flags[1] == 1;
    plan.oob_score = flags[2] == 1;
    const bool are_flags =
        flags[plan_flags] == 0 &&
        std::all_of(flags, flags + plan_flags, [](std::uint32_t flag) { return flag <= 1; });
    if (!is_good_plan(plan) || !are_flags) {
        return unexpected(ErrorCode::InvalidArgument,
                          "forest: a plan for " + std::to_string(plan.row_count) + " rows x " +
                              std::to_string(plan.feature_count) +
                              " features has a value out of its range");
    }
    return plan;
}

void scale_forest_labels(std::span<const double> labels, ForestPlan& plan) {
    const auto [least, largest] = std::minmax_element(labels.begin(), labels.end());
    // Halves first: the sum of two numbers may be none.
    plan.label_offset = *least / 2 + *largest / 2;
    const double half_range = *largest / 2 - *least / 2;
    int exponent = 0;
    std::frexp(half_range, &exponent);
    // A little room, since the offset was rounded. Ranges of almost nothing need no finer units.
    plan.label_unit = std::ldexp(1, std::max(exponent + 1 - 30, -1000));
}

void write_forest_tree(ByteWriter& writer, const ForestTree& tree) {
    writer.number(static_cast<std::uint32_t>(tree.nodes.size()));
    for (const ForestNode& node : tree.nodes) {
        writer.number(node.is_leaf() ? std::uint32_t{BoostedNode::leaf}
                                     : std::uint32_t{node.feature} | std::uint32_t{node.bin} << 16 |
                                           (node.missing_left ? 1U << 24 : 0U));
    }
    writer.numbers(std::span{tree.values});
}

bool is_forest_tree(std::span<const ForestNode> nodes, std::uint32_t feature_count) {
    // The depths of the right sides that are still to come, the next one last.
    std::vector<std::uint32_t> open{0};
    for (const ForestNode& node : nodes) {
        if (open.empty()) return false;
        const std::uint32_t depth = open.back();
        open.pop_back();
        if (node.is_leaf()) continue;
        if (depth >= forest_depth_max || node.feature >= feature_count) return false;
        open.insert(open.end(), 2, depth + 1);
    }
    return open.empty();
}

std::optional<ForestTree> read_forest_tree(ByteReader& reader, std::uint32_t feature_count,
                                           std::uint32_t class_count) {
    const auto node_count = reader.number<std::uint32_t>();
    if (node_count > reader.left() / sizeof(std::uint32_t)) return std::nullopt;
    ForestTree tree;
    tree.nodes.resize(node_count);
    for (ForestNode& node : tree.nodes) {
        const auto word = reader.number<std::uint32_t>();
        node.feature = static_cast<std::uint16_t>(word & 0xffff);
        node.bin = static_cast<std::uint8_t>(word >> 16 & 0xff);
        node.missing_left = word >> 24 == 1;
        if (node.is_leaf() ? word != BoostedNode::leaf : word >> 24 > 1) return std::nullopt;
    }
    if (!is_forest_tree(tree.nodes, feature_count)) return std::nullopt;
    const std::uint64_t values =
        std::uint64_t{leaf_count(tree.nodes)} * forest_leaf_width(class_count);
    if (values > reader.left() / sizeof(double)) return std::nullopt;
    tree.values.resize(static_cast<std::size_t>(values));
    for (double& value : tree.values) {
        value = reader.number<double>();
        if (!std::isfinite(value)) return std::nullopt;
    }
    return tree;
}

Bytes encode_forest(const Forest& forest) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(forest.class_count);
    writer.number(forest.feature_count);
    writer.number(static_cast<std::uint32_t>(forest.trees.size()));
    writer.number(std::uint32_t{0});
    for (const ForestTree& tree : forest.trees) write_forest_tree(writer, tree);
    return bytes;
}

Result<Forest> decode_forest(ByteSpan bytes) {
    ByteReader reader{bytes};
    Forest forest;
    forest.class_count = reader.number<std::uint32_t>();
    forest.feature_count = reader.number<std::uint32_t>();
    const auto tree_count = reader.number<std::uint32_t>();
    const auto reserved = reader.number<std::uint32_t>();
    if (!reader.ok() || reserved != 0 || forest.class_count == 1 ||
        forest.class_count > forest_classes_max || forest.feature_count < 1 ||
        forest.feature_count > boosting_features_max || tree_count < 1 ||
        tree_count > forest_trees_max) {
        return no_forest(bytes.size());
    }
    for (std::uint32_t i = 0; i < tree_count; ++i) {
        auto tree = read_forest_tree(reader, forest.feature_count, forest.class_count);
        if (!tree) return no_forest(bytes.size());
        forest.trees.push_back(std::move(*tree));
    }
    if (!reader.finished()) return no_forest(bytes.size());
    return forest;
}

Bytes encode_grown_forest(const GrownForest& grown) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.numbers(std::span{grown.importances});
    for (const ForestTree& tree : grown.trees) write_forest_tree(writer, tree);
    return bytes;
}

Result<GrownForest> decode_grown_forest(ByteSpan output, const ForestPlan& plan,
                                        std::uint32_t tree_count) {
    const auto no_output = [&] {
        return unexpected(ErrorCode::ShapeMismatch,
                          "an output of forest_trees has " + std::to_string(output.size()) +
                              " bytes that are not " + std::to_string(tree_count) +
                              " trees: the worker that sent it runs another kernel");
    };
    ByteReader reader{output};
    GrownForest grown;
    const std::uint64_t importances = std::uint64_t{tree_count} * plan.feature_count;
    if (importances > reader.left() / sizeof(double)) return no_output();
    grown.importances.resize(static_cast<std::size_t>(importances));
    for (double& share : grown.importances) {
        share = reader.number<double>();
        if (!(share >= 0 && share <= 1)) return no_output();
    }
    for (std::uint32_t i = 0; i < tree_count; ++i) {
        auto tree = read_forest_tree(reader, plan.feature_count, plan.class_count);
        if (!tree) return no_output();
        grown.trees.push_back(std::move(*tree));
    }
    if (!reader.finished()) return no_output();
    return grown;
}

Bytes encode_forest_range(std::uint32_t begin, std::uint32_t count) {
    return encode_boosting_range(begin, count);
}

std::vector<std::uint16_t> forest_draws(const ForestPlan& plan, std::uint32_t tree) {
    constexpr std::uint16_t drawn_max = 0xffff;
    std::vector<std::uint16_t> drawn(plan.row_count);
    const Philox::Key key{static_cast<std::uint32_t>(plan.seed),
                          static_cast<std::uint32_t>(plan.seed >> 32)};
    for (std::uint32_t draw = 0; draw < plan.row_count; draw += 4) {
        const Philox::Block numbers = Philox::block({draw / 4, 0, tree, row_stream}, key);
        const std::uint32_t count = std::min<std::uint32_t>(4, plan.row_count - draw);
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint64_t row = std::uint64_t{numbers[i]} * plan.row_count >> 32;
            std::uint16_t& times = drawn[static_cast<std::size_t>(row)];
            if (times < drawn_max) ++times;
        }
    }
    return drawn;
}

}  // namespace netcompute::kernels
