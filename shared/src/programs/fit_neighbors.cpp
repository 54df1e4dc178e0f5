#include "fit_family.hpp"
#include <netcompute/kernels/tile.hpp>
#include <netcompute/programs/neighbors.hpp>

#include <string>
#include <utility>

namespace netcompute::programs {

Bytes encode_fit(const NeighborsFit& params) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(params.count);
    writer.number(std::uint32_t{params.by_distance});
    return bytes;
}

Result<Fitted> fit_neighbors(const FitTable& table, const FitRows& rows, ByteSpan bytes) {
    ByteReader reader{bytes};
    kernels::Neighbors model;
    model.class_count = table.class_count;
    model.feature_count = table.feature_count;
    model.count = reader.number<std::uint32_t>();
    const auto by_distance = reader.number<std::uint32_t>();
    model.by_distance = by_distance == 1;
    if (!reader.finished() || by_distance > 1 || model.count == 0 ||
        model.count > kernels::neighbors_most ||
        table.class_count > kernels::neighbors_classes_max ||
        table.feature_count > kernels::neighbors_features_max) {
        return bad_fit_params(bytes);
    }
    model.targets = labels_of(rows);
    if (model.count > model.targets.size()) {
        return fit_failure({ErrorCode::InvalidArgument, "training: " + std::to_string(model.count) +
                                                            " neighbours are more than the " +
                                                            std::to_string(model.targets.size()) +
                                                            " rows"});
    }
    if (model.targets.size() * (std::uint64_t{model.feature_count} + 1) >
        kernels::neighbors_values_max) {
        return fit_failure({ErrorCode::LimitExceeded,
                            "training: " + std::to_string(model.targets.size()) +
                                " rows are more than a model of nearest neighbours holds"});
    }
    for (const Bytes& block : rows.training) {
        const auto tile = kernels::decode_tile(block);
        if (!tile) return bad_fit_params(bytes);
        for (std::uint32_t row = 0; row < tile->row_count; ++row) {
            for (std::uint32_t i = 0; i < tile->column_count; ++i) {
                model.features.push_back(tile->column(i)[row]);
            }
        }
    }
    if (!kernels::decode_neighbors(kernels::encode_neighbors(model))) return bad_fit_params(bytes);
    return Fitted{.steps = 1,
                  .score = scored_by<NeighborsProgram>([model](auto blobs, auto counts) {
                      return NeighborsPlan{std::move(blobs), std::move(counts), model};
                  })};
}

}  // namespace netcompute::programs
