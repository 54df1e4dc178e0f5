#include <netcompute/assert.hpp>
#include <netcompute/math.hpp>
#include <netcompute/programs/kmeans.hpp>
#include <netcompute/random.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

namespace netcompute::programs {
namespace {

Unexpected odd_output(std::size_t task, const std::string& what) {
    return unexpected(ErrorCode::ShapeMismatch,
                      "task " + std::to_string(task) + ": " + what +
                          ": the worker that sent it runs another kernel");
}

std::vector<std::uint32_t> doubled(std::vector<std::uint32_t> counts) {
    for (std::uint32_t& count : counts) count *= 2;
    return counts;
}

void write_points(ByteWriter& state, const kernels::KMeansPoints& points) {
    state.number(points.count);
    state.numbers(std::span{points.values});
}

bool read_points(ByteReader& state, kernels::KMeansPoints& points) {
    points.count = state.number<std::uint32_t>();
    const std::uint64_t values =
        std::uint64_t{points.starts} * points.count * std::uint64_t{points.features};
    if (points.count > kernels::kmeans_clusters_max || values > state.left() / sizeof(double)) {
        return false;
    }
    points.values.resize(static_cast<std::size_t>(values));
    for (double& value : points.values) value = state.number<double>();
    return true;
}

template <typename T>
void read_all(ByteReader& state, std::vector<T>& numbers) {
    for (T& number : numbers) number = state.number<T>();
}

}  // namespace

KMeansProgram::KMeansProgram(KMeansJob job) : ManyRounds{"k-means", "PKM1"}, job_{std::move(job)} {
    NETCOMPUTE_ASSERT(!job_.shards.empty() && job_.shards.size() == job_.row_counts.size(),
                      "shards, and their row counts");
    NETCOMPUTE_ASSERT(job_.clusters >= 1 && job_.clusters <= kernels::kmeans_clusters_max &&
                          job_.clusters <= row_count() && job_.starts >= 1 &&
                          job_.starts <= kernels::kmeans_starts_max && job_.features > 0,
                      "clusters of rows");
    centers_ = {job_.starts, 0, job_.features, {}};
    candidates_ = centers_;
    for (std::uint32_t start = 0; start < job_.starts; ++start) {
        potentials_.insert(potentials_.end(), job_.row_counts.begin(), job_.row_counts.end());
    }
    iterations_.assign(job_.starts, 0);
    has_ended_.assign(job_.starts, 0);
    draw_picks();
}

std::uint64_t KMeansProgram::row_count() const {
    return std::accumulate(job_.row_counts.begin(), job_.row_counts.end(), std::uint64_t{0});
}

/// As many as scikit-learn has; the first center has only one.
std::uint32_t KMeansProgram::candidate_count() const {
    if (centers_.count == 0) return 1;
    return 2 + static_cast<std::uint32_t>(math::log(job_.clusters));
}

void KMeansProgram::draw_picks() {
    const std::size_t shards = job_.shards.size();
    picks_.clear();
    for (std::uint64_t start = 0; start < job_.starts; ++start) {
        const auto of_shards =
            std::span{potentials_}.subspan(static_cast<std::size_t>(start) * shards, shards);
        const double all = std::accumulate(of_shards.begin(), of_shards.end(), 0.0);
        Philox random{job_.seed, start << 32 | centers_.count};
        for (std::uint32_t i = 0; i < candidate_count(); ++i) {
            double at = random.next_unit() * all;
            Pick pick;
            for (std::size_t shard = 0; shard < shards; ++shard) {
                if (of_shards[shard] > 0) pick = {shard, at};
                if (at < of_shards[shard]) break;
                at -= of_shards[shard];
            }
            picks_.push_back(pick);
        }
    }
}

std::vector<std::uint32_t> KMeansProgram::moving() const {
    std::vector<std::uint32_t> starts;
    for (std::uint32_t start = 0; start < job_.starts; ++start) {
        if (has_ended_[start] == 0) starts.push_back(start);
    }
    return starts;
}

std::optional<Round> KMeansProgram::round() const {
    if (phase_ == Phase::Finished) return std::nullopt;
    const auto shards = static_cast<std::uint32_t>(job_.shards.size());
    Round round{"kmeans_seeding", 1, {kernels::encode_kmeans_points(centers_)}, 0};
    switch (phase_) {
        case Phase::Picking:
            round.task_count = static_cast<std::uint32_t>(picks_.size());
            round.shared_inputs.emplace_back(
                kernels::encode_kmeans_points({job_.starts, 0, job_.features, {}}));
            return round;
        case Phase::Judging:
        case Phase::Comparing:
            round.task_count = job_.starts * shards;
            round.shared_inputs.emplace_back(kernels::encode_kmeans_points(candidates_));
            return round;
        case Phase::Moving:
            round.kernel = "kmeans_sums";
            round.task_count = static_cast<std::uint32_t>(moving().size()) * shards;
            return round;
        default:
            round.kernel = "kmeans_labels";
            round.task_count = shards;
            return round;
    }
}

std::vector<TaskInput> KMeansProgram::task_inputs(TaskIndex index) const {
    const auto shards = static_cast<std::uint32_t>(job_.shards.size());
    switch (phase_) {
        case Phase::Picking: {
            const Pick& pick = picks_[index];
            return {job_.shards[pick.shard],
                    kernels::encode_kmeans_task(index / candidate_count(), {&pick.at, 1})};
        }
        case Phase::Judging:
        case Phase::Comparing:
            return {job_.shards[index % shards], kernels::encode_kmeans_task(index / shards)};
        case Phase::Moving:
            return {job_.shards[index % shards],
                    kernels::encode_kmeans_task(moving()[index / shards])};
        default:
            return {job_.shards[index]};
    }
}

Result<void> KMeansProgram::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    switch (phase_) {
        case Phase::Picking:
            return fold_picks(outputs);
        case Phase::Judging:
            return fold_candidates(outputs);
        case Phase::Moving:
            return fold_moves(outputs);
        case Phase::Comparing:
            return fold_ends(outputs);
        default:
            return fold_labels(outputs);
    }
}

