#include "builtin.hpp"
#include <netcompute/kernels/generate.hpp>
#include <netcompute/kernels/normals.hpp>
#include <netcompute/random.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace netcompute::kernels {
namespace {

constexpr std::size_t input_bytes = 64;
/// Streams of a seed: the table's own figures, then a row each.
constexpr std::uint64_t figures_stream = 0;

Unexpected refused(ErrorCode code, const std::string& what) {
    return unexpected(code, "generate: " + what);
}

Result<GenerateTask> read_task(ByteSpan bytes) {
    GenerateTask task;
    ByteReader reader{bytes};
    const auto kind = reader.number<std::uint32_t>();
    for (std::uint32_t* const value :
         {&task.features, &task.informative, &task.redundant, &task.classes}) {
        *value = reader.number<std::uint32_t>();
    }
    const auto padding = reader.number<std::uint32_t>();
    task.separation = reader.number<double>();
    task.noise = reader.number<double>();
    task.seed = reader.number<std::uint64_t>();
    task.first_row = reader.number<std::uint64_t>();
    task.row_count = reader.number<std::uint64_t>();
    if (!reader.finished() || padding != 0 ||
        kind > static_cast<std::uint32_t>(GeneratedKind::Blobs)) {
        return refused(ErrorCode::ShapeMismatch, "its input of " + std::to_string(bytes.size()) +
                                                     " bytes is not one of " +
                                                     std::to_string(input_bytes));
    }
    task.kind = static_cast<GeneratedKind>(kind);
    const bool fits = task.features <= generated_features_max && task.informative > 0 &&
                      task.informative <= task.features &&
                      task.redundant <= task.features - task.informative && task.classes > 0 &&
                      task.classes <= generated_classes_max;
    if (!fits || !(std::fabs(task.separation) <= 1e9) || !(task.noise >= 0 && task.noise <= 1e9)) {
        return refused(ErrorCode::InvalidArgument, "its features, classes or noise are none");
    }
    if (task.row_count > generated_values_max / (task.features + 1)) {
        return refused(ErrorCode::LimitExceeded, std::to_string(task.row_count) +
                                                     " rows in one task are too many: cut them "
                                                     "finer");
    }
    return task;
}

/// What all rows have in common, by the seed alone.
struct TableFigures {
    std::vector<double> centers;  ///< Shape [classes][informative].
    std::vector<double> mixing;   ///< Shape [redundant][informative].
    std::vector<double> weights;  ///< Of informative features, for numbers.
};

TableFigures figures_of(const GenerateTask& task) {
    Philox random{task.seed, figures_stream};
    const auto between = [&](double size) { return (2 * random.next_unit() - 1) * size; };
    TableFigures figures;
    // Corners of a cube: the first coordinates count the classes, so no two have the same one.
    const std::uint64_t mask = random.next_u64();
    for (std::uint32_t c = 0; c < task.classes; ++c) {
        for (std::uint32_t i = 0; i < task.informative; ++i) {
            if (task.kind == GeneratedKind::Blobs) {
                figures.centers.push_back(between(task.separation));
                continue;
            }
            const bool by_number = i < 7;  // 100 classes have 7 bits.
            const std::uint64_t bit = by_number ? ((c ^ mask) >> i & 1) : random.next_u64() >> 63;
            figures.centers.push_back(bit == 1 ? task.separation : -task.separation);
        }
    }
    for (std::uint64_t i = 0; i < std::uint64_t{task.redundant} * task.informative; ++i) {
        figures.mixing.push_back(between(1));
    }
    for (std::uint32_t i = 0; i < task.informative; ++i) figures.weights.push_back(between(100));
    return figures;
}

/// A row's features, then its target.
void make_row(const GenerateTask& task, const TableFigures& figures, std::uint64_t row,
              std::vector<double>& values) {
    Normals normals{Philox{task.seed, 1 + row}};
    const auto label = static_cast<std::uint32_t>(normals.random().next_below(task.classes));
    const std::size_t inside = task.informative;
    for (std::size_t i = 0; i < task.features; ++i) {
        values[i] = 0;
        if (i < inside) {
            values[i] = normals.next();
            if (task.kind != GeneratedKind::Regression) {
                values[i] += figures.centers[label * inside + i];
            }
        } else if (i < inside + task.redundant) {
            const double* const shares = figures.mixing.data() + (i - inside) * inside;
            for (std::size_t j = 0; j < inside; ++j) values[i] += shares[j] * values[j];
        } else {
            values[i] = normals.next();
        }
    }
    double& target = values[task.features];
    target = label;
    if (task.kind == GeneratedKind::Regression) {
        target = 0;
        for (std::size_t i = 0; i < inside; ++i) target += figures.weights[i] * values[i];
        target += task.noise * normals.next();
    } else if (task.kind == GeneratedKind::Classification && task.noise > 0 &&
               normals.random().next_unit() < task.noise) {
        target = static_cast<double>(normals.random().next_below(task.classes));
    }
}

}  // namespace

Bytes encode_generate(const GenerateTask& task) {
    Bytes bytes;
    ByteWriter writer{bytes};
    for (const std::uint32_t value : {static_cast<std::uint32_t>(task.kind), task.features,
                                      task.informative, task.redundant, task.classes, 0u}) {
        writer.number(value);
    }
    writer.number(task.separation);
    writer.number(task.noise);
    for (const std::uint64_t value : {task.seed, task.first_row, task.row_count}) {
        writer.number(value);
    }
    return bytes;
}

/// generate@1: rows of a made-up table. A row is a function of the plan and its number alone: its
/// random numbers are a stream of the seed that has that number.
///
///   input   encode_generate()
///   output  f64 [row_count][features + 1], the target last
///
/// Classes lie around corners of a cube with edges of twice the separation, blobs around points of
/// a box, with a deviation of 1 in each feature; numbers are weighted sums of the features, with
/// weights from -100 to 100. It is what scikit-learn's make_classification, make_blobs and
/// make_regression are for, with other random numbers.
Result<Bytes> generate(std::span<const ByteSpan> inputs) {
    if (inputs.size() != 1) {
        return refused(ErrorCode::ShapeMismatch,
                       std::to_string(inputs.size()) + " inputs were given, it reads 1");
    }
    const Result<GenerateTask> task = read_task(inputs[0]);
    if (!task) return unexpected(task.error());
    const TableFigures figures = figures_of(*task);
    Bytes output;
    ByteWriter writer{output};
    std::vector<double> values(std::size_t{task->features} + 1);
    for (std::uint64_t i = 0; i < task->row_count; ++i) {
        make_row(*task, figures, task->first_row + i, values);
        writer.numbers(std::span<const double>{values});
    }
    return output;
}

}  // namespace netcompute::kernels
