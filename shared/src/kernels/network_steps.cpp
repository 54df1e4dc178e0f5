#include "builtin.hpp"
#include "learning_input.hpp"
#include "logistic_input.hpp"
#include "network_math.hpp"
#include "scratch.hpp"
#include <netcompute/math.hpp>
#include <netcompute/random.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

namespace netcompute::kernels {
namespace {

constexpr std::string_view steps_kernel = "network_steps";

/// All rows of a replica, row after row.
struct NetworkRows {
    std::size_t count = 0;
    std::vector<double> features;  ///< [count][features].
    std::vector<double> targets;   ///< Places of classes, or numbers as they are learned.
};

/// Which rows are learned from, and which judge.
struct NetworkSplit {
    std::vector<std::uint32_t> training;
    std::vector<std::uint32_t> held_out;
};

Result<Derived<NetworkRows>> rows_of(const NetworkPlan& plan, std::span<const ByteSpan> shards) {
    const std::uint32_t width = plan.form.widths.front();
    NetworkRows rows;
    for (std::size_t i = 0; i + 1 < shards.size(); i += 2) {
        const auto tile = read_finite_features(steps_kernel, shards[i], width);
        if (!tile) return unexpected(tile.error());
        const auto targets =
            read_targets_of(steps_kernel, shards[i + 1], tile->row_count, plan.form.class_count);
        if (!targets) return unexpected(targets.error());
        const std::size_t before = rows.count;
        rows.count += tile->row_count;
        rows.features.resize(rows.count * width);
        for (std::uint32_t column = 0; column < width; ++column) {
            const auto values = tile->column(column);
            for (std::size_t row = 0; row < values.size(); ++row) {
                rows.features[(before + row) * width + column] = values[row];
            }
        }
        for (const double target : *targets) {
            rows.targets.push_back(plan.form.class_count > 0 ? target
                                                             : (target - plan.shift) / plan.scale);
        }
    }
    const std::size_t bytes = (rows.features.size() + rows.targets.size()) * sizeof(double);
    return Derived<NetworkRows>{std::move(rows), bytes};
}

void shuffle(std::vector<std::uint32_t>& rows, Philox random) {
    for (std::size_t left = rows.size(); left > 1; --left) {
        std::swap(rows[left - 1], rows[static_cast<std::size_t>(random.next_below(left))]);
    }
}

/// With early stopping a share of the rows is held out, of each class the same.
NetworkSplit split_of(const NetworkPlan& plan, const NetworkRows& rows, std::uint32_t replica) {
    NetworkSplit split;
    split.training.resize(rows.count);
    std::iota(split.training.begin(), split.training.end(), 0U);
    if (!plan.early_stopping) return split;
    std::vector<std::uint32_t> drawn = std::move(split.training);
    split.training.clear();
    shuffle(drawn, Philox{plan.seed, std::uint64_t{1} + replica});
    const auto class_of = [&](std::uint32_t row) {
        return plan.form.class_count == 0 ? 0 : static_cast<std::size_t>(rows.targets[row]);
    };
    std::vector<std::size_t> sizes(std::max(1U, plan.form.class_count));
    for (const std::uint32_t row : drawn) ++sizes[class_of(row)];
    std::vector<std::size_t> due;
    for (const std::size_t size : sizes) {
        due.push_back(
            static_cast<std::size_t>(plan.validation_fraction * static_cast<double>(size) + 0.5));
    }
    for (const std::uint32_t row : drawn) {
        std::size_t& left = due[class_of(row)];
        (left > 0 ? split.held_out : split.training).push_back(row);
        if (left > 0) --left;
    }
    std::sort(split.training.begin(), split.training.end());
    return split;
}

/// One replica's training: its memory, and the steps.
class NetworkTraining {
 public:
    NetworkTraining(const NetworkPlan& plan, const NetworkRows& rows, std::uint32_t replica,
                    NetworkState& state)
        : plan_{plan},
          rows_{rows},
          split_{split_of(plan, rows, replica)},
          replica_{replica},
          layout_{plan.form},
          state_{state},
          batch_{std::min<std::size_t>(plan.batch_size, split_.training.size())},
          memory_{memory_size()} {
        double* next = memory_.data();
        const auto take = [&](std::size_t size) {
            double* const from = next;
            next += (size + 7) / 8 * 8;
            return from;
        };
        for (double** const list : {&weights_, &first_, &second_, &gradient_, &turned_}) {
            *list = take(list == &turned_ ? turned_size() : layout_.size);
        }
        for (const NetworkLayer& layer : layout_.layers) {
            outputs_.push_back(take(batch_ * layer.columns));
            deltas_.push_back(take(batch_ * layer.columns));
        }
        inputs_ = take(batch_ * plan.form.widths.front());
        layout_.fill(state.weights, weights_);
        layout_.fill(state.first, first_);
        if (!state.second.empty()) layout_.fill(state.second, second_);
    }