Result<void> KMeansProgram::fold_picks(std::span<const ByteSpan> outputs) {
    candidates_.count = candidate_count();
    candidates_.values.clear();
    for (const ByteSpan output : outputs) {
        const auto seeding = kernels::decode_kmeans_seeding(output, 0, 1, job_.features);
        if (!seeding) return unexpected(seeding.error());
        candidates_.values.insert(candidates_.values.end(), seeding->picked.begin(),
                                  seeding->picked.end());
    }
    phase_ = Phase::Judging;
    return {};
}

Result<std::vector<kernels::KMeansSeeding>> KMeansProgram::potentials_of(
    std::span<const ByteSpan> outputs) const {
    std::vector<kernels::KMeansSeeding> all;
    for (const ByteSpan output : outputs) {
        auto seeding = kernels::decode_kmeans_seeding(output, candidates_.count, 0, job_.features);
        if (!seeding) return unexpected(seeding.error());
        all.push_back(std::move(*seeding));
    }
    return all;
}

Result<void> KMeansProgram::fold_candidates(std::span<const ByteSpan> outputs) {
    const auto found = potentials_of(outputs);
    if (!found) return unexpected(found.error());
    const std::size_t shards = job_.shards.size();
    kernels::KMeansPoints next{job_.starts, centers_.count + 1, job_.features, {}};
    for (std::uint32_t start = 0; start < job_.starts; ++start) {
        const auto of_start = std::span{*found}.subspan(start * shards, shards);
        const auto left_by = [&](std::uint32_t candidate) {
            double sum = 0;
            for (const auto& shard : of_start) sum += shard.potentials[candidate];
            return sum;
        };
        std::uint32_t best = 0;
        for (std::uint32_t i = 1; i < candidates_.count; ++i) {
            if (left_by(i) < left_by(best)) best = i;
        }
        if (next.count < job_.clusters && !(left_by(best) > 0)) {
            return unexpected(ErrorCode::InvalidArgument,
                              "k-means: the rows have only " + std::to_string(next.count) +
                                  " different values in all features: choose n_clusters at most "
                                  "that");
        }
        const auto before = centers_.of_start(start);
        const auto chosen = candidates_.point(start, best);
        next.values.insert(next.values.end(), before.begin(), before.end());
        next.values.insert(next.values.end(), chosen.begin(), chosen.end());
        for (std::size_t shard = 0; shard < shards; ++shard) {
            potentials_[start * shards + shard] = of_start[shard].potentials[best];
        }
    }
    centers_ = std::move(next);
    candidates_ = {job_.starts, 0, job_.features, {}};
    phase_ = centers_.count < job_.clusters ? Phase::Picking : Phase::Moving;
    draw_picks();
    return {};
}

