#include <netcompute/kernels/kmeans.hpp>

#include <cmath>
#include <cstring>
#include <string>

namespace netcompute::kernels {
namespace {

Unexpected wrong_kmeans_output(std::string_view kernel, std::size_t size, std::size_t due) {
    return unexpected(ErrorCode::ShapeMismatch,
                      "an output of " + std::string{kernel} + " has " + std::to_string(size) +
                          " bytes, not " + std::to_string(due) +
                          ": the worker that sent it runs another kernel");
}

}  // namespace

Bytes encode_kmeans_points(const KMeansPoints& points) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(points.starts);
    writer.number(points.count);
    writer.number(points.features);
    writer.number(std::uint32_t{0});
    writer.numbers(std::span{points.values});
    return bytes;
}

Result<KMeansPoints> decode_kmeans_points(ByteSpan bytes) {
    ByteReader reader{bytes};
    KMeansPoints points;
    points.starts = reader.number<std::uint32_t>();
    points.count = reader.number<std::uint32_t>();
    points.features = reader.number<std::uint32_t>();
    const auto reserved = reader.number<std::uint32_t>();
    const std::uint64_t values =
        std::uint64_t{points.starts} * points.count * std::uint64_t{points.features};
    if (!reader.ok() || reserved != 0 || points.starts > kmeans_starts_max ||
        points.count > kmeans_clusters_max || points.features > kmeans_features_max ||
        reader.left() % sizeof(double) != 0 || reader.left() / sizeof(double) != values) {
        return unexpected(ErrorCode::ShapeMismatch, "k-means: " + std::to_string(bytes.size()) +
                                                        " bytes are not centers of clusters");
    }
    points.values.resize(static_cast<std::size_t>(values));
    for (double& value : points.values) {
        value = reader.number<double>();
        if (!(std::fabs(value) <= kmeans_value_max)) {
            return unexpected(ErrorCode::InvalidArgument, "k-means: a center has " +
                                                              std::to_string(value) + ", beyond " +
                                                              std::to_string(kmeans_value_max));
        }
    }
    return points;
}

Bytes encode_kmeans_task(std::uint32_t start, std::span<const double> picks) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(start);
    writer.number(static_cast<std::uint32_t>(picks.size()));
    writer.numbers(picks);
    return bytes;
}

Result<KMeansSeeding> decode_kmeans_seeding(ByteSpan output, std::uint32_t candidates,
                                            std::uint32_t picks, std::uint32_t features) {
    const std::size_t due = (candidates + std::size_t{picks} * features) * sizeof(double);
    if (output.size() != due) return wrong_kmeans_output("kmeans_seeding", output.size(), due);
    KMeansSeeding seeding;
    seeding.potentials.resize(candidates);
    seeding.picked.resize(std::size_t{picks} * features);
    ByteReader reader{output};
    for (std::vector<double>* const numbers : {&seeding.potentials, &seeding.picked}) {
        for (double& number : *numbers) {
            number = reader.number<double>();
            if (std::isfinite(number)) continue;
            return unexpected(ErrorCode::InvalidArgument,
                              "an output of kmeans_seeding has a number that is not finite");
        }
    }
    return seeding;
}

Result<KMeansSums> decode_kmeans_sums(ByteSpan output, std::uint32_t centers,
                                      std::uint32_t features) {
    const std::size_t due = centers * (1 + std::size_t{features}) * sizeof(std::int64_t);
    if (output.size() != due) return wrong_kmeans_output("kmeans_sums", output.size(), due);
    KMeansSums sums;
    sums.counts.resize(centers);
    sums.sums.resize(std::size_t{centers} * features);
    std::memcpy(sums.counts.data(), output.data(), centers * sizeof(std::int64_t));
    const ByteSpan rest = output.subspan(centers * sizeof(std::int64_t));
    if (!rest.empty()) std::memcpy(sums.sums.data(), rest.data(), rest.size());
    return sums;
}

}  // namespace netcompute::kernels