    /// There are rows to learn from, and the state is somewhere among them.
    [[nodiscard]] bool can_go_on() const {
        return batch_ > 0 && (!plan_.early_stopping || !split_.held_out.empty()) &&
               state_.batches <= (split_.training.size() - 1) / batch_;
    }

    void run(const NetworkTask& task) {
        std::uint32_t updates = 0;
        while (state_.is_stopped == 0 && state_.epochs < task.epochs_end &&
               updates < task.updates_max) {
            if (order_of_ != state_.epochs || order_.empty()) draw_order();
            const std::size_t begin = std::size_t{state_.batches} * batch_;
            const std::size_t count = std::min(batch_, order_.size() - begin);
            take_batch(std::span{order_}.subspan(begin, count));
            step(count);
            ++updates;
            ++state_.batches;
            if (begin + count == order_.size()) finish_epoch();
        }
        store_weights();
        state_.first = layout_.unfilled(first_);
        if (!state_.second.empty()) state_.second = layout_.unfilled(second_);
    }

 private:
    [[nodiscard]] std::size_t turned_size() const {
        std::size_t most = 0;
        for (const NetworkLayer& layer : layout_.layers) {
            most = std::max(most, layer.outputs * ((layer.inputs + 7) / 8 * 8));
        }
        return most;
    }
    [[nodiscard]] std::size_t memory_size() const {
        std::size_t size = 4 * layout_.size + turned_size() + 8;
        for (const NetworkLayer& layer : layout_.layers) size += 2 * batch_ * layer.columns;
        return size + batch_ * plan_.form.widths.front() + 8;
    }

    void draw_order() {
        order_ = split_.training;
        order_of_ = state_.epochs;
        shuffle(order_, Philox{plan_.seed, (std::uint64_t{1} + replica_) << 32 | state_.epochs});
    }

    void take_batch(std::span<const std::uint32_t> rows) {
        const std::size_t width = plan_.form.widths.front();
        labels_.clear();
        for (std::size_t r = 0; r < rows.size(); ++r) {
            std::copy_n(rows_.features.data() + rows[r] * width, width, inputs_ + r * width);
            labels_.push_back(rows_.targets[rows[r]]);
        }
    }

    void forward(std::size_t count) {
        run_network(layout_, plan_.form.activation, weights_, inputs_, count, outputs_);
    }

