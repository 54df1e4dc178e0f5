#pragma once

#include "kernel_cases.hpp"
#include <netcompute/programs/predict.hpp>
#include <netcompute/programs/train.hpp>

#include <map>

namespace netcompute::testing {

/// Where a test's programs find their blobs.
class BlobMap {
 public:
    programs::BlobRef add(const Bytes& bytes) {
        const Sha256 name = sha256(bytes);
        blobs_.emplace(name, bytes);
        return {name, bytes.size()};
    }
    [[nodiscard]] programs::BlobSource source() const {
        return [this](const Sha256& name) -> std::optional<ByteSpan> {
            const auto found = blobs_.find(name);
            if (found == blobs_.end()) return std::nullopt;
            return found->second;
        };
    }

 private:
    std::map<Sha256, Bytes> blobs_;
};

/// A plan over all shards of `data`, whose blobs go to `blobs`.
inline programs::TrainPlan train_plan(const TrainingData& data, BlobMap& blobs) {
    programs::TrainPlan plan;
    plan.feature_count = data.feature_count;
    for (std::size_t i = 0; i < data.row_counts.size(); ++i) {
        plan.shards.push_back(
            {blobs.add(data.feature_tiles[i]), blobs.add(data.label_tiles[i]), data.row_counts[i]});
    }
    return plan;
}

/// A plan that scores the same shards with a model.
inline programs::PredictPlan predict_plan(const TrainingData& data, BlobMap& blobs,
                                          const programs::LogisticModel& model) {
    programs::PredictPlan plan{{}, data.row_counts, model};
    for (const Bytes& tile : data.feature_tiles) plan.shards.push_back(blobs.add(tile));
    return plan;
}

}  // namespace netcompute::testing
