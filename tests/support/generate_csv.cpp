#include "generate_csv.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <random>
#include <string_view>

namespace netcompute::test_support {
namespace {

/// Draws without the standard distributions, whose results differ between libraries.
class Dice {
 public:
    explicit Dice(std::uint64_t seed) : engine_{seed} {}

    /// In [0, 1), in steps of 2^-53.
    double uniform() { return static_cast<double>(engine_() >> 11U) * 0x1p-53; }
    /// In [0, sides).
    std::uint64_t roll(std::uint64_t sides) {
        return static_cast<std::uint64_t>(uniform() * static_cast<double>(sides));
    }
    /// Bell-shaped, mean 0, deviation 1.
    double bell() {
        double sum = 0;
        for (int i = 0; i < 12; ++i) sum += uniform();
        return sum - 6;
    }

 private:
    std::mt19937_64 engine_;
};

template <typename Number>
void append_number(std::string& text, Number value) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    text.append(digits.data(), end);
}

void append_fixed(std::string& text, double value, int decimals) {
    std::array<char, 64> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                   std::chars_format::fixed, decimals)
                         .ptr;
    text.append(digits.data(), end);
}

/// Near enough to the logistic function, from operations that every machine rounds alike.
double rising(double score) {
    return 0.5 + 0.5 * score / (1 + std::abs(score));
}

void append_name(std::string& text, Dice& dice, bool is_female) {
    constexpr std::array<std::string_view, 8> surnames{"Adams", "Berg",  "Costa", "Dunne",
                                                       "Eriks", "Fahim", "Gould", "Haas"};
    constexpr std::array<std::string_view, 6> given{"Alex",  "Chris", "Kim",
                                                    "Maria", "Nils",  "Toni"};
    text += '"';
    text += surnames[dice.roll(surnames.size())];
    append_number(text, dice.roll(10'000));
    text += is_female ? ", Miss. " : ", Mr. ";
    text += given[dice.roll(given.size())];
    if (dice.roll(50) == 0) text += " \"\"Sunny\"\"";
    text += '"';
}

}  // namespace

std::string generate_passengers(const PassengerTable& table) {
    constexpr std::array<std::string_view, 4> ports{"S", "C", "Q", ""};
    Dice dice{table.seed};
    std::string text = "PassengerId,";
    if (table.with_target) text += "Survived,";
    text += "Pclass,Name,Sex,Age,SibSp,Parch,Fare,Embarked\n";
    for (std::uint64_t row = 1; row <= table.row_count; ++row) {
        const std::uint64_t passenger_class = 1 + dice.roll(3);
        const bool is_female = dice.uniform() < 0.36;
        const bool has_age = dice.uniform() < 0.8;
        const double age = std::floor(2 * std::abs(30 + 14 * dice.bell())) / 2;
        const std::uint64_t siblings = dice.roll(10) < 7 ? 0 : dice.roll(5);
        const std::uint64_t parents = dice.roll(10) < 8 ? 0 : dice.roll(4);
        const double fare = 90 * dice.uniform() / static_cast<double>(passenger_class);
        const std::uint64_t port_roll = dice.roll(500);
        const std::size_t port = port_roll < 360   ? 0
                                 : port_roll < 455 ? 1
                                 : port_roll < 499 ? 2
                                                   : 3;
        const double score = 2.4 - 1.1 * static_cast<double>(passenger_class) +
                             (is_female ? 2.6 : 0) - 0.03 * age -
                             0.3 * static_cast<double>(siblings) + (port == 1 ? 0.4 : 0);
        const bool survived = dice.uniform() < rising(score);

        append_number(text, row);
        text += ',';
        if (table.with_target) text += survived ? "1," : "0,";
        append_number(text, passenger_class);
        text += ',';
        append_name(text, dice, is_female);
        text += is_female ? ",female," : ",male,";
        if (has_age) append_number(text, age);
        text += ',';
        append_number(text, siblings);
        text += ',';
        append_number(text, parents);
        text += ',';
        append_fixed(text, fare, 4);
        text += ',';
        text += ports[port];
        text += '\n';
    }
    return text;
}

std::string generate_numbers(const NumericTable& table) {
    Dice dice{table.seed};
    std::string text = "PassengerId,Survived";
    for (std::uint64_t i = 0; i < table.feature_count; ++i) {
        text += ",x";
        append_number(text, i);
    }
    text += '\n';
    std::string features;
    for (std::uint64_t row = 1; row <= table.row_count; ++row) {
        features.clear();
        double score = 0;
        for (std::uint64_t i = 0; i < table.feature_count; ++i) {
            const double value = dice.bell();
            score += (i % 2 == 0 ? 0.3 : -0.2) * value;
            features += ',';
            append_fixed(features, value, 6);
        }
        append_number(text, row);
        text += dice.uniform() < rising(score) ? ",1" : ",0";
        text += features;
        text += '\n';
    }
    return text;
}

}  // namespace netcompute::test_support