    /// The losses of the batch, and the last layer's deltas. Losses are of the scores before this
    /// step.
    double find_losses(std::size_t count) {
        const NetworkLayer& last = layout_.layers.back();
        const double* const scores = outputs_.back();
        double* const deltas = deltas_.back();
        std::fill_n(deltas, count * last.columns, 0.0);
        double sum = 0;
        for (std::size_t r = 0; r < count; ++r) {
            const double* const row = scores + r * last.columns;
            double* const to = deltas + r * last.columns;
            if (plan_.form.class_count == 0) {
                to[0] = row[0] - labels_[r];
                sum += 0.5 * to[0] * to[0];
            } else if (plan_.form.class_count == 2) {
                to[0] = math::sigmoid(row[0]) - labels_[r];
                sum += math::softplus(labels_[r] == 1 ? -row[0] : row[0]);
            } else {
                const double largest = *std::max_element(row, row + last.outputs);
                double powers = 0;
                for (std::size_t c = 0; c < last.outputs; ++c) {
                    to[c] = math::exp(row[c] - largest);
                    powers += to[c];
                }
                const auto own = static_cast<std::size_t>(labels_[r]);
                sum += math::log(powers) - (row[own] - largest);
                for (std::size_t c = 0; c < last.outputs; ++c) to[c] /= powers;
                to[own] -= 1;
            }
        }
        return sum;
    }

    /// The sum of squares of all weights but the biases: 8 sums, of every 8th each, in a fixed
    /// tree.
    [[nodiscard]] double squares() const {
        double sums[8] = {};
        for (const NetworkLayer& layer : layout_.layers) {
            for (std::size_t i = layer.weights; i < layer.biases; i += 8) {
                for (std::size_t l = 0; l < 8; ++l) sums[l] += weights_[i + l] * weights_[i + l];
            }
        }
        return ((sums[0] + sums[4]) + (sums[2] + sums[6])) +
               ((sums[1] + sums[5]) + (sums[3] + sums[7]));
    }

    void backward(std::size_t count) {
        const double one = 1;
        for (std::size_t i = layout_.layers.size(); i-- > 0;) {
            const NetworkLayer& layer = layout_.layers[i];
            const double* const inputs = i == 0 ? inputs_ : outputs_[i - 1];
            const std::size_t stride = i == 0 ? layer.inputs : layout_.layers[i - 1].columns;
            multiply({layer.inputs, count, layer.columns, inputs, 1, stride, deltas_[i], nullptr,
                      gradient_ + layer.weights});
            multiply({1, count, layer.columns, &one, 0, 0, deltas_[i], nullptr,
                      gradient_ + layer.biases});
            if (i == 0) break;
            const std::size_t columns = layout_.layers[i - 1].columns;
            std::fill_n(turned_, layer.outputs * columns, 0.0);
            for (std::size_t from = 0; from < layer.inputs; ++from) {
                for (std::size_t to = 0; to < layer.outputs; ++to) {
                    turned_[to * columns + from] =
                        weights_[layer.weights + from * layer.columns + to];
                }
            }
            multiply({count, layer.outputs, columns, deltas_[i], layer.columns, 1, turned_, nullptr,
                      deltas_[i - 1]});
            multiply_slopes(plan_.form.activation, outputs_[i - 1], deltas_[i - 1],
                            count * columns);
        }
        const auto rows = static_cast<double>(count);
        for (const NetworkLayer& layer : layout_.layers) {
            for (std::size_t w = layer.weights; w < layer.biases; ++w) {
                gradient_[w] = (gradient_[w] + plan_.alpha * weights_[w]) / rows;
            }
            for (std::size_t w = layer.biases; w < layer.biases + layer.columns; ++w) {
                gradient_[w] /= rows;
            }
        }
    }

    void step(std::size_t count) {
        forward(count);
        state_.loss_sum += find_losses(count) + 0.5 * plan_.alpha * squares();
        backward(count);
        ++state_.updates;
        if (plan_.solver == NetworkSolver::Adam) {
            step_adam();
        } else {
            step_sgd();
        }
    }

