#include "builtin.hpp"
#include "learning_input.hpp"
#include "logistic_input.hpp"
#include "scratch.hpp"
#include <netcompute/kernels/neighbors.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "neighbors.cpp"
#include <hwy/foreach_target.h>
//
#include "lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

/// to[count][16]: the squared distances of 16 rows, [features][16], to some points, summed in order
/// of features.
template <std::size_t count>
HWY_INLINE void measure_some(const double* rows, std::size_t features, const double* points,
                             double* to) {
    constexpr std::size_t vectors = 16 / F64::lanes;
    F64 sums[count][vectors];
    for (auto& of_point : sums) {
        for (F64& sum : of_point) sum = F64::set(0);
    }
    for (std::size_t i = 0; i < features; ++i) {
        for (std::size_t p = 0; p < count; ++p) {
            const F64 at = F64::set(points[p * features + i]);
            for (std::size_t v = 0; v < vectors; ++v) {
                const F64 apart = F64::load(rows + i * 16 + v * F64::lanes) - at;
                sums[p][v] = sums[p][v] + apart * apart;
            }
        }
    }
    for (std::size_t p = 0; p < count; ++p) {
        for (std::size_t v = 0; v < vectors; ++v) {
            sums[p][v].store(to + p * 16 + v * F64::lanes);
        }
    }
}

/// Points at once: as many as the target has registers for. No sum depends on it.
inline constexpr std::size_t points_together = F64::lanes >= 4 ? F64::lanes / 2 : 1;

