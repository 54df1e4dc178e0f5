#include "fit_family.hpp"
#include <netcompute/programs/network.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace netcompute::programs {
namespace {

constexpr std::size_t outer_bytes = 3 * sizeof(double);

/// Mean and deviation of the targets, in their order.
void scale_targets(const std::vector<double>& labels, kernels::NetworkPlan& plan) {
    const auto count = static_cast<double>(labels.size());
    double sum = 0;
    for (const double label : labels) sum += label;
    plan.shift = sum / count;
    double squares = 0;
    for (const double label : labels) squares += (label - plan.shift) * (label - plan.shift);
    const double deviation = std::sqrt(squares / count);
    plan.scale = deviation > 0 ? deviation : 1;
}

}  // namespace

Bytes encode_fit(const NetworkFit& params) {
    Bytes bytes = kernels::encode_network_plan(params.job.plan);
    ByteWriter writer{bytes};
    writer.number(static_cast<double>(params.job.local_epochs));
    writer.number(params.job.outer_learning_rate);
    writer.number(params.job.outer_momentum);
    return bytes;
}

Result<Fitted> fit_network(const FitTable& table, const FitRows& rows, ByteSpan bytes) {
    if (bytes.size() < outer_bytes) return bad_fit_params(bytes);
    const auto plan = kernels::decode_network_plan(bytes.first(bytes.size() - outer_bytes));
    ByteReader outer{bytes.last(outer_bytes)};
    const auto local_epochs = outer.number<double>();
    NetworkJob job;
    job.outer_learning_rate = outer.number<double>();
    job.outer_momentum = outer.number<double>();
    const auto is_share = [](double value, double most) { return value >= 0 && value <= most; };
    if (!plan || plan->form.widths.front() != table.feature_count ||
        plan->form.class_count != table.class_count || !(local_epochs >= 1) ||
        local_epochs > kernels::network_epochs_max || !is_share(job.outer_learning_rate, 1e6) ||
        !is_share(job.outer_momentum, 1)) {
        return bad_fit_params(bytes);
    }
    job.plan = *plan;
    job.local_epochs = static_cast<std::uint32_t>(local_epochs);
    if (table.class_count == 0) {
        const std::vector<double> labels = labels_of(rows);
        if (!std::all_of(labels.begin(), labels.end(),
                         [](double label) { return std::isfinite(label); })) {
            return bad_fit_params(bytes);
        }
        scale_targets(labels, job.plan);
        if (!std::isfinite(job.plan.shift) || !(job.plan.scale <= 1e300)) {
            return bad_fit_params(bytes);
        }
    }
    FoldRun fold;
    job.shards = add_shards(fold, rows);
    if (job.plan.replicas > job.shards.size()) {
        return fit_failure({ErrorCode::InvalidArgument,
                            "training: " + std::to_string(job.plan.replicas) +
                                " replicas are more than the " + std::to_string(job.shards.size()) +
                                " parts that the rows have"});
    }
    NetworkProgram training{std::move(job)};
    if (auto ran = fold.run(training); !ran) return fit_failure(ran.error());
    return Fitted{.steps = static_cast<double>(training.figures().epochs),
                  .score = scored_by<NetworkScoresProgram>(
                      [network = training.model()](auto blobs, auto counts) {
                          return NetworkScoresPlan{std::move(blobs), std::move(counts), network};
                      })};
}

}  // namespace netcompute::programs
