#include "learning/binning_json.hpp"

#include <netcompute/kernels/boosting.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <utility>

namespace netcompute::learning {

Binning read_binning(ModelReader& reader, std::uint32_t feature_count) {
    Binning binning;
    for (const auto& cuts : reader.array("cuts")) {
        binning.cuts.emplace_back();
        const bool are_numbers =
            cuts.is_array() && cuts.size() < kernels::bins_max &&
            std::ranges::all_of(cuts, [](const auto& cut) { return cut.is_number(); });
        if (are_numbers) binning.cuts.back() = cuts.get<std::vector<double>>();
        const auto& read = binning.cuts.back();
        const bool rise = std::ranges::adjacent_find(read, std::greater_equal<>{}) == read.end();
        if (!are_numbers || !rise) {
            reader.fail("cuts", "each must be at most " + std::to_string(kernels::bins_max - 1) +
                                    " numbers that rise");
            return {};
        }
    }
    if (binning.cuts.size() != feature_count || feature_count == 0) {
        reader.fail("cuts", "there are " + std::to_string(binning.cuts.size()) +
                                ", but the columns make " + std::to_string(feature_count) +
                                " features");
    }
    return binning;
}

void write_binning(ByteWriter& writer, const Binning& binning) {
    for (const auto& cuts : binning.cuts) {
        writer.number(static_cast<std::uint32_t>(cuts.size()));
        writer.numbers(std::span{cuts});
    }
}

nlohmann::json importances_document(std::span<const std::string> feature_names,
                                    std::span<const double> shares) {
    nlohmann::json importances = nlohmann::json::object();
    for (std::size_t i = 0; i < feature_names.size(); ++i) {
        importances[feature_names[i]] = shares[i];
    }
    return importances;
}

void add_importances(const nlohmann::json& result, std::string_view of_what,
                     std::vector<std::string>& lines) {
    constexpr std::size_t shown_max = 10;
    std::vector<std::pair<double, std::string>> best;
    for (const auto& [name, share] : result.at("feature_importances").items()) {
        best.emplace_back(-share.get<double>(), name);
    }
    std::ranges::sort(best);
    best.resize(std::min(best.size(), shown_max));
    for (const auto& [share, name] : best) {
        std::array<char, 16> text{};
        std::snprintf(text.data(), text.size(), "%5.1f %% ", -share * 100);
        lines.push_back(std::string{"  "} + text.data() + std::string{of_what} + " by " + name);
    }
}

}  // namespace netcompute::learning
