#include "learning/preprocessing.hpp"

namespace netcompute::learning {

std::uint32_t Preprocessing::feature_count() const {
    std::size_t count = 0;
    for (const FeatureColumn& column : columns) {
        if (std::holds_alternative<NumericEncoding>(column.encoding)) ++count;
        if (const auto* encoding = std::get_if<CategoricalEncoding>(&column.encoding)) {
            count += encoding->feature_count();
        }
    }
    return static_cast<std::uint32_t>(count);
}

std::vector<std::string> Preprocessing::feature_names() const {
    std::vector<std::string> names;
    for (const FeatureColumn& column : columns) {
        if (std::holds_alternative<NumericEncoding>(column.encoding)) names.push_back(column.name);
        const auto* encoding = std::get_if<CategoricalEncoding>(&column.encoding);
        if (encoding == nullptr) continue;
        for (std::size_t i = encoding->first_kept(); i < encoding->category_count(); ++i) {
            const bool is_named = i < encoding->categories.size();
            names.push_back(column.name + "=" +
                            (is_named ? encoding->categories[i] : std::string{"(missing)"}));
        }
    }
    return names;
}

}  // namespace netcompute::learning
