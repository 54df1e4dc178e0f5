#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace netcompute::kernels {

inline constexpr std::uint32_t network_features_max = 1024;
inline constexpr std::uint32_t network_classes_max = 250;
inline constexpr std::uint32_t network_hidden_max = 8;    ///< Hidden layers.
inline constexpr std::uint32_t network_width_max = 4096;  ///< Of a hidden layer.
/// All weights and biases: four times as many f64, what early stopping keeps, fit in one frame.
inline constexpr std::uint32_t network_weights_max = 400'000;
inline constexpr std::uint32_t network_epochs_max = 100'000;
/// Of a batch, all layers' values together: what a task takes is a few times as many f64.
inline constexpr std::uint64_t network_batch_values_max = std::uint64_t{1} << 23;

enum class Activation : std::uint32_t { Relu, Tanh, Logistic };
enum class NetworkSolver : std::uint32_t { Adam, Sgd };

/// The shape of a multi-layer perceptron. Its weights are, layer after layer, [inputs][outputs] and
/// then biases [outputs].
struct NetworkForm {
    Activation activation = Activation::Relu;  ///< Of hidden layers.
    std::uint32_t class_count = 0;             ///< 0: it predicts a number.
    std::vector<std::uint32_t> widths;         ///< Features, hidden layers, outputs.
    friend bool operator==(const NetworkForm&, const NetworkForm&) = default;
};

/// One score for two classes (log-odds) and for a number; else one a class (logits).
[[nodiscard]] constexpr std::uint32_t network_outputs(std::uint32_t class_count) {
    return class_count > 2 ? class_count : 1;
}
[[nodiscard]] std::uint64_t network_weight_count(const NetworkForm& form);
/// Of a row, all layers' together.
[[nodiscard]] std::uint64_t network_value_count(const NetworkForm& form);
/// Whether all is within the limits, and the outputs fit the classes.
[[nodiscard]] bool is_network_form(const NetworkForm& form);

/// How a network learns, in scikit-learn's words.
struct NetworkPlan {
    NetworkForm form;
    NetworkSolver solver = NetworkSolver::Adam;
    std::uint32_t batch_size = 200;
    std::uint32_t epochs_max = 200;
    std::uint32_t patience = 10;  ///< n_iter_no_change.
    std::uint32_t replicas = 1;   ///< With more than 1, no task stops early: the fold does.
    bool early_stopping = false;  ///< By rows that are held out; of one replica only.
    double alpha = 1e-4;
    double learning_rate = 1e-3;
    double momentum = 0.9;  ///< Of Sgd, by Nesterov.
    double tolerance = 1e-4;
    double validation_fraction = 0.1;
    double shift = 0;  ///< Targets that are numbers are learned as (y - shift) / scale.
    double scale = 1;
    std::uint64_t seed = 0;
};

/// Where one replica stands.
struct NetworkState {
    static constexpr std::uint32_t stopped = 1;
    static constexpr std::uint32_t diverged = 2;  ///< A weight is no number: there are no lists.

    std::uint32_t epochs = 0;      ///< Whole ones.
    std::uint32_t batches = 0;     ///< Of the epoch that is begun.
    std::uint64_t updates = 0;     ///< All of them: Adam's time.
    std::uint32_t stale = 0;       ///< Epochs in a row that brought less than the tolerance.
    std::uint32_t is_stopped = 0;  ///< Not 0: no epoch follows.
    double loss_sum = 0;           ///< Of the epoch that is begun, times its rows.
    double loss = 0;               ///< Of the last whole epoch: a row's mean, with the penalty.
    double best = 0;               ///< The least loss, or the largest validation score.
    double score = 0;              ///< Of the rows held out, after the last whole epoch.
    std::vector<double> weights;
    std::vector<double> first;         ///< Adam's first moments, or Sgd's velocities.
    std::vector<double> second;        ///< Adam's second moments; else none.
    std::vector<double> best_weights;  ///< With early stopping, once an epoch is whole.
};

/// What a task is to do: go on from a state, until so many epochs are whole, or so many updates
/// were made.
struct NetworkTask {
    std::uint32_t replica = 0;
    std::uint32_t epochs_end = 0;
    std::uint32_t updates_max = 0;
};

/// Glorot and Bengio's first weights, by the plan's seed: the same for all replicas.
[[nodiscard]] std::vector<double> first_network_weights(const NetworkPlan& plan);

/// The stopping rule at the end of an epoch, or, of several replicas, of a round of epochs.
/// `value`: the loss, or the score of rows held out.
void note_network_epoch(const NetworkPlan& plan, double value, NetworkState& state);

[[nodiscard]] Bytes encode_network_plan(const NetworkPlan& plan);
/// Errors: ShapeMismatch, InvalidArgument for what no plan has.
[[nodiscard]] Result<NetworkPlan> decode_network_plan(ByteSpan bytes);

/// What network_steps@1 returns, and reads again.
[[nodiscard]] Bytes encode_network_state(const NetworkState& state);
/// Errors: ShapeMismatch for what is no state of this plan; InvalidArgument for one that has
/// diverged.
[[nodiscard]] Result<NetworkState> decode_network_state(ByteSpan bytes, const NetworkPlan& plan);

[[nodiscard]] Bytes encode_network_task(const NetworkTask& task);

/// A network that has learned, as network_scores@1 reads it: a model's canonical bytes.
struct Network {
    NetworkForm form;
    std::vector<double> weights;
};
[[nodiscard]] Bytes encode_network(const Network& network);
/// Errors: ShapeMismatch, InvalidArgument for what is no network.
[[nodiscard]] Result<Network> decode_network(ByteSpan bytes);

}  // namespace netcompute::kernels
