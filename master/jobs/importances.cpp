#include "jobs/importances.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::jobs {
namespace {

/// Of all records together: they are in each checkpoint.
constexpr std::uint64_t figures_max = std::uint64_t{1} << 20;

std::uint32_t feature_count_of(const learning::FeatureColumn& column) {
    return learning::Preprocessing{{column}}.feature_count();
}

}  // namespace

PermutedColumns permuted_columns(const JudgedTable& table, std::uint32_t repeats,
                                 std::uint64_t seed) {
    PermutedColumns found;
    if (repeats == 0) return found;
    found.permutations.repeats = repeats;
    found.permutations.seed = seed;
    for (const auto& column : table.training.prepared.preprocessing.columns) {
        const std::uint32_t features = feature_count_of(column);
        if (features == 0) continue;
        found.names.push_back(column.name);
        found.permutations.features_of_columns.push_back(features);
    }
    return found;
}

Result<void> check_permutations(const JudgedTable& table, const PermutedColumns& columns,
                                std::span<const learning::Split> splits) {
    const std::uint64_t tellings = columns.permutations.tellings();
    if (tellings == 1) return {};
    std::size_t rows = 0;
    for (const learning::Split& split : splits) rows = std::max(rows, split.held_out.size());
    const std::string asked =
        "params.importance_repeats: " + std::to_string(columns.permutations.repeats) +
        " permutations of each of " + std::to_string(columns.names.size()) + " columns ";
    if (rows * table.form.width * tellings > programs::fit_scores_max) {
        return unexpected(ErrorCode::LimitExceeded,
                          asked + "among " + std::to_string(rows) +
                              " rows that a fold holds out are more than the " +
                              std::to_string(programs::fit_scores_max) +
                              " scores that one task answers with; give fewer, or more folds");
    }
    if (splits.size() * figure_count(table, columns) > figures_max) {
        return unexpected(ErrorCode::LimitExceeded,
                          asked + "in " + std::to_string(splits.size()) +
                              " fits are more than can be kept; give fewer, or fewer folds or "
                              "repeats");
    }
    return {};
}

learning::FitInputs permuting_inputs(const JudgedTable& table, const PermutedColumns& columns) {
    learning::FitInputs inputs = table.inputs;
    inputs.shared.front() = programs::encode_fit_table(table.header, columns.permutations);
    inputs.tellings = columns.permutations.tellings();
    return inputs;
}

std::size_t figure_count(const JudgedTable& table, const PermutedColumns& columns) {
    return table.metrics().size() * static_cast<std::size_t>(columns.permutations.tellings());
}

nlohmann::json importances_document(const JudgedTable& table, const PermutedColumns& columns,
                                    std::span<const learning::FitRecord* const> records) {
    const MetricNames metrics = table.metrics();
    const std::size_t repeats = columns.permutations.repeats;
    const auto drops_of = [&](std::size_t column, std::size_t metric) {
        std::vector<double> drops;
        for (const learning::FitRecord* const record : records) {
            for (std::size_t repeat = 0; repeat < repeats; ++repeat) {
                const std::size_t telling = 1 + column * repeats + repeat;
                drops.push_back(record->figures[telling * metrics.size() + metric]);
            }
        }
        return drops;
    };
    const std::size_t leading = table.class_count() == 0 ? metrics.size() - 1 : 0;
    std::vector<std::pair<double, nlohmann::json>> found;
    for (std::size_t column = 0; column < columns.names.size(); ++column) {
        nlohmann::json means = nlohmann::json::object();
        nlohmann::json deviations = nlohmann::json::object();
        double rank = 0;
        for (std::size_t metric = 0; metric < metrics.size(); ++metric) {
            const auto figure = mean_of(drops_of(column, metric));
            if (!figure) continue;
            means[std::string{metrics[metric]}] = figure->mean;
            deviations[std::string{metrics[metric]}] = figure->deviation;
            if (metric == leading) rank = figure->mean;
        }
        nlohmann::json document = {{"column", columns.names[column]}};
        document["metrics"] = std::move(means);
        document["deviations"] = std::move(deviations);
        found.emplace_back(rank, std::move(document));
    }
    std::ranges::stable_sort(found, std::greater<>{}, &std::pair<double, nlohmann::json>::first);
    nlohmann::json list = nlohmann::json::array();
    for (auto& [rank, document] : found) list.push_back(std::move(document));
    return list;
}

}  // namespace netcompute::jobs
