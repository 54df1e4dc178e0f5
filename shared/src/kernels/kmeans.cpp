#include "builtin.hpp"
#include "scratch.hpp"
#include <netcompute/kernels/kmeans.hpp>
#include <netcompute/kernels/tile.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kmeans.cpp"
#include <hwy/foreach_target.h>
//
#include "lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

/// Rows are taken 16 at a time, whatever the hardware's width: rows[features][16].
inline constexpr std::size_t kmeans_lanes = 16;
inline constexpr std::size_t kmeans_vectors = kmeans_lanes / F64::lanes;

/// What is to be smallest for the nearest center: |c|^2 / 2 - x c, summed in order of features, for
/// `count` centers at once.
template <std::size_t count>
HWY_INLINE void compare_centers(const double* rows, std::size_t features, const double* centers,
                                const double* half_norms, std::size_t first, double* least,
                                double* places) {
    F64 sums[count][kmeans_vectors];
    for (std::size_t c = 0; c < count; ++c) {
        for (F64& sum : sums[c]) sum = F64::set(half_norms[first + c]);
    }
    const double* const from = centers + first * features;
    for (std::size_t i = 0; i < features; ++i) {
        F64 values[kmeans_vectors];
        for (std::size_t v = 0; v < kmeans_vectors; ++v) {
            values[v] = F64::load(rows + i * kmeans_lanes + v * F64::lanes);
        }
        for (std::size_t c = 0; c < count; ++c) {
            const F64 center = F64::set(from[c * features + i]);
            for (std::size_t v = 0; v < kmeans_vectors; ++v) {
                sums[c][v] = sums[c][v] - values[v] * center;
            }
        }
    }
    for (std::size_t c = 0; c < count; ++c) {
        const F64 place = F64::set(static_cast<double>(first + c));
        for (std::size_t v = 0; v < kmeans_vectors; ++v) {
            const F64 before = F64::load(least + v * F64::lanes);
            const auto is_less = sums[c][v] < before;
            F64::select(is_less, sums[c][v], before).store(least + v * F64::lanes);
            F64::select(is_less, place, F64::load(places + v * F64::lanes))
                .store(places + v * F64::lanes);
        }
    }
}

/// The nearest center of each of 16 rows, of equal ones the first.
void nearest_centers(const double* rows, std::size_t features, const double* centers,
                     const double* half_norms, std::size_t center_count, double* places) {
    double least[kmeans_lanes];
    std::fill_n(least, kmeans_lanes, std::numeric_limits<double>::infinity());
    std::fill_n(places, kmeans_lanes, 0.0);
    std::size_t c = 0;
    for (; c + 4 <= center_count; c += 4) {
        compare_centers<4>(rows, features, centers, half_norms, c, least, places);
    }
    for (; c < center_count; ++c) {
        compare_centers<1>(rows, features, centers, half_norms, c, least, places);
    }
}