    /// Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR (2015).
    void step_adam() {
        constexpr double beta_1 = 0.9;
        constexpr double beta_2 = 0.999;
        constexpr double epsilon = 1e-8;
        const auto time = static_cast<double>(state_.updates);
        const double rate = plan_.learning_rate *
                            std::sqrt(1 - math::exp(time * math::log(beta_2))) /
                            (1 - math::exp(time * math::log(beta_1)));
        for (std::size_t w = 0; w < layout_.size; ++w) {
            const double g = gradient_[w];
            first_[w] = beta_1 * first_[w] + (1 - beta_1) * g;
            second_[w] = beta_2 * second_[w] + (1 - beta_2) * (g * g);
            weights_[w] -= rate * first_[w] / (std::sqrt(second_[w]) + epsilon);
        }
    }

    /// With Nesterov's momentum, as scikit-learn has it.
    void step_sgd() {
        for (std::size_t w = 0; w < layout_.size; ++w) {
            const double push = plan_.learning_rate * gradient_[w];
            first_[w] = plan_.momentum * first_[w] - push;
            weights_[w] += plan_.momentum * first_[w] - push;
        }
    }

    void store_weights() { state_.weights = layout_.unfilled(weights_); }

    void finish_epoch() {
        ++state_.epochs;
        state_.batches = 0;
        state_.loss = state_.loss_sum / static_cast<double>(order_.size());
        state_.loss_sum = 0;
        if (plan_.replicas > 1) return;
        if (plan_.early_stopping) {
            store_weights();
            state_.score = score_of_held_out();
        }
        note_network_epoch(plan_, plan_.early_stopping ? state_.score : state_.loss, state_);
    }

    /// Accuracy, or R2.
    double score_of_held_out() {
        const std::span<const std::uint32_t> rows{split_.held_out};
        const std::size_t columns = layout_.layers.back().columns;
        double right = 0;
        double squares = 0;
        double mean = 0;
        for (const std::uint32_t row : rows) mean += rows_.targets[row];
        mean /= static_cast<double>(rows.size());
        double spread = 0;
        for (std::size_t begin = 0; begin < rows.size(); begin += batch_) {
            const std::size_t count = std::min(batch_, rows.size() - begin);
            take_batch(rows.subspan(begin, count));
            forward(count);
            for (std::size_t r = 0; r < count; ++r) {
                const double* const scores = outputs_.back() + r * columns;
                const double label = labels_[r];
                const double apart = scores[0] - label;
                squares += apart * apart;
                spread += (label - mean) * (label - mean);
                const auto outputs = layout_.layers.back().outputs;
                const auto said = plan_.form.class_count == 2
                                      ? static_cast<std::ptrdiff_t>(scores[0] > 0)
                                      : std::max_element(scores, scores + outputs) - scores;
                if (static_cast<double>(said) == label) right += 1;
            }
        }
        if (plan_.form.class_count > 0) return right / static_cast<double>(rows.size());
        return spread > 0 ? 1 - squares / spread : 0;
    }

