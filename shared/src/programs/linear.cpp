#include "gram_sums.hpp"
#include "least_squares.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/kernels/gram.hpp>
#include <netcompute/programs/linear.hpp>
#include <netcompute/programs/scores.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace netcompute::programs {
namespace {

/// The products as they are, and what centres them.
struct CentredProducts {
    NormalEquations equations;
    std::vector<double> means;  ///< Of the features.
    double target_mean = 0;     ///< Without the shift.
};

/// Takes the means out of the products of features, 1 and target.
CentredProducts centred(const std::vector<double>& products, std::size_t features,
                        std::uint64_t rows) {
    CentredProducts result;
    NormalEquations& equations = result.equations;
    equations.size = features;
    equations.rows = rows;
    equations.gram.resize(features * features);
    const auto count = static_cast<double>(rows);
    std::vector<double> sums;
    std::size_t next = 0;
    for (std::size_t i = 0; i < features; ++i) {
        for (std::size_t j = i; j < features; ++j)
            equations.gram[i * features + j] = products[next++];
        sums.push_back(products[next++]);
        equations.right.push_back(products[next++]);
    }
    ++next;  // 1 times 1: the rows.
    const double target_sum = products[next++];
    equations.target_square = products[next] - target_sum * (target_sum / count);
    result.target_mean = target_sum / count;
    for (std::size_t i = 0; i < features; ++i) {
        const double mean = sums[i] / count;
        result.means.push_back(mean);
        equations.right[i] -= mean * target_sum;
        for (std::size_t j = i; j < features; ++j) {
            double& product = equations.gram[i * features + j];
            product -= mean * sums[j];
            equations.gram[j * features + i] = product;
        }
    }
    equations.target_square = std::max(0.0, equations.target_square);
    return result;
}

/// The square roots of sigma² (X'X)^-1's diagonal, with 1 among the columns.
std::vector<double> standard_errors(const CentredProducts& products, const LeastSquares& solution) {
    const NormalEquations& equations = products.equations;
    const std::size_t size = equations.size;
    if (solution.inverse_diagonal.size() != size || equations.rows <= size + 1) return {};
    double explained = 0;
    for (std::size_t i = 0; i < size; ++i) explained += solution.weights[i] * equations.right[i];
    const double free = static_cast<double>(equations.rows - size - 1);
    const double variance = std::max(0.0, equations.target_square - explained) / free;
    std::vector<double> errors;
    for (const double inverse : solution.inverse_diagonal) {
        errors.push_back(std::sqrt(variance * inverse));
    }
    // Of the intercept at the features' means: those of standardised features are 0.
    errors.push_back(std::sqrt(variance / static_cast<double>(equations.rows)));
    return errors;
}

}  // namespace

LinearProgram::LinearProgram(LinearPlan plan)
    : ManyRounds{"training", "PLR1"}, plan_{std::move(plan)} {
    NETCOMPUTE_ASSERT(!plan_.shards.empty(), "a round has at least one task");
    for (const TrainingShard& shard : plan_.shards) row_count_ += shard.row_count;
    model_.weights.resize(plan_.feature_count);
}

std::optional<Round> LinearProgram::round() const {
    const auto tasks = static_cast<std::uint32_t>(plan_.shards.size());
    if (phase_ == Phase::Finished) return std::nullopt;
    if (phase_ == Phase::Adding) {
        return Round{"gram", 1, {kernels::encode_shift(plan_.shift)}, tasks};
    }
    return Round{"linear_scores", 1, {result_bytes()}, tasks};
}

std::vector<TaskInput> LinearProgram::task_inputs(TaskIndex index) const {
    const TrainingShard& shard = plan_.shards[index];
    if (phase_ == Phase::Adding) return {shard.features, shard.labels};
    return {shard.features};
}

Result<void> LinearProgram::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    if (phase_ == Phase::Adding) return solve(outputs);
    std::vector<std::uint32_t> row_counts;
    row_counts.reserve(plan_.shards.size());
    for (const TrainingShard& shard : plan_.shards) row_counts.push_back(shard.row_count);
    Result<std::vector<double>> scores = fold_scores(outputs, row_counts);
    if (!scores) return unexpected(scores.error());
    scores_ = std::move(scores).value();
    phase_ = Phase::Finished;
    return {};
}

