#pragma once

#include "memory_blobs.hpp"
#include <netcompute/kernels/tile.hpp>
#include <netcompute/programs/train.hpp>

#include <Eigen/Dense>

#include <cstdint>
#include <vector>

namespace netcompute::test_support {

/// Shape [row_count][feature_count], put together from the tiles of shards, in their order.
inline Eigen::MatrixXd rows_of_tiles(const MemoryBlobs& blobs,
                                     const std::vector<programs::BlobRef>& tiles) {
    Eigen::MatrixXd rows;
    for (const auto& name : tiles) {
        const auto tile = kernels::decode_tile(blobs.get(name));
        const auto old_count = rows.rows();
        rows.conservativeResize(old_count + tile->row_count, tile->column_count);
        for (std::uint32_t column = 0; column < tile->column_count; ++column) {
            for (std::uint32_t row = 0; row < tile->row_count; ++row) {
                rows(old_count + row, column) = tile->column(column)[row];
            }
        }
    }
    return rows;
}

/// Logistic regression by plain Newton steps: what the prepared data must lead to, whoever solves
/// it. Half the squared norm of the weights is the penalty; the intercept goes free.
inline programs::LogisticModel fit_by_newton(const Eigen::MatrixXd& features,
                                             const std::vector<std::uint8_t>& labels) {
    const Eigen::Index row_count = features.rows();
    const Eigen::Index feature_count = features.cols();
    Eigen::MatrixXd design(row_count, feature_count + 1);
    design << features, Eigen::VectorXd::Ones(row_count);
    Eigen::VectorXd truth(row_count);
    for (Eigen::Index i = 0; i < row_count; ++i) truth(i) = labels[static_cast<std::size_t>(i)];
    Eigen::VectorXd penalty = Eigen::VectorXd::Ones(feature_count + 1);
    penalty(feature_count) = 0;

    Eigen::VectorXd weights = Eigen::VectorXd::Zero(feature_count + 1);
    for (int iteration = 0; iteration < 50; ++iteration) {
        const Eigen::ArrayXd chance = 1 / (1 + (-(design * weights).array()).exp());
        const Eigen::VectorXd gradient =
            design.transpose() * (chance.matrix() - truth) + penalty.cwiseProduct(weights);
        if (gradient.cwiseAbs().maxCoeff() < 1e-11 * static_cast<double>(row_count)) break;
        const Eigen::VectorXd spread = (chance * (1 - chance)).matrix();
        const Eigen::MatrixXd scaled = spread.asDiagonal() * design;
        Eigen::MatrixXd hessian = design.transpose() * scaled;
        hessian += penalty.asDiagonal();
        weights -= hessian.ldlt().solve(gradient);
    }
    return {{weights.data(), weights.data() + feature_count}, weights(feature_count)};
}

/// The linear scores of rows.
inline std::vector<double> score(const Eigen::MatrixXd& features,
                                 const programs::LogisticModel& model) {
    const Eigen::Map<const Eigen::VectorXd> weights{model.weights.data(), features.cols()};
    const Eigen::VectorXd scores = (features * weights).array() + model.intercept;
    return {scores.data(), scores.data() + scores.size()};
}

}  // namespace netcompute::test_support
