#include "gram_sums.hpp"
#include "symmetric_eigen.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/kernels/gram.hpp>
#include <netcompute/kernels/softmax.hpp>
#include <netcompute/programs/pca.hpp>
#include <netcompute/programs/scores.hpp>

#include <algorithm>
#include <utility>

namespace netcompute::programs {

PcaProgram::PcaProgram(PcaPlan plan) : ManyRounds{"components", "PPC1"}, plan_{std::move(plan)} {
    NETCOMPUTE_ASSERT(!plan_.shards.empty() && !plan_.deviations.empty(), "there is a table");
    for (const TrainingShard& shard : plan_.shards) row_count_ += shard.row_count;
    NETCOMPUTE_ASSERT(row_count_ > 1 &&
                          plan_.components <= std::min<std::uint64_t>(features(), row_count_) &&
                          plan_.components <= pca_components_max,
                      "there are that many components");
    found_.variances.resize(plan_.components);
    found_.loadings.resize(std::size_t{plan_.components} * features());
    means_.resize(features());
}

/// Scores come from a kernel of at least two classes: a single component has one of zeros beside.
std::uint32_t PcaProgram::width() const {
    return std::max<std::uint32_t>(2, plan_.components);
}

Bytes PcaProgram::projection() const {
    const std::size_t count = features();
    std::vector<double> weights(width() * (count + 1));
    for (std::size_t k = 0; k < plan_.components; ++k) {
        double* const to = weights.data() + k * (count + 1);
        for (std::size_t i = 0; i < count; ++i) {
            const double scale = plan_.standardise ? 1 : plan_.deviations[i];
            to[i] = found_.loadings[k * count + i] * scale;
            to[count] -= to[i] * means_[i];
        }
        to[count] += 0.0;
    }
    return kernels::encode_softmax_weights(width(), weights);
}

std::optional<Round> PcaProgram::round() const {
    const auto tasks = static_cast<std::uint32_t>(plan_.shards.size());
    if (phase_ == Phase::Finished) return std::nullopt;
    if (phase_ == Phase::Adding) return Round{"gram", 1, {kernels::encode_shift(0)}, tasks};
    return Round{"softmax_scores", 1, {projection()}, tasks};
}

std::vector<TaskInput> PcaProgram::task_inputs(TaskIndex index) const {
    const TrainingShard& shard = plan_.shards[index];
    if (phase_ == Phase::Adding) return {shard.features, shard.labels};
    return {shard.features};
}

Progress PcaProgram::progress() const {
    return {static_cast<double>(phase_) / 2, {}};
}

Result<void> PcaProgram::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    if (phase_ == Phase::Adding) return decompose(outputs);
    std::vector<std::uint32_t> row_counts;
    for (const TrainingShard& shard : plan_.shards) row_counts.push_back(shard.row_count);
    const auto scores = fold_scores(outputs, row_counts, width());
    if (!scores) return unexpected(scores.error());
    for (std::size_t i = 0; i < scores->size(); ++i) {
        if (i % width() < plan_.components) rows_.push_back((*scores)[i]);
    }
    phase_ = Phase::Finished;
    return {};
}

Result<void> PcaProgram::decompose(std::span<const ByteSpan> outputs) {
    const auto products = add_gram_sums(outputs, features());
    if (!products) return unexpected(products.error());
    const std::size_t count = features();
    const auto rows = static_cast<double>(row_count_);
    std::vector<double> sums;
    for (std::size_t i = 0, next = 0; i < count; ++i) {
        next += count - i;
        sums.push_back((*products)[next]);
        next += 2;
    }
    std::vector<double> covariances(count * count);
    double total = 0;
    for (std::size_t i = 0, next = 0; i < count; ++i, next += 2) {
        for (std::size_t j = i; j < count; ++j) {
            double product = (*products)[next++] - sums[i] / rows * sums[j];
            if (!plan_.standardise) product *= plan_.deviations[i] * plan_.deviations[j];
            product /= rows - 1;
            covariances[i * count + j] = covariances[j * count + i] = product;
        }
        total += covariances[i * count + i];
    }
    auto eigen = symmetric_eigen(std::move(covariances), count);
    if (!eigen) {
        return unexpected(ErrorCode::InvalidArgument,
                          "the numbers are too large for their products: set params.standardize "
                          "to yes");
    }
    for (std::size_t k = 0; k < plan_.components; ++k) {
        found_.variances[k] = std::max(0.0, eigen->values[k]);
    }
    std::copy_n(eigen->vectors.begin(), found_.loadings.size(), found_.loadings.begin());
    found_.total_variance = total;
    for (std::size_t i = 0; i < count; ++i) means_[i] = sums[i] / rows;
    phase_ = Phase::Scoring;
    return {};
}

Bytes PcaProgram::result_bytes() const {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(found_.total_variance);
    for (const auto* const numbers : {&found_.variances, &found_.loadings, &rows_}) {
        writer.numbers(std::span<const double>{*numbers});
    }
    return bytes;
}

void PcaProgram::write_state(ByteWriter& state) const {
    state.number(static_cast<std::uint32_t>(phase_));
    state.numbers(std::span<const double>{means_});
    state.bytes(result_bytes());
}

bool PcaProgram::read_state(ByteReader& state) {
    const auto phase = state.number<std::uint32_t>();
    if (phase > static_cast<std::uint32_t>(Phase::Finished)) return false;
    phase_ = static_cast<Phase>(phase);
    for (double& mean : means_) mean = state.number<double>();
    found_.total_variance = state.number<double>();
    for (double& variance : found_.variances) variance = state.number<double>();
    for (double& loading : found_.loadings) loading = state.number<double>();
    const std::uint64_t count = phase_ == Phase::Finished ? row_count_ * plan_.components : 0;
    if (state.left() != count * sizeof(double)) return false;
    rows_.resize(static_cast<std::size_t>(count));
    for (double& value : rows_) value = state.number<double>();
    return true;
}

}  // namespace netcompute::programs
