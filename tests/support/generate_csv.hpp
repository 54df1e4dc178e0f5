#pragma once

#include <cstdint>
#include <string>

namespace netcompute::test_support {

/// A table of invented passengers: PassengerId, Survived, Pclass, Name (quoted, with commas and
/// now and then quotes), Sex, Age (one in five missing), SibSp, Parch, Fare, Embarked (a few
/// missing). Survival depends on the rest by a logistic model with noise. The same bytes for the
/// same arguments on every machine.
struct PassengerTable {
    std::uint64_t row_count = 0;
    std::uint64_t seed = 0;
    bool with_target = true;  ///< Whether Survived is there; the other columns do not change.
};
[[nodiscard]] std::string generate_passengers(const PassengerTable& table);

/// PassengerId, Survived, then x0, x1, … with about nine characters a number.
struct NumericTable {
    std::uint64_t row_count = 0;
    std::uint64_t seed = 0;
    std::uint64_t feature_count = 32;
};
[[nodiscard]] std::string generate_numbers(const NumericTable& table);

}  // namespace netcompute::test_support
