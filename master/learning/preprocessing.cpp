#include "learning/preprocessing.hpp"

#include <unordered_set>

namespace netcompute::learning {

std::uint32_t Preprocessing::feature_count() const {
    std::size_t count = 0;
    for (const FeatureColumn& column : columns) {
        if (std::holds_alternative<NumericEncoding>(column.encoding)) ++count;
        if (const auto* dates = std::get_if<DateEncoding>(&column.encoding)) {
            count += dates->parts.size();
        }
        if (const auto* encoding = std::get_if<CategoricalEncoding>(&column.encoding)) {
            count += encoding->feature_count();
        }
    }
    return static_cast<std::uint32_t>(count);
}

std::vector<std::string> Preprocessing::feature_names() const {
    // Numbers have the names of their columns, which are distinct.
    std::unordered_set<std::string> taken;
    for (const FeatureColumn& column : columns) {
        if (std::holds_alternative<NumericEncoding>(column.encoding)) taken.insert(column.name);
    }
    const auto own_name = [&](std::string name, const std::string& mark) {
        while (!taken.insert(name).second) name += mark;
        return name;
    };
    std::vector<std::string> names;
    for (const FeatureColumn& column : columns) {
        if (std::holds_alternative<NumericEncoding>(column.encoding)) names.push_back(column.name);
        if (const auto* dates = std::get_if<DateEncoding>(&column.encoding)) {
            for (std::size_t i = 0; i < dates->parts.size(); ++i) {
                names.push_back(
                    own_name(column.name + " " + std::string{date_part_names[i]}, " (date)"));
            }
        }
        const auto* encoding = std::get_if<CategoricalEncoding>(&column.encoding);
        if (encoding == nullptr) continue;
        for (std::size_t i = encoding->first_kept(); i < encoding->category_count(); ++i) {
            const bool is_named = i < encoding->categories.size();
            const bool is_other = i == encoding->categories.size() && encoding->has_other;
            const std::string category = is_named   ? encoding->categories[i]
                                         : is_other ? std::string{"(other)"}
                                                    : std::string{"(missing)"};
            names.push_back(own_name(column.name + "=" + category, " (category)"));
        }
    }
    return names;
}

std::vector<Standardization> Preprocessing::standardizations() const {
    std::vector<Standardization> all;
    for (const FeatureColumn& column : columns) {
        if (const auto* number = std::get_if<NumericEncoding>(&column.encoding)) {
            all.push_back(number->standardization);
        } else if (const auto* texts = std::get_if<CategoricalEncoding>(&column.encoding)) {
            all.insert(all.end(), texts->standardizations.begin(), texts->standardizations.end());
        } else if (const auto* dates = std::get_if<DateEncoding>(&column.encoding)) {
            for (const auto& part : dates->parts) all.push_back(part.standardization);
        }
    }
    return all;
}

}  // namespace netcompute::learning
