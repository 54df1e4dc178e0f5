#include "learning/scores.hpp"

#include <netcompute/assert.hpp>
#include <netcompute/math.hpp>

#include <algorithm>

namespace netcompute::learning {

std::size_t predicted_class(const Scores& scores, std::size_t row) {
    const auto values = scores.row(row);
    NETCOMPUTE_ASSERT(scores.form.kind != ScoreKind::Numbers, "a number is no class");
    if (scores.form.kind == ScoreKind::LogOdds) return predicted_label(values[0]);
    return static_cast<std::size_t>(std::ranges::max_element(values) - values.begin());
}

void probabilities_of(const Scores& scores, std::size_t row, std::span<double> to) {
    const auto values = scores.row(row);
    switch (scores.form.kind) {
        case ScoreKind::LogOdds:
            to[0] = math::sigmoid(-values[0]);
            to[1] = math::sigmoid(values[0]);
            return;
        case ScoreKind::Probabilities:
            std::ranges::copy(values, to.begin());
            return;
        case ScoreKind::Logits: {
            const double largest = *std::ranges::max_element(values);
            double sum = 0;
            for (std::size_t i = 0; i < values.size(); ++i) {
                to[i] = math::exp(values[i] - largest);
                sum += to[i];
            }
            for (double& each : to) each /= sum;
            return;
        }
        case ScoreKind::Numbers:
            break;
    }
    NETCOMPUTE_ASSERT(false, "a number has no classes");
}

}  // namespace netcompute::learning
