#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace netcompute::learning {

/// What the scores of rows are.
enum class ScoreKind {
    LogOdds,        ///< One a row: of the second of two classes.
    Logits,         ///< One a class: logarithms of what is proportional to the probabilities.
    Probabilities,  ///< One a class; they add up to 1.
    Numbers,        ///< One a row: the predicted number.
};

struct ScoreForm {
    ScoreKind kind = ScoreKind::LogOdds;
    std::uint32_t width = 1;  ///< Of a row: 1, or the number of classes.
    friend bool operator==(const ScoreForm&, const ScoreForm&) = default;
};

/// What a fit says of rows: shape [rows][form.width].
struct Scores {
    ScoreForm form;
    std::span<const double> values;

    [[nodiscard]] std::size_t rows() const { return values.size() / form.width; }
    [[nodiscard]] std::span<const double> row(std::size_t index) const {
        return values.subspan(index * form.width, form.width);
    }
};

/// The class that log-odds predict: 1 above zero.
[[nodiscard]] constexpr std::uint8_t predicted_label(double log_odds) {
    return log_odds > 0 ? 1 : 0;
}

/// The class that a row's scores predict: the most probable one, of equal ones the first. Of scores
/// of classes only.
[[nodiscard]] std::size_t predicted_class(const Scores& scores, std::size_t row);

/// A row's probability of each class, by netcompute::math, into `to`: as many as classes. Of scores
/// of classes only.
void probabilities_of(const Scores& scores, std::size_t row, std::span<double> to);

}  // namespace netcompute::learning
