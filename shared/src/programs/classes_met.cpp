#include "classes_met.hpp"

#include <netcompute/kernels/tile.hpp>
#include <netcompute/math.hpp>

#include <algorithm>

namespace netcompute::programs {

std::vector<std::uint32_t> classes_met(const std::vector<double>& labels,
                                       std::uint32_t class_count) {
    std::vector<std::uint32_t> met;
    for (std::uint32_t c = 0; c < class_count; ++c) {
        const bool is_there = std::find(labels.begin(), labels.end(), c) != labels.end();
        if (is_there) met.push_back(c);
    }
    return met;
}

FitRows with_places(const FitRows& rows, const std::vector<std::uint32_t>& met) {
    FitRows placed = rows;
    for (Bytes& tile : placed.labels) {
        const auto view = kernels::decode_tile(tile);
        std::vector<double> places;
        for (const double label : view->values) {
            const auto place =
                std::lower_bound(met.begin(), met.end(), label,
                                 [](std::uint32_t each, double wanted) { return each < wanted; });
            const bool is_met = place != met.end() && *place == label;
            places.push_back(is_met ? static_cast<double>(place - met.begin()) : -1);
        }
        tile = kernels::encode_tile(view->row_count, 1, places);
    }
    return placed;
}

std::vector<double> spread(const std::vector<double>& scores, const std::vector<std::uint32_t>& met,
                           std::uint32_t class_count) {
    if (met.size() == class_count) return scores;
    const double least = math::log(0x1p-52);
    std::vector<double> all;
    for (std::size_t row = 0; row < scores.size(); row += met.size()) {
        const auto* const first = scores.data() + row;
        const double largest = *std::max_element(first, first + met.size());
        all.resize(all.size() + class_count, largest + least);
        double* const to = all.data() + all.size() - class_count;
        for (std::size_t i = 0; i < met.size(); ++i) to[met[i]] = first[i];
    }
    return all;
}

}  // namespace netcompute::programs
