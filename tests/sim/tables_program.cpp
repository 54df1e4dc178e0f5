#include "tables_program.hpp"

#include "table_kernel.hpp"

#include <utility>

namespace netcompute::sim {
namespace {

Bytes number_bytes(std::uint64_t number) {
    Bytes bytes;
    ByteWriter{bytes}.number(number);
    return bytes;
}

}  // namespace

TablesProgram::TablesProgram(TablesPlan plan)
    : ManyRounds{"tables", "TAB1"}, plan_{std::move(plan)} {}

std::optional<programs::Round> TablesProgram::round() const {
    if (rounds_done_ == plan_.round_count) return std::nullopt;
    return programs::Round{"table_sums", 1, {number_bytes(sum_)}, plan_.task_count};
}

std::vector<programs::TaskInput> TablesProgram::task_inputs(TaskIndex index) const {
    return {number_bytes(index), plan_.tables[index % plan_.tables.size()]};
}

Result<void> TablesProgram::fold(std::span<const ByteSpan> outputs) {
    for (const ByteSpan output : outputs) {
        ByteReader reader{output};
        while (reader.left() >= sizeof sum_) {
            sum_ = test_support::mixed(sum_, reader.number<std::uint64_t>());
        }
        if (!reader.finished()) {
            return unexpected(ErrorCode::ShapeMismatch, "tables: an output of another size");
        }
    }
    ++rounds_done_;
    return {};
}

void TablesProgram::write_state(ByteWriter& state) const {
    state.number(rounds_done_);
    state.number(sum_);
}

bool TablesProgram::read_state(ByteReader& state) {
    rounds_done_ = state.number<std::uint32_t>();
    sum_ = state.number<std::uint64_t>();
    return rounds_done_ <= plan_.round_count;
}

Bytes TablesProgram::result_bytes() const {
    return number_bytes(sum_);
}

}  // namespace netcompute::sim