Result<void> KMeansProgram::fold_moves(std::span<const ByteSpan> outputs) {
    const std::size_t shards = job_.shards.size();
    const std::size_t features = job_.features;
    std::size_t task = 0;
    for (const std::uint32_t start : moving()) {
        // Modulo 2^64: what a stranger sends may be any numbers.
        std::vector<std::uint64_t> counts(centers_.count);
        std::vector<std::uint64_t> sums(centers_.count * features);
        for (std::size_t shard = 0; shard < shards; ++shard, ++task) {
            const auto of_shard =
                kernels::decode_kmeans_sums(outputs[task], centers_.count, job_.features);
            if (!of_shard) return unexpected(of_shard.error());
            for (std::size_t i = 0; i < counts.size(); ++i) {
                const std::int64_t count = of_shard->counts[i];
                if (count < 0 || count > std::int64_t{job_.row_counts[shard]}) {
                    return odd_output(task, "a cluster of " + std::to_string(count) + " rows");
                }
                counts[i] += static_cast<std::uint64_t>(count);
            }
            for (std::size_t i = 0; i < sums.size(); ++i) {
                sums[i] += static_cast<std::uint64_t>(of_shard->sums[i]);
            }
        }
        double moved = 0;
        for (std::uint32_t c = 0; c < centers_.count; ++c) {
            if (counts[c] == 0) continue;
            const auto center = centers_.point(start, c);
            for (std::size_t i = 0; i < features; ++i) {
                const auto sum = static_cast<std::int64_t>(sums[c * features + i]);
                const double mean = static_cast<double>(sum) * kernels::kmeans_unit /
                                    static_cast<double>(counts[c]);
                if (!(std::fabs(mean) <= kernels::kmeans_value_max)) {
                    return odd_output(task - 1, "a center at " + std::to_string(mean));
                }
                moved += (mean - center[i]) * (mean - center[i]);
                center[i] = mean;
            }
        }
        ++iterations_[start];
        has_ended_[start] = moved <= job_.tolerance || iterations_[start] >= job_.iterations_max;
    }
    if (!moving().empty()) return {};
    if (job_.starts == 1) {
        phase_ = Phase::Labelling;
        return {};
    }
    // What one of the centers leaves besides the others is what they all leave.
    candidates_ = {job_.starts, 1, job_.features, {}};
    for (std::uint32_t start = 0; start < job_.starts; ++start) {
        const auto first = centers_.point(start, 0);
        candidates_.values.insert(candidates_.values.end(), first.begin(), first.end());
    }
    phase_ = Phase::Comparing;
    return {};
}

Result<void> KMeansProgram::fold_ends(std::span<const ByteSpan> outputs) {
    const auto found = potentials_of(outputs);
    if (!found) return unexpected(found.error());
    const std::size_t shards = job_.shards.size();
    std::vector<double> inertias(job_.starts);
    for (std::size_t task = 0; task < found->size(); ++task) {
        inertias[task / shards] += (*found)[task].potentials[0];
    }
    take_start(static_cast<std::uint32_t>(std::min_element(inertias.begin(), inertias.end()) -
                                          inertias.begin()));
    phase_ = Phase::Labelling;
    return {};
}

/// The best start becomes the only one.
void KMeansProgram::take_start(std::uint32_t start) {
    const auto best = centers_.of_start(start);
    centers_ = {1, centers_.count, job_.features, {best.begin(), best.end()}};
    iterations_ = {iterations_[start]};
}