/// to[point_count][16].
void measure_distances(const double* rows, std::size_t features, const double* points,
                       std::size_t point_count, double* to) {
    std::size_t p = 0;
    for (; p + points_together <= point_count; p += points_together) {
        measure_some<points_together>(rows, features, points + p * features, to + p * 16);
    }
    for (; p < point_count; ++p) {
        measure_some<1>(rows, features, points + p * features, to + p * 16);
    }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <string>

namespace netcompute::kernels {

HWY_EXPORT(measure_distances);

namespace {

constexpr std::size_t points_at_once = 64;

/// The nearest rows so far, the nearest one first; of equally near ones the first in the table.
class NearestRows {
 public:
    explicit NearestRows(std::size_t count) : count_{count} {}

    void clear() { found_.clear(); }
    /// Rows come in their order, so one that is as near as the last one is too late.
    void look_at(double square, std::uint32_t row) {
        if (found_.size() == count_ && !(square < found_.back().square)) return;
        if (found_.size() == count_) found_.pop_back();
        std::size_t at = found_.size();
        found_.push_back({square, row});
        for (; at > 0 && square < found_[at - 1].square; --at) found_[at] = found_[at - 1];
        found_[at] = {square, row};
    }

    struct Found {
        double square;
        std::uint32_t row;
    };
    [[nodiscard]] const std::vector<Found>& found() const { return found_; }

 private:
    std::size_t count_;
    std::vector<Found> found_;
};

/// What the nearest rows say: the shares of classes, or the mean of numbers, into `to`, which is
/// zero. Rows at no distance weigh alone, where weights are by distance.
void ask(const Neighbors& model, const NearestRows& nearest, std::span<double> to) {
    const auto& found = nearest.found();
    const bool is_on_one = model.by_distance && found.front().square == 0;
    double sum = 0;
    for (const auto& [square, row] : found) {
        double weight = 1;
        if (is_on_one) {
            weight = square == 0 ? 1 : 0;
        } else if (model.by_distance) {
            weight = 1 / std::sqrt(square);
        }
        const double target = model.targets[row];
        if (model.class_count == 0) {
            to[0] += weight * target;
        } else {
            to[static_cast<std::size_t>(target)] += weight;
        }
        sum += weight;
    }
    for (double& share : to) share /= sum;
}

Unexpected not_neighbors(ByteSpan bytes) {
    return unexpected(ErrorCode::ShapeMismatch,
                      std::to_string(bytes.size()) + " bytes are no model of nearest neighbours");
}

}  // namespace

Bytes encode_neighbors(const Neighbors& neighbors) {
    Bytes bytes;
    bytes.reserve(24 + (neighbors.features.size() + neighbors.targets.size()) * sizeof(double));
    ByteWriter writer{bytes};
    for (const std::uint32_t number : {neighbors.class_count, neighbors.feature_count,
                                       neighbors.count, std::uint32_t{neighbors.by_distance}}) {
        writer.number(number);
    }
    writer.number(static_cast<std::uint64_t>(neighbors.targets.size()));
    writer.numbers(std::span<const double>{neighbors.features});
    writer.numbers(std::span<const double>{neighbors.targets});
    return bytes;
}

Result<Neighbors> decode_neighbors(ByteSpan bytes) {
    ByteReader reader{bytes};
    Neighbors model;
    model.class_count = reader.number<std::uint32_t>();
    model.feature_count = reader.number<std::uint32_t>();
    model.count = reader.number<std::uint32_t>();
    const auto by_distance = reader.number<std::uint32_t>();
    model.by_distance = by_distance == 1;
    const auto rows = reader.number<std::uint64_t>();
    if (!reader.ok() || by_distance > 1 || model.class_count == 1 ||
        model.class_count > neighbors_classes_max || model.feature_count < 1 ||
        model.feature_count > neighbors_features_max || model.count < 1 ||
        model.count > neighbors_most || model.count > rows ||
        rows > neighbors_values_max / (model.feature_count + 1) ||
        reader.left() != rows * (model.feature_count + 1) * sizeof(double)) {
        return not_neighbors(bytes);
    }
    model.features.resize(static_cast<std::size_t>(rows) * model.feature_count);
    model.targets.resize(static_cast<std::size_t>(rows));
    bool is_good = true;
    for (double& value : model.features) {
        value = reader.number<double>();
        is_good = is_good && std::isfinite(value);
    }
    for (double& target : model.targets) {
        target = reader.number<double>();
        is_good = is_good && (model.class_count == 0 ? std::isfinite(target)
                                                     : target >= 0 && target < model.class_count &&
                                                           target == std::trunc(target));
    }
    if (is_good) return model;
    return unexpected(ErrorCode::InvalidArgument,
                      "a feature is not finite, or a target is none of the classes");
}

/// neighbor_scores@1: what the nearest of the rows that were learned from say of some rows.
///
///   model     encode_neighbors()
///   features  a tile [feature_count][row_count], finite
///   rows      encode_rows_of_tile()
///   output    f64 scores[rows][width]: the shares of the classes, or the number
///
/// Euclidean distances, all of them; of equally near rows the first ones count.
/// Source: Cover and Hart, "Nearest neighbor pattern classification", IEEE Trans. Inf. Theory 13
/// (1967).
Result<Bytes> neighbor_scores(std::span<const ByteSpan> inputs, Memo& memo) {
    constexpr std::string_view kernel = "neighbor_scores";
    if (inputs.size() != 3) return wrong_input_count(kernel, inputs.size(), "3");
    const auto model = memo.derive<Neighbors>("neighbor_scores model 1", inputs.first(1), [&] {
        auto decoded = decode_neighbors(inputs[0]);
        if (!decoded) return Result<Derived<Neighbors>>{unexpected(decoded.error())};
        return Result<Derived<Neighbors>>{
            Derived<Neighbors>{std::move(decoded).value(), inputs[0].size()}};
    });
    if (!model) {
        return unexpected(model.error().code, std::string{kernel} + ": " + model.error().message);
    }
    const Neighbors& known = **model;
    const auto tile = read_finite_features(kernel, inputs[1], known.feature_count);
    if (!tile) return unexpected(tile.error());
    const auto range = read_rows_of_tile(kernel, inputs[2], tile->row_count);
    if (!range) return unexpected(range.error());

    Scratch rows{std::size_t{known.feature_count} * 16};
    Scratch squares{points_at_once * 16};
    std::vector<NearestRows> nearest(16, NearestRows{known.count});
    std::vector<double> said(neighbors_width(known.class_count));
    Bytes output;
    ByteWriter writer{output};
    for (std::size_t done = 0; done < range->count; done += 16) {
        const std::size_t here = std::min<std::size_t>(16, range->count - done);
        take_16_rows(*tile, range->first + done, here, rows.data());
        for (NearestRows& each : nearest) each.clear();
        for (std::size_t first = 0; first < known.targets.size(); first += points_at_once) {
            const std::size_t count = std::min(points_at_once, known.targets.size() - first);
            HWY_DYNAMIC_DISPATCH(measure_distances)
            (rows.data(), known.feature_count, known.features.data() + first * known.feature_count,
             count, squares.data());
            for (std::size_t r = 0; r < here; ++r) {
                for (std::size_t p = 0; p < count; ++p) {
                    nearest[r].look_at(squares.data()[p * 16 + r],
                                       static_cast<std::uint32_t>(first + p));
                }
            }
        }
        for (std::size_t r = 0; r < here; ++r) {
            std::fill(said.begin(), said.end(), 0.0);
            ask(known, nearest[r], said);
            for (const double score : said) writer.number(canonical(score));
        }
    }
    return output;
}

}  // namespace netcompute::kernels
#endif
