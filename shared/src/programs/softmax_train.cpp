#include "cholesky.hpp"
#include "gram_sums.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/kernels/gram.hpp>
#include <netcompute/programs/scores.hpp>
#include <netcompute/programs/softmax_train.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

namespace netcompute::programs {
namespace {

/// Of the decrease that the gradient promises, a step must bring this share at least.
constexpr double armijo_share = 1e-4;
/// A rise of the objective by less than this share of it is rounding.
constexpr double rounding_of_objective = 1e-13;
/// Below this share of a step, another halving cannot help.
constexpr double halving_min = 0x1p-40;
/// All remembered vectors together, in numbers: they are in each state.
constexpr std::size_t remembered_max = std::size_t{1} << 20;
/// More features than this have a diagonal guess of the curvature alone.
constexpr std::uint32_t factored_features_max = 512;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

/// The largest size of an entry; NaN if one is.
double largest_size(const std::vector<double>& values) {
    double result = 0;
    for (const double value : values) {
        if (std::isnan(value)) return value;
        result = std::max(result, std::fabs(value));
    }
    return result;
}

std::string figure_text(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

void write_list(ByteWriter& state, const std::vector<double>& values) {
    state.number(static_cast<std::uint64_t>(values.size()));
    state.numbers(std::span<const double>{values});
}

/// A list of this size, or an empty one where that may be.
bool read_list(ByteReader& state, std::vector<double>& values, std::size_t size,
               bool may_be_empty) {
    const auto count = state.number<std::uint64_t>();
    if (count != size && !(may_be_empty && count == 0)) return false;
    if (count > state.left() / sizeof(double)) return false;
    values.resize(static_cast<std::size_t>(count));
    for (double& value : values) value = state.number<double>();
    return true;
}

}  // namespace

SoftmaxProgram::SoftmaxProgram(SoftmaxPlan plan)
    : ManyRounds{"training", "PST1"}, plan_{std::move(plan)} {
    NETCOMPUTE_ASSERT(!plan_.shards.empty(), "a round has at least one task");
    for (const TrainingShard& shard : plan_.shards) row_count_ += shard.row_count;
    size_ = std::size_t{plan_.feature_count} + 1;
    weights_.resize(plan_.class_count * size_);
    candidate_ = weights_;
    pairs_max_ = std::clamp<std::size_t>(remembered_max / (2 * weights_.size()), 3, 12);
}

SoftmaxProgram::~SoftmaxProgram() = default;

double SoftmaxProgram::gradient_max() const {
    return largest_size(gradient_);
}

std::optional<Round> SoftmaxProgram::round() const {
    const auto tasks = static_cast<std::uint32_t>(plan_.shards.size());
    switch (phase_) {
        case Phase::Adding:
            return Round{"gram", 1, {kernels::encode_shift(0)}, tasks};
        case Phase::Descending:
            return Round{"softmax_gradient",
                         1,
                         {kernels::encode_softmax_weights(plan_.class_count, candidate_)},
                         tasks};
        case Phase::Scoring:
            return Round{"softmax_scores", 1, {result_bytes()}, tasks};
        case Phase::Finished:
            break;
    }
    return std::nullopt;
}

std::vector<TaskInput> SoftmaxProgram::task_inputs(TaskIndex index) const {
    const TrainingShard& shard = plan_.shards[index];
    if (phase_ == Phase::Scoring) return {shard.features};
    return {shard.features, shard.labels};
}

Result<void> SoftmaxProgram::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    if (phase_ == Phase::Adding) return fold_products(outputs);
    if (phase_ == Phase::Descending) return fold_gradient(outputs);
    return fold_scores_of_rows(outputs);
}

Result<void> SoftmaxProgram::fold_products(std::span<const ByteSpan> outputs) {
    const auto total = add_gram_sums(outputs, plan_.feature_count);
    if (!total) return unexpected(total.error());
    // The last column, the target's, is of no use here.
    products_.clear();
    const double* next = total->data();
    for (std::size_t i = 0; i < size_; ++i) {
        const std::size_t count = size_ - i;
        products_.insert(products_.end(), next, next + count);
        next += count + 1;
    }
    factor_curvature();
    phase_ = Phase::Descending;
    return {};
}

/// At weights of 0 the curvature is that of the squares, a share of one class each, but for what
/// all classes have in common, where no step goes.
void SoftmaxProgram::factor_curvature() {
    std::vector<double> triangle = products_;
    std::size_t diagonal = 0;
    for (double& product : triangle) product /= plan_.class_count;
    for (std::size_t i = 0; i + 1 < size_; ++i) {
        triangle[diagonal] += plan_.l2;
        diagonal += size_ - i;
    }
    curvature_.reset();
    if (plan_.feature_count > factored_features_max) return;
    auto factor = CholeskyFactor::of(triangle, size_);
    if (factor) curvature_ = std::make_unique<const CholeskyFactor>(*std::move(factor));
}

void SoftmaxProgram::precondition(std::vector<double>& vector) const {
    for (std::size_t c = 0; c < plan_.class_count; ++c) {
        const std::span<double> of_class = std::span{vector}.subspan(c * size_, size_);
        if (curvature_ != nullptr) {
            curvature_->solve(of_class);
            continue;
        }
        std::size_t diagonal = 0;
        for (std::size_t i = 0; i < size_; ++i) {
            const double l2 = i + 1 < size_ ? plan_.l2 : 0;
            of_class[i] /= products_[diagonal] / plan_.class_count + l2;
            diagonal += size_ - i;
        }
    }
}

/// Loss and gradient of the whole objective at candidate_: the shards' sums, in shard order, and
/// the penalty, which leaves the intercepts alone.
Result<kernels::SoftmaxSums> SoftmaxProgram::sums_of(std::span<const ByteSpan> outputs) const {
    kernels::SoftmaxSums total;
    total.gradient.resize(weights_.size());
    for (std::size_t task = 0; task < outputs.size(); ++task) {
        const auto sums = kernels::decode_softmax_sums(outputs[task], weights_.size());
        if (!sums) {
            return unexpected(sums.error().code,
                              "task " + std::to_string(task) + ": " + sums.error().message);
        }
        total.loss += sums->loss;
        for (std::size_t i = 0; i < weights_.size(); ++i) total.gradient[i] += sums->gradient[i];
    }
    double squares = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
        if (i % size_ + 1 == size_) continue;
        squares += candidate_[i] * candidate_[i];
        total.gradient[i] += plan_.l2 * candidate_[i];
    }
    total.loss += 0.5 * plan_.l2 * squares;
    return total;
}