Result<void> LinearProgram::solve(std::span<const ByteSpan> outputs) {
    const auto total = add_gram_sums(outputs, plan_.feature_count);
    if (!total) return unexpected(total.error());
    if (!std::all_of(total->begin(), total->end(),
                     [](double product) { return std::isfinite(product); })) {
        return unexpected(ErrorCode::InvalidArgument,
                          "training: the products of the columns are beyond all numbers: scale "
                          "the features or the target");
    }
    const CentredProducts products = centred(*total, plan_.feature_count, row_count_);
    if (plan_.penalty == LinearPenalty::ElasticNet) {
        auto solution = solve_elastic_net(
            products.equations, {plan_.alpha, plan_.l1_ratio, plan_.tolerance, plan_.sweeps_max});
        if (!solution) return unexpected(solution.error());
        model_.weights = std::move(solution->weights);
        figures_.sweeps = solution->sweeps;
        figures_.gap = solution->gap;
    } else {
        const bool is_plain = plan_.penalty == LinearPenalty::None;
        LeastSquares solution =
            solve_least_squares(products.equations, is_plain ? 0 : plan_.alpha, is_plain);
        figures_.rank = static_cast<std::uint32_t>(solution.rank);
        if (is_plain) figures_.errors = standard_errors(products, solution);
        model_.weights = std::move(solution.weights);
    }
    double at_means = 0;
    for (std::size_t i = 0; i < products.means.size(); ++i) {
        at_means += products.means[i] * model_.weights[i];
    }
    model_.intercept = plan_.shift + (products.target_mean - at_means);
    phase_ = Phase::Scoring;
    return {};
}

void LinearProgram::write_state(ByteWriter& state) const {
    state.number(plan_.feature_count);
    state.number(row_count_);
    state.number(static_cast<std::uint32_t>(phase_));
    state.number(figures_.rank);
    state.number(figures_.sweeps);
    state.number(figures_.gap);
    state.numbers(std::span<const double>{model_.weights});
    state.number(model_.intercept);
    state.number(static_cast<std::uint64_t>(figures_.errors.size()));
    state.numbers(std::span<const double>{figures_.errors});
    state.numbers(std::span<const double>{scores_});
}

bool LinearProgram::read_state(ByteReader& state) {
    const auto feature_count = state.number<std::uint32_t>();
    const auto row_count = state.number<std::uint64_t>();
    const auto phase = state.number<std::uint32_t>();
    if (feature_count != plan_.feature_count || row_count != row_count_ ||
        phase > static_cast<std::uint32_t>(Phase::Finished)) {
        return false;
    }
    phase_ = static_cast<Phase>(phase);
    figures_.rank = state.number<std::uint32_t>();
    figures_.sweeps = state.number<std::uint32_t>();
    figures_.gap = state.number<double>();
    for (double& weight : model_.weights) weight = state.number<double>();
    model_.intercept = state.number<double>();
    const auto error_count = state.number<std::uint64_t>();
    if (error_count != 0 && error_count != std::uint64_t{feature_count} + 1) return false;
    figures_.errors.resize(static_cast<std::size_t>(error_count));
    for (double& error : figures_.errors) error = state.number<double>();
    const std::uint64_t score_count = phase_ == Phase::Finished ? row_count_ : 0;
    if (state.left() != score_count * sizeof(double)) return false;
    scores_.resize(static_cast<std::size_t>(score_count));
    for (double& score : scores_) score = state.number<double>();
    return true;
}

Progress LinearProgram::progress() const {
    if (phase_ == Phase::Finished) return {1.0, {}};
    return {phase_ == Phase::Adding ? 0.0 : 0.5, {}};
}

Bytes LinearProgram::result_bytes() const {
    return kernels::encode_weights(model_.weights, model_.intercept);
}

}  // namespace netcompute::programs
