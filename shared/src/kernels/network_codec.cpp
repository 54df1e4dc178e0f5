#include <netcompute/kernels/network.hpp>
#include <netcompute/random.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace netcompute::kernels {
namespace {

constexpr std::uint64_t first_weights_stream = 0;

void write_form(ByteWriter& writer, const NetworkForm& form) {
    writer.number(static_cast<std::uint32_t>(form.activation));
    writer.number(form.class_count);
    writer.number(static_cast<std::uint32_t>(form.widths.size()));
    writer.number(std::uint32_t{0});
    for (const std::uint32_t width : form.widths) writer.number(std::uint64_t{width});
}

bool read_form(ByteReader& reader, NetworkForm& form) {
    const auto activation = reader.number<std::uint32_t>();
    form.class_count = reader.number<std::uint32_t>();
    const auto layers = reader.number<std::uint32_t>();
    const auto zero = reader.number<std::uint32_t>();
    if (activation > static_cast<std::uint32_t>(Activation::Logistic) || zero != 0 ||
        layers > network_hidden_max + 2) {
        return false;
    }
    form.activation = static_cast<Activation>(activation);
    for (std::uint32_t i = 0; i < layers; ++i) {
        const auto width = reader.number<std::uint64_t>();
        if (width > network_width_max) return false;
        form.widths.push_back(static_cast<std::uint32_t>(width));
    }
    return reader.ok() && is_network_form(form);
}

bool read_list(ByteReader& reader, std::size_t count, std::vector<double>& to) {
    to.resize(count);
    for (double& number : to) {
        number = reader.number<double>();
        if (!std::isfinite(number)) return false;
    }
    return true;
}

bool is_share(double value) {
    return value >= 0 && value < 1;
}

bool is_good(const NetworkPlan& plan) {
    const auto is_positive = [](double value) { return value > 0 && value <= 1e300; };
    return plan.batch_size >= 1 &&
           plan.batch_size <= network_batch_values_max / network_value_count(plan.form) &&
           plan.epochs_max >= 1 && plan.epochs_max <= network_epochs_max && plan.replicas >= 1 &&
           plan.alpha >= 0 && plan.alpha <= 1e300 && is_positive(plan.learning_rate) &&
           is_positive(plan.scale) && is_share(plan.momentum) &&
           is_share(plan.validation_fraction) && std::isfinite(plan.shift) &&
           std::isfinite(plan.tolerance) && (!plan.early_stopping || plan.replicas == 1);
}

Unexpected not_of(const char* what, ByteSpan bytes) {
    return unexpected(ErrorCode::ShapeMismatch,
                      std::to_string(bytes.size()) + " bytes are no " + what);
}

}  // namespace

std::uint64_t network_weight_count(const NetworkForm& form) {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i + 1 < form.widths.size(); ++i) {
        count += (std::uint64_t{form.widths[i]} + 1) * form.widths[i + 1];
    }
    return count;
}

std::uint64_t network_value_count(const NetworkForm& form) {
    std::uint64_t count = 0;
    for (const std::uint32_t width : form.widths) count += width;
    return count;
}

bool is_network_form(const NetworkForm& form) {
    const auto is_width = [](std::uint32_t width) {
        return width >= 1 && width <= network_width_max;
    };
    return form.widths.size() >= 3 && form.widths.size() <= network_hidden_max + 2 &&
           std::all_of(form.widths.begin(), form.widths.end(), is_width) &&
           form.widths.front() <= network_features_max && form.class_count != 1 &&
           form.class_count <= network_classes_max &&
           form.widths.back() == network_outputs(form.class_count) &&
           network_weight_count(form) <= network_weights_max;
}

/// Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
/// networks", AISTATS (2010); bounds and biases as scikit-learn 1.2 draws them.
std::vector<double> first_network_weights(const NetworkPlan& plan) {
    Philox random{plan.seed, first_weights_stream};
    const double factor = plan.form.activation == Activation::Logistic ? 2 : 6;
    std::vector<double> weights;
    for (std::size_t i = 0; i + 1 < plan.form.widths.size(); ++i) {
        const double inputs = plan.form.widths[i];
        const double outputs = plan.form.widths[i + 1];
        const double bound = std::sqrt(factor / (inputs + outputs));
        const auto count = (std::uint64_t{plan.form.widths[i]} + 1) * plan.form.widths[i + 1];
        for (std::uint64_t w = 0; w < count; ++w) {
            weights.push_back(bound * (2 * random.next_unit() - 1));
        }
    }
    return weights;
}

void note_network_epoch(const NetworkPlan& plan, double value, NetworkState& state) {
    // A score is better the larger it is, a loss the smaller.
    const double gain = plan.early_stopping ? value - state.best : state.best - value;
    const bool is_first = state.epochs <= 1;
    if (is_first || gain >= plan.tolerance) {
        state.stale = 0;
    } else {
        ++state.stale;
    }
    if (is_first || gain > 0) {
        state.best = value;
        if (plan.early_stopping) state.best_weights = state.weights;
    }
    if (state.stale > plan.patience || state.epochs >= plan.epochs_max)
        state.is_stopped = NetworkState::stopped;
}