Result<void> SoftmaxProgram::fold_gradient(std::span<const ByteSpan> outputs) {
    auto sums = sums_of(outputs);
    if (!sums) return unexpected(sums.error());
    ++iterations_;
    const bool first = gradient_.empty();
    const double promised = first ? 0 : step_ * dot(gradient_, direction_);
    const double allowed =
        objective_ + armijo_share * promised + rounding_of_objective * std::fabs(objective_);
    if (first || sums->loss <= allowed) {
        if (!first) remember(sums->gradient);
        weights_ = candidate_;
        objective_ = sums->loss;
        gradient_ = std::move(sums->gradient);
        aim();
        if (is_close() && step_ * largest_size(direction_) <=
                              plan_.step_tolerance * std::max(1.0, largest_size(weights_))) {
            phase_ = Phase::Scoring;
            return {};
        }
    } else {
        step_ *= 0.5;
        take_step();
    }
    const bool is_stuck = step_ < halving_min || iterations_ >= plan_.iterations_max;
    if (!is_stuck) return {};
    if (is_close()) {
        phase_ = Phase::Scoring;
        return {};
    }
    return unexpected(ErrorCode::LimitExceeded,
                      "training: after " + std::to_string(iterations_) +
                          " iterations the gradient's largest entry is still " +
                          figure_text(gradient_max()) + ", not below " +
                          figure_text(plan_.gradient_tolerance * static_cast<double>(row_count_)) +
                          ": allow more iterations, or a larger penalty (a smaller C)");
}

bool SoftmaxProgram::is_close() const {
    return gradient_max() < plan_.gradient_tolerance * static_cast<double>(row_count_);
}

/// A new pair, of weights_ and candidate_; the oldest one goes. Of a convex objective the product
/// of both is above 0, but for rounding.
void SoftmaxProgram::remember(const std::vector<double>& gradient) {
    Pair pair;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
        pair.step.push_back(candidate_[i] - weights_[i]);
        pair.change.push_back(gradient[i] - gradient_[i]);
    }
    if (!(dot(pair.step, pair.change) > 0)) return;
    if (pairs_.size() == pairs_max_) pairs_.erase(pairs_.begin());
    pairs_.push_back(std::move(pair));
}