/// The squared distance of each of 16 rows to a point, where it is less than what `least` has.
void lessen_distances(const double* rows, std::size_t features, const double* point,
                      double* least) {
    F64 sums[kmeans_vectors];
    for (F64& sum : sums) sum = F64::set(0);
    for (std::size_t i = 0; i < features; ++i) {
        const F64 at = F64::set(point[i]);
        for (std::size_t v = 0; v < kmeans_vectors; ++v) {
            const F64 apart = F64::load(rows + i * kmeans_lanes + v * F64::lanes) - at;
            sums[v] = sums[v] + apart * apart;
        }
    }
    for (std::size_t v = 0; v < kmeans_vectors; ++v) {
        const F64 before = F64::load(least + v * F64::lanes);
        F64::select(sums[v] < before, sums[v], before).store(least + v * F64::lanes);
    }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <string>

namespace netcompute::kernels {

HWY_EXPORT(nearest_centers);
HWY_EXPORT(lessen_distances);

namespace {

constexpr std::size_t lanes = 16;

/// Adding this to a number of which 2^32 times is below 2^50 leaves that, rounded to a whole
/// number, in the low bits.
constexpr double whole_shifter = 0x1.8p52;
constexpr std::uint64_t whole_shifter_bits = 0x4338000000000000;

/// The inputs of a task, read.
struct KMeansInput {
    std::vector<KMeansPoints> points;  ///< As many as there are inputs of points.
    TileView tile;
    std::uint32_t start = 0;
    std::vector<double> picks;
};

/// Points, then a tile and the task's own input; without a start, a task has none.
Result<KMeansInput> read_kmeans_input(std::string_view kernel, std::span<const ByteSpan> inputs,
                                      std::size_t point_inputs, bool has_start) {
    const auto named = [&](const Error& error) {
        return unexpected(error.code, std::string{kernel} + ": " + error.message);
    };
    const std::size_t due = point_inputs + (has_start ? 2 : 1);
    if (inputs.size() != due) {
        return named({ErrorCode::ShapeMismatch, std::to_string(inputs.size()) +
                                                    " inputs were given, it reads " +
                                                    std::to_string(due)});
    }
    KMeansInput input;
    const auto tile = decode_tile(inputs[point_inputs]);
    if (!tile) return named(tile.error());
    input.tile = *tile;
    if (has_start) {
        ByteReader own{inputs.back()};
        input.start = own.number<std::uint32_t>();
        const auto picks = own.number<std::uint32_t>();
        if (!own.ok() || picks > kmeans_clusters_max || own.left() != picks * sizeof(double)) {
            return named({ErrorCode::ShapeMismatch, "a task's own input of " +
                                                        std::to_string(inputs.back().size()) +
                                                        " bytes does not say a start and picks"});
        }
        for (std::uint32_t i = 0; i < picks; ++i) input.picks.push_back(own.number<double>());
    }
    for (std::size_t i = 0; i < point_inputs; ++i) {
        auto points = decode_kmeans_points(inputs[i]);
        if (!points) return named(points.error());
        if (points->features != tile->column_count || input.start >= points->starts) {
            return named({ErrorCode::ShapeMismatch,
                          "points of " + std::to_string(points->starts) + " starts and " +
                              std::to_string(points->features) + " features for start " +
                              std::to_string(input.start) + " and " +
                              std::to_string(tile->column_count) + " features"});
        }
        input.points.push_back(std::move(*points));
    }
    for (const double value : tile->values) {
        if (std::fabs(value) <= kmeans_value_max) continue;
        return named({ErrorCode::InvalidArgument, "a feature is " + std::to_string(value) +
                                                      ", beyond " +
                                                      std::to_string(kmeans_value_max)});
    }
    return input;
}

/// Copies 16 rows from `first` on, or what is left and zeros, to [features][16].
std::size_t take_rows(const TileView& tile, std::size_t first, double* rows) {
    const std::size_t count = std::min<std::size_t>(lanes, tile.row_count - first);
    for (std::uint32_t i = 0; i < tile.column_count; ++i) {
        const double* const from = tile.column(i).data() + first;
        std::copy_n(from, count, rows + i * lanes);
        std::fill(rows + i * lanes + count, rows + (i + 1) * lanes, 0.0);
    }
    return count;
}

/// Calls `visit(first, count, rows, places)` with each 16 rows and their nearest centers.
template <typename Visit>
void each_rows_nearest(const TileView& tile, std::span<const double> centers, Visit&& visit) {
    const std::size_t features = tile.column_count;
    const std::size_t center_count = features == 0 ? 0 : centers.size() / features;
    std::vector<double> half_norms(center_count);
    for (std::size_t c = 0; c < center_count; ++c) {
        for (std::size_t i = 0; i < features; ++i) {
            const double value = centers[c * features + i];
            half_norms[c] += 0.5 * value * value;
        }
    }
    Scratch rows{features * lanes};
    double places[lanes];
    for (std::size_t first = 0; first < tile.row_count; first += lanes) {
        const std::size_t count = take_rows(tile, first, rows.data());
        HWY_DYNAMIC_DISPATCH(nearest_centers)
        (rows.data(), features, centers.data(), half_norms.data(), center_count, places);
        visit(first, count, rows.data(), places);
    }
}

/// Lessens each row's squared distance to the nearest of some points.
void add_points(const TileView& tile, std::span<const double> points, std::vector<double>& least) {
    const std::size_t features = tile.column_count;
    Scratch rows{features * lanes};
    for (std::size_t first = 0; first < tile.row_count; first += lanes) {
        const std::size_t count = take_rows(tile, first, rows.data());
        double best[lanes] = {};
        std::copy_n(least.data() + first, count, best);
        for (std::size_t point = 0; point < points.size(); point += features) {
            HWY_DYNAMIC_DISPATCH(lessen_distances)
            (rows.data(), features, points.data() + point, best);
        }
        std::copy_n(best, count, least.data() + first);
    }
}

/// Each row's squared distance to the nearest of some centers, infinite where there are none: kept
/// between tasks, so only centers that have come since are looked at.
struct CenterDistances {
    std::vector<double> centers;
    std::vector<double> least;

    void go_on_to(const TileView& tile, std::span<const double> all) {
        const bool is_before = centers.size() <= all.size() && least.size() == tile.row_count &&
                               std::equal(centers.begin(), centers.end(), all.begin());
        if (!is_before) {
            centers.clear();
            least.assign(tile.row_count, std::numeric_limits<double>::infinity());
        }
        add_points(tile, all.subspan(centers.size()), least);
        centers.assign(all.begin(), all.end());
    }
};

/// The row within whose weight, all added up in order, the pick falls. Rows weigh their distances,
/// or 1 where these are infinite.
std::size_t picked_row(std::span<const double> distances, double pick) {
    std::size_t last = 0;  // Of those that can be picked, should rounding leave none.
    double sum = 0;
    for (std::size_t row = 0; row < distances.size(); ++row) {
        const double weight = std::isinf(distances[row]) ? 1 : distances[row];
        if (weight > 0) last = row;
        sum += weight;
        if (sum > pick) return row;
    }
    return last;
}

}  // namespace

/// kmeans_seeding@1: what k-means++ asks of some rows.
///
///   centers     encode_kmeans_points(): those chosen so far; may be none
///   candidates  likewise, of the next one
///   tile        [features][rows], standardised
///   own         encode_kmeans_task(): a start, and picks from 0 up to the sum of the rows' squared
///               distances to the centers, which are 1 where there are none
///   output      f64 potentials[candidates], then the rows that are picked, f64 [picks][features]
Result<Bytes> kmeans_seeding(std::span<const ByteSpan> inputs, Memo& memo) {
    const auto input = read_kmeans_input("kmeans_seeding", inputs, 2, true);
    if (!input) return unexpected(input.error());
    const TileView& tile = input->tile;
    if (tile.row_count == 0 || tile.column_count == 0) {
        return unexpected(ErrorCode::InvalidArgument, "kmeans_seeding: a tile has no values");
    }
    const auto candidates = input->points[1].of_start(input->start);
    constexpr std::string_view kept = "kmeans distances 1";
    const ByteSpan from[] = {inputs[2], inputs[3].first(sizeof(std::uint32_t))};
    auto near = memo.take<CenterDistances>(kept, from);
    if (near == nullptr) near = std::make_shared<CenterDistances>();
    near->go_on_to(tile, input->points[0].of_start(input->start));
    Bytes output;
    ByteWriter writer{output};
    for (std::size_t at = 0; at < candidates.size(); at += tile.column_count) {
        std::vector<double> least = near->least;
        add_points(tile, candidates.subspan(at, tile.column_count), least);
        double sum = 0;
        for (const double distance : least) sum += distance;
        writer.number(sum);
    }
    for (const double pick : input->picks) {
        const std::size_t row = picked_row(near->least, pick);
        for (std::uint32_t i = 0; i < tile.column_count; ++i) {
            writer.number(tile.column(i)[row] + 0.0);
        }
    }
    const std::size_t bytes = (near->least.size() + near->centers.size()) * sizeof(double);
    memo.give(kept, from, std::move(near), bytes);
    return output;
}

/// kmeans_sums@1: the sums of the rows that are nearest to each center.
///
///   centers   encode_kmeans_points(), at least one
///   tile      [features][rows], standardised
///   own       encode_kmeans_task(): a start
///   output    i64 counts[centers], i64 sums[centers][features] in units of 2^-32
///
/// Of centers that are equally near by |c|^2 / 2 - x c, summed in order of features, the first one
/// is taken. Whole numbers are added.
Result<Bytes> kmeans_sums(std::span<const ByteSpan> inputs) {
    const auto input = read_kmeans_input("kmeans_sums", inputs, 1, true);
    if (!input) return unexpected(input.error());
    const TileView& tile = input->tile;
    const KMeansPoints& centers = input->points[0];
    if (centers.count == 0) {
        return unexpected(ErrorCode::InvalidArgument, "kmeans_sums: there are no centers");
    }
    const std::size_t features = tile.column_count;
    std::vector<std::uint64_t> counts(centers.count);
    // Sums with the shifter's bits in each term, which go at the end: modulo 2^64 that is exact.
    std::vector<std::uint64_t> sums(std::size_t{centers.count} * features);
    each_rows_nearest(
        tile, centers.of_start(input->start),
        [&](std::size_t, std::size_t count, const double* rows, const double* places) {
            for (std::size_t r = 0; r < count; ++r) {
                const auto center = static_cast<std::size_t>(places[r]);
                ++counts[center];
                std::uint64_t* const to = sums.data() + center * features;
                for (std::size_t i = 0; i < features; ++i) {
                    const double shifted = rows[i * lanes + r] * (1 / kmeans_unit) + whole_shifter;
                    std::uint64_t bits = 0;
                    std::memcpy(&bits, &shifted, sizeof bits);
                    to[i] += bits;
                }
            }
        });
    for (std::size_t c = 0; c < centers.count; ++c) {
        for (std::size_t i = 0; i < features; ++i) {
            sums[c * features + i] -= counts[c] * whole_shifter_bits;
        }
    }
    Bytes output;
    ByteWriter writer{output};
    writer.numbers(std::span<const std::uint64_t>{counts});
    writer.numbers(std::span<const std::uint64_t>{sums});
    return output;
}

/// kmeans_labels@1: the nearest center of each row, and how far it is.
///
///   centers   encode_kmeans_points() of one start, at least one
///   tile      [features][rows], standardised
///   output    f64 rows[rows][2]: the center's place, and the squared distance
Result<Bytes> kmeans_labels(std::span<const ByteSpan> inputs) {
    const auto input = read_kmeans_input("kmeans_labels", inputs, 1, false);
    if (!input) return unexpected(input.error());
    const TileView& tile = input->tile;
    const auto centers = input->points[0].of_start(0);
    if (input->points[0].count == 0) {
        return unexpected(ErrorCode::InvalidArgument, "kmeans_labels: there are no centers");
    }
    Bytes output;
    ByteWriter writer{output};
    const std::size_t features = tile.column_count;
    each_rows_nearest(
        tile, centers,
        [&](std::size_t, std::size_t count, const double* rows, const double* places) {
            for (std::size_t r = 0; r < count; ++r) {
                const auto center = static_cast<std::size_t>(places[r]);
                double distance = 0;
                for (std::size_t i = 0; i < features; ++i) {
                    const double apart = rows[i * lanes + r] - centers[center * features + i];
                    distance += apart * apart;
                }
                writer.number(places[r]);
                writer.number(distance);
            }
        });
    return output;
}

}  // namespace netcompute::kernels
#endif