Bytes encode_network_plan(const NetworkPlan& plan) {
    Bytes bytes;
    ByteWriter writer{bytes};
    write_form(writer, plan.form);
    for (const std::uint32_t number :
         {static_cast<std::uint32_t>(plan.solver), plan.batch_size, plan.epochs_max, plan.patience,
          plan.replicas, std::uint32_t{plan.early_stopping}}) {
        writer.number(number);
    }
    for (const double number : {plan.alpha, plan.learning_rate, plan.momentum, plan.tolerance,
                                plan.validation_fraction, plan.shift, plan.scale}) {
        writer.number(number);
    }
    writer.number(plan.seed);
    return bytes;
}

Result<NetworkPlan> decode_network_plan(ByteSpan bytes) {
    ByteReader reader{bytes};
    NetworkPlan plan;
    if (!read_form(reader, plan.form)) return not_of("plan of a network", bytes);
    const auto solver = reader.number<std::uint32_t>();
    plan.solver = static_cast<NetworkSolver>(solver & 1);
    plan.batch_size = reader.number<std::uint32_t>();
    plan.epochs_max = reader.number<std::uint32_t>();
    plan.patience = reader.number<std::uint32_t>();
    plan.replicas = reader.number<std::uint32_t>();
    const auto early = reader.number<std::uint32_t>();
    plan.early_stopping = early == 1;
    for (double* const number : {&plan.alpha, &plan.learning_rate, &plan.momentum, &plan.tolerance,
                                 &plan.validation_fraction, &plan.shift, &plan.scale}) {
        *number = reader.number<double>();
    }
    plan.seed = reader.number<std::uint64_t>();
    if (!reader.finished()) return not_of("plan of a network", bytes);
    if (solver <= 1 && early <= 1 && is_good(plan)) return plan;
    return unexpected(ErrorCode::InvalidArgument, "the plan of a network is out of range");
}

Bytes encode_network_state(const NetworkState& state) {
    Bytes bytes;
    const std::size_t lists =
        state.weights.size() + state.first.size() + state.second.size() + state.best_weights.size();
    bytes.reserve(64 + lists * sizeof(double));
    ByteWriter writer{bytes};
    writer.number(state.epochs);
    writer.number(state.batches);
    writer.number(state.updates);
    writer.number(state.stale);
    writer.number(state.is_stopped);
    for (const double number : {state.loss_sum, state.loss, state.best, state.score}) {
        writer.number(number);
    }
    writer.number(static_cast<std::uint64_t>(state.best_weights.size()));
    for (const auto* const list :
         {&state.weights, &state.first, &state.second, &state.best_weights}) {
        writer.numbers(std::span<const double>{*list});
    }
    return bytes;
}

Result<NetworkState> decode_network_state(ByteSpan bytes, const NetworkPlan& plan) {
    ByteReader reader{bytes};
    NetworkState state;
    state.epochs = reader.number<std::uint32_t>();
    state.batches = reader.number<std::uint32_t>();
    state.updates = reader.number<std::uint64_t>();
    state.stale = reader.number<std::uint32_t>();
    state.is_stopped = reader.number<std::uint32_t>();
    for (double* const number : {&state.loss_sum, &state.loss, &state.best, &state.score}) {
        *number = reader.number<double>();
    }
    const auto best_count = reader.number<std::uint64_t>();
    if (state.is_stopped == NetworkState::diverged && reader.finished()) {
        return unexpected(ErrorCode::InvalidArgument,
                          "the weights have grown beyond all numbers: choose a smaller "
                          "learning_rate_init");
    }
    const auto count = static_cast<std::size_t>(network_weight_count(plan.form));
    const std::size_t second_count = plan.solver == NetworkSolver::Adam ? count : 0;
    const bool has_best = plan.early_stopping && best_count == count;
    if ((best_count != 0 && !has_best) || state.is_stopped > NetworkState::stopped ||
        reader.left() != (2 * count + second_count + (has_best ? count : 0)) * sizeof(double)) {
        return not_of("state of this network", bytes);
    }
    if (read_list(reader, count, state.weights) && read_list(reader, count, state.first) &&
        read_list(reader, second_count, state.second) &&
        read_list(reader, has_best ? count : 0, state.best_weights)) {
        return state;
    }
    return unexpected(ErrorCode::InvalidArgument,
                      "a state of a network has weights beyond all numbers");
}

Bytes encode_network_task(const NetworkTask& task) {
    Bytes bytes;
    ByteWriter writer{bytes};
    for (const std::uint32_t number : {task.replica, task.epochs_end, task.updates_max, 0U}) {
        writer.number(number);
    }
    return bytes;
}

Bytes encode_network(const Network& network) {
    Bytes bytes;
    ByteWriter writer{bytes};
    write_form(writer, network.form);
    writer.numbers(std::span<const double>{network.weights});
    return bytes;
}

Result<Network> decode_network(ByteSpan bytes) {
    ByteReader reader{bytes};
    Network network;
    if (!read_form(reader, network.form)) return not_of("network", bytes);
    const auto count = static_cast<std::size_t>(network_weight_count(network.form));
    if (reader.left() != count * sizeof(double)) return not_of("network", bytes);
    if (read_list(reader, count, network.weights)) return network;
    return unexpected(ErrorCode::InvalidArgument, "a weight of the network is not finite");
}

}  // namespace netcompute::kernels
