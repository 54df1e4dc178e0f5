#include <netcompute/assert.hpp>
#include <netcompute/programs/generate.hpp>

#include <algorithm>
#include <string>

namespace netcompute::programs {
namespace {

/// Values of a task, 1 MiB of them.
constexpr std::uint64_t values_per_task = 1 << 17;

}  // namespace

GenerateProgram::GenerateProgram(const GeneratePlan& plan)
    : OneRound{"generate", "PGN1"}, plan_{plan} {
    NETCOMPUTE_ASSERT(plan_.row_count > 0 && plan_.first_row == 0, "the plan is of a whole table");
}

std::uint64_t GenerateProgram::rows_per_task() const {
    return values_per_task / (plan_.features + 1);
}

GeneratePlan GenerateProgram::part(TaskIndex index) const {
    GeneratePlan part = plan_;
    part.first_row = index * rows_per_task();
    part.row_count = std::min(rows_per_task(), plan_.row_count - part.first_row);
    return part;
}

Round GenerateProgram::only_round() const {
    const std::uint64_t tasks = (plan_.row_count + rows_per_task() - 1) / rows_per_task();
    return {"generate", 1, {}, static_cast<std::uint32_t>(tasks)};
}

std::vector<TaskInput> GenerateProgram::task_inputs(TaskIndex index) const {
    return {kernels::encode_generate(part(index))};
}

Result<void> GenerateProgram::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    std::vector<double> values;
    for (std::size_t task = 0; task < outputs.size(); ++task) {
        const std::uint64_t count =
            part(static_cast<TaskIndex>(task)).row_count * (plan_.features + 1);
        if (outputs[task].size() != count * sizeof(double)) {
            return unexpected(ErrorCode::ShapeMismatch,
                              "generate: task " + std::to_string(task) + " came back with " +
                                  std::to_string(outputs[task].size()) + " bytes, not " +
                                  std::to_string(count * sizeof(double)));
        }
        ByteReader reader{outputs[task]};
        for (std::uint64_t i = 0; i < count; ++i) values.push_back(reader.number<double>());
    }
    values_ = std::move(values);
    return {};
}

void GenerateProgram::write_result(ByteWriter& result) const {
    result.numbers(std::span<const double>{values_});
}

bool GenerateProgram::read_result(ByteReader& result) {
    const std::uint64_t count = is_finished() ? plan_.row_count * (plan_.features + 1) : 0;
    if (result.left() != count * sizeof(double)) return false;
    values_.resize(static_cast<std::size_t>(count));
    for (double& value : values_) value = result.number<double>();
    return true;
}

}  // namespace netcompute::programs