Result<void> KMeansProgram::fold_labels(std::span<const ByteSpan> outputs) {
    for (std::size_t task = 0; task < outputs.size(); ++task) {
        const std::size_t rows = job_.row_counts[task];
        if (outputs[task].size() != 2 * rows * sizeof(double)) {
            return odd_output(task, std::to_string(outputs[task].size()) + " bytes for " +
                                        std::to_string(rows) + " rows");
        }
        ByteReader reader{outputs[task]};
        for (std::size_t row = 0; row < rows; ++row) {
            const auto label = reader.number<double>();
            const auto distance = reader.number<double>();
            const bool is_label = label >= 0 && label < job_.clusters && label == std::trunc(label);
            if (!is_label || !(distance >= 0) || !std::isfinite(distance)) {
                return odd_output(
                    task, "row " + std::to_string(row) + " is in cluster " + std::to_string(label));
            }
            labels_.push_back(static_cast<std::uint32_t>(label));
            distances_.push_back(distance);
        }
    }
    phase_ = Phase::Finished;
    return {};
}

double KMeansProgram::inertia() const {
    return std::accumulate(distances_.begin(), distances_.end(), 0.0);
}

void KMeansProgram::write_state(ByteWriter& state) const {
    state.number(row_count());
    state.number(job_.features);
    state.number(job_.clusters);
    state.number(job_.starts);
    state.number(static_cast<std::uint32_t>(phase_));
    write_points(state, centers_);
    write_points(state, candidates_);
    state.numbers(std::span{potentials_});
    state.numbers(std::span{iterations_});
    state.numbers(std::span{has_ended_});
    state.numbers(std::span{labels_});
    state.numbers(std::span{distances_});
}

bool KMeansProgram::read_state(ByteReader& state) {
    if (state.number<std::uint64_t>() != row_count() ||
        state.number<std::uint32_t>() != job_.features ||
        state.number<std::uint32_t>() != job_.clusters ||
        state.number<std::uint32_t>() != job_.starts) {
        return false;
    }
    const auto phase = state.number<std::uint32_t>();
    if (phase > static_cast<std::uint32_t>(Phase::Finished)) return false;
    phase_ = static_cast<Phase>(phase);
    const bool is_one = phase_ >= Phase::Labelling;
    centers_.starts = is_one ? 1 : job_.starts;
    candidates_.starts = job_.starts;
    if (!read_points(state, centers_) || !read_points(state, candidates_)) return false;
    const bool is_seeding = phase_ <= Phase::Judging;
    if (is_seeding ? centers_.count >= job_.clusters : centers_.count != job_.clusters) {
        return false;
    }
    const std::uint32_t candidates_due = phase_ == Phase::Judging ? candidate_count() : 0;
    if (is_seeding && candidates_.count != candidates_due) return false;
    iterations_.resize(is_one ? 1 : job_.starts);
    labels_.resize(phase_ == Phase::Finished ? static_cast<std::size_t>(row_count()) : 0);
    distances_.resize(labels_.size());
    read_all(state, potentials_);
    read_all(state, iterations_);
    read_all(state, has_ended_);
    read_all(state, labels_);
    read_all(state, distances_);
    const bool has_moving = phase_ != Phase::Moving || !moving().empty();
    draw_picks();
    return state.ok() && has_moving;
}

Progress KMeansProgram::progress() const {
    if (phase_ <= Phase::Judging) {
        return {std::nullopt, {{"centers", static_cast<double>(centers_.count)}}};
    }
    const auto most = *std::max_element(iterations_.begin(), iterations_.end());
    return {std::nullopt, {{"iterations", static_cast<double>(most)}}};
}

Bytes KMeansProgram::result_bytes() const {
    Bytes bytes = kernels::encode_kmeans_points(centers_);
    ByteWriter writer{bytes};
    writer.number(inertia());
    return bytes;
}

KMeansLabelsProgram::KMeansLabelsProgram(KMeansLabelsPlan plan)
    : ScoresProgram{"PKL1", {std::move(plan.shards), doubled(std::move(plan.row_counts))}},
      centers_{kernels::encode_kmeans_points(plan.centers)} {}

Round KMeansLabelsProgram::only_round() const {
    return {"kmeans_labels", 1, {centers_}, task_count()};
}

}  // namespace netcompute::programs
