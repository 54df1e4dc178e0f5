#include "fit_family.hpp"

#include <netcompute/kernels/tile.hpp>

#include <cstring>
#include <optional>

namespace netcompute::programs {
namespace {

/// What the tasks of a program remember for the next ones, while it runs.
constexpr std::size_t memo_bytes = std::size_t{1} << 29;

}  // namespace

Fitted fit_failure(const Error& error) {
    return {.failure = error.message};
}

Unexpected bad_fit_params(ByteSpan params) {
    return unexpected(ErrorCode::InvalidArgument,
                      "fit: " + std::to_string(params.size()) +
                          " bytes are not the parameters of this family, or are out of range");
}

FoldRun::FoldRun() : memo_{memo_bytes} {}

BlobRef FoldRun::add(ByteSpan bytes) {
    BlobRef name;
    const auto number = static_cast<std::uint32_t>(blobs_.size());
    std::memcpy(name.sha256.digest.data(), &number, sizeof number);
    name.size = bytes.size();
    blobs_.push_back(bytes);
    return name;
}

std::vector<BlobRef> FoldRun::add(const std::vector<Bytes>& list) {
    std::vector<BlobRef> names;
    for (const Bytes& each : list) names.push_back(add(each));
    return names;
}

Result<void> FoldRun::run(Program& program) {
    const auto source = [this](const Sha256& name) -> std::optional<ByteSpan> {
        std::uint32_t number = 0;
        std::memcpy(&number, name.digest.data(), sizeof number);
        if (number >= blobs_.size()) return std::nullopt;
        return blobs_[number];
    };
    return run_in_process(program, source, {.memo = &memo_});
}

std::vector<TrainingShard> add_shards(FoldRun& fold, const FitRows& rows) {
    const auto features = fold.add(rows.training);
    const auto labels = fold.add(rows.labels);
    std::vector<TrainingShard> shards;
    for (std::size_t i = 0; i < features.size(); ++i) {
        shards.push_back({features[i], labels[i], rows.training_counts[i]});
    }
    return shards;
}

std::vector<double> labels_of(const FitRows& rows) {
    std::vector<double> labels;
    for (const Bytes& tile : rows.labels) {
        const auto view = kernels::decode_tile(tile);
        if (view) labels.insert(labels.end(), view->values.begin(), view->values.end());
    }
    return labels;
}

}  // namespace netcompute::programs