/// The next direction: L-BFGS's two loops, with the guess of the curvature between them.
void SoftmaxProgram::aim() {
    std::vector<double> rest = gradient_;
    std::vector<double> shares(pairs_.size());
    for (std::size_t i = pairs_.size(); i-- > 0;) {
        const auto& [step, change] = pairs_[i];
        shares[i] = dot(step, rest) / dot(step, change);
        for (std::size_t k = 0; k < rest.size(); ++k) rest[k] -= shares[i] * change[k];
    }
    precondition(rest);
    if (!pairs_.empty()) {
        const auto& [step, change] = pairs_.back();
        std::vector<double> divided = change;
        precondition(divided);
        const double scale = dot(step, change) / dot(change, divided);
        for (double& entry : rest) entry *= scale;
    }
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
        const auto& [step, change] = pairs_[i];
        const double share = shares[i] - dot(change, rest) / dot(step, change);
        for (std::size_t k = 0; k < rest.size(); ++k) rest[k] += share * step[k];
    }
    direction_.resize(rest.size());
    for (std::size_t k = 0; k < rest.size(); ++k) direction_[k] = -rest[k];
    step_ = 1;
    take_step();
}

void SoftmaxProgram::take_step() {
    for (std::size_t i = 0; i < weights_.size(); ++i) {
        candidate_[i] = weights_[i] + step_ * direction_[i];
    }
}

Result<void> SoftmaxProgram::fold_scores_of_rows(std::span<const ByteSpan> outputs) {
    std::vector<std::uint32_t> row_counts;
    row_counts.reserve(plan_.shards.size());
    for (const TrainingShard& shard : plan_.shards) row_counts.push_back(shard.row_count);
    auto scores = fold_scores(outputs, row_counts, plan_.class_count);
    if (!scores) return unexpected(scores.error());
    scores_ = std::move(scores).value();
    phase_ = Phase::Finished;
    return {};
}

void SoftmaxProgram::write_state(ByteWriter& state) const {
    state.number(plan_.feature_count);
    state.number(plan_.class_count);
    state.number(row_count_);
    state.number(static_cast<std::uint32_t>(phase_));
    state.number(iterations_);
    state.number(objective_);
    state.number(step_);
    state.numbers(std::span<const double>{weights_});
    state.numbers(std::span<const double>{candidate_});
    for (const auto* const list : {&products_, &gradient_, &direction_}) write_list(state, *list);
    state.number(static_cast<std::uint64_t>(pairs_.size()));
    for (const Pair& pair : pairs_) {
        state.numbers(std::span<const double>{pair.step});
        state.numbers(std::span<const double>{pair.change});
    }
    state.numbers(std::span<const double>{scores_});
}

bool SoftmaxProgram::read_state(ByteReader& state) {
    const auto feature_count = state.number<std::uint32_t>();
    const auto class_count = state.number<std::uint32_t>();
    const auto row_count = state.number<std::uint64_t>();
    const auto phase = state.number<std::uint32_t>();
    if (feature_count != plan_.feature_count || class_count != plan_.class_count ||
        row_count != row_count_ || phase > static_cast<std::uint32_t>(Phase::Finished)) {
        return false;
    }
    phase_ = static_cast<Phase>(phase);
    iterations_ = state.number<std::uint32_t>();
    objective_ = state.number<double>();
    step_ = state.number<double>();
    const auto read = [&](std::vector<double>& list) {
        list.resize(weights_.size());
        for (double& value : list) value = state.number<double>();
    };
    read(weights_);
    read(candidate_);
    if (!read_list(state, products_, kernels::triangle_size(size_), phase_ == Phase::Adding) ||
        !read_list(state, gradient_, weights_.size(), true) ||
        !read_list(state, direction_, weights_.size(), true)) {
        return false;
    }
    const auto pair_count = state.number<std::uint64_t>();
    if (pair_count > pairs_max_) return false;
    pairs_.resize(static_cast<std::size_t>(pair_count));
    for (Pair& pair : pairs_) {
        read(pair.step);
        read(pair.change);
    }
    const std::uint64_t scores = phase_ == Phase::Finished ? row_count_ * plan_.class_count : 0;
    if (state.left() != scores * sizeof(double)) return false;
    scores_.resize(static_cast<std::size_t>(scores));
    for (double& score : scores_) score = state.number<double>();
    if (products_.empty()) {
        curvature_.reset();
    } else {
        factor_curvature();
    }
    return true;
}

Progress SoftmaxProgram::progress() const {
    if (iterations_ == 0) return {};
    return {
        std::nullopt,
        {{"iterations", iterations_}, {"objective", objective_}, {"gradient_max", gradient_max()}}};
}

Bytes SoftmaxProgram::result_bytes() const {
    return kernels::encode_softmax_weights(plan_.class_count, weights_);
}

}  // namespace netcompute::programs