    const NetworkPlan& plan_;
    const NetworkRows& rows_;
    NetworkSplit split_;
    std::uint32_t replica_;
    NetworkLayout layout_;
    NetworkState& state_;
    std::size_t batch_;
    Scratch memory_;
    double* weights_ = nullptr;
    double* first_ = nullptr;
    double* second_ = nullptr;
    double* gradient_ = nullptr;
    double* turned_ = nullptr;  ///< A layer's weights, [outputs][inputs].
    double* inputs_ = nullptr;  ///< The batch's features.
    std::vector<double*> outputs_;
    std::vector<double*> deltas_;
    std::vector<double> labels_;
    std::vector<std::uint32_t> order_;  ///< Of the epoch that is begun.
    std::uint32_t order_of_ = 0;
};

Unexpected bad_input(const Error& error) {
    return unexpected(error.code, std::string{steps_kernel} + ": " + error.message);
}

/// The state to go on from: the first one, or the one before, maybe with other weights.
Result<NetworkState> read_state(const NetworkPlan& plan, ByteSpan weights, ByteSpan state) {
    const auto count = static_cast<std::size_t>(network_weight_count(plan.form));
    NetworkState read;
    if (state.empty()) {
        read.first.resize(count);
        if (plan.solver == NetworkSolver::Adam) read.second.resize(count);
        if (weights.empty()) read.weights = first_network_weights(plan);
    } else {
        auto decoded = decode_network_state(state, plan);
        if (!decoded) return bad_input(decoded.error());
        read = std::move(decoded).value();
    }
    if (weights.empty()) return read;
    if (weights.size() != count * sizeof(double)) {
        return bad_input({ErrorCode::ShapeMismatch, std::to_string(weights.size()) +
                                                        " bytes are not the weights of this "
                                                        "network"});
    }
    read.weights.resize(count);
    ByteReader reader{weights};
    for (double& weight : read.weights) {
        weight = reader.number<double>();
        if (std::isfinite(weight)) continue;
        return bad_input({ErrorCode::InvalidArgument, "a weight is not finite"});
    }
    return read;
}

}  // namespace

/// network_steps@1: some steps of a multi-layer perceptron's training, over a replica's rows.
///
///   plan      encode_network_plan()
///   weights   f64 weights to go on from, or nothing: those of the state
///   task      encode_network_task()
///   state     an output of this kernel, or nothing: the beginning
///   then for each shard of the replica's rows
///     features  a tile [feature_count][row_count], finite
///     labels    a tile [1][row_count]: places of classes, or numbers
///   output    encode_network_state()
///
/// An epoch's order of rows is drawn by seed, replica and epoch. Every sum is in a fixed order:
/// over inputs, over a batch's rows, over outputs. Source: Rumelhart, Hinton and Williams,
/// "Learning representations by back-propagating errors", Nature 323 (1986).
Result<Bytes> network_steps(std::span<const ByteSpan> inputs, Memo& memo) {
    if (inputs.size() < 6 || inputs.size() % 2 != 0) {
        return wrong_input_count(steps_kernel, inputs.size(), "4 and two for each shard");
    }
    const auto plan = decode_network_plan(inputs[0]);
    if (!plan) return bad_input(plan.error());
    ByteReader own{inputs[2]};
    NetworkTask task;
    task.replica = own.number<std::uint32_t>();
    task.epochs_end = own.number<std::uint32_t>();
    task.updates_max = own.number<std::uint32_t>();
    const auto zero = own.number<std::uint32_t>();
    if (!own.finished() || zero != 0) {
        return bad_input({ErrorCode::ShapeMismatch, "its task is not told by 16 bytes"});
    }
    auto state = read_state(*plan, inputs[1], inputs[3]);
    if (!state) return unexpected(state.error());
    // The rows as they are learned depend on the plan's targets, too.
    std::vector<ByteSpan> from{inputs[0]};
    from.insert(from.end(), inputs.begin() + 4, inputs.end());
    const auto rows = memo.derive<NetworkRows>("network_steps rows 1", from,
                                               [&] { return rows_of(*plan, inputs.subspan(4)); });
    if (!rows) return unexpected(rows.error());
    NetworkTraining training{*plan, **rows, task.replica, *state};
    if (!training.can_go_on()) {
        return bad_input({ErrorCode::InvalidArgument,
                          std::to_string((*rows)->count) + " rows are too few to go on with"});
    }
    training.run(task);
    for (const auto* const list : {&state->weights, &state->first, &state->second}) {
        if (std::all_of(list->begin(), list->end(), [](double w) { return std::isfinite(w); })) {
            continue;
        }
        // What is not finite has no more digits: one state stands for all of them.
        *state = {};
        state->is_stopped = NetworkState::diverged;
        break;
    }
    for (auto* const list :
         {&state->weights, &state->first, &state->second, &state->best_weights}) {
        for (double& number : *list) number = canonical(number);
    }
    state->loss_sum = canonical(state->loss_sum);
    state->loss = canonical(state->loss);
    return encode_network_state(*state);
}

}  // namespace netcompute::kernels
