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
    programs::Round round{"table_sums", 1, {number_bytes(sum_)}, plan_.task_count};
    for (const programs::BlobRef& ref : shared_) round.shared_inputs.emplace_back(ref);
    return round;
}

std::vector<programs::TaskInput> TablesProgram::task_inputs(TaskIndex index) const {
    std::vector<programs::TaskInput> inputs{number_bytes(index),
                                            plan_.tables[index % plan_.tables.size()]};
    if (!for_tasks_.empty()) inputs.emplace_back(for_tasks_[index % for_tasks_.size()]);
    return inputs;
}

Result<void> TablesProgram::fold(std::span<const ByteSpan> outputs, programs::RoundWork& work) {
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
    if (plan_.publishes) publish(outputs, work);
    return {};
}

/// One table that rides in no lease, now and then one that stays for rounds, and outputs as they
/// are.
void TablesProgram::publish(std::span<const ByteSpan> outputs, programs::RoundWork& work) {
    constexpr std::size_t large_bytes = 5000;
    Bytes table;
    ByteWriter writer{table};
    for (std::uint64_t i = 0; table.size() < large_bytes; ++i) {
        writer.number(test_support::mixed(sum_, i));
    }
    shared_.resize(rounds_done_ % 5 == 1 ? 0 : 1);
    shared_.push_back(work.publish(std::move(table)));
    for_tasks_.clear();
    for (TaskIndex index = 0; index < outputs.size(); index += 2) {
        for_tasks_.push_back(work.publish_output(index));
    }
}

std::vector<programs::BlobRef> TablesProgram::blobs() const {
    std::vector<programs::BlobRef> all = shared_;
    all.insert(all.end(), for_tasks_.begin(), for_tasks_.end());
    return all;
}

void TablesProgram::write_state(ByteWriter& state) const {
    state.number(rounds_done_);
    state.number(sum_);
    for (const auto* const refs : {&shared_, &for_tasks_}) {
        state.number(static_cast<std::uint32_t>(refs->size()));
        for (const programs::BlobRef& ref : *refs) {
            state.bytes(std::as_bytes(std::span{ref.sha256.digest}));
            state.number(ref.size);
        }
    }
}

bool TablesProgram::read_state(ByteReader& state) {
    rounds_done_ = state.number<std::uint32_t>();
    sum_ = state.number<std::uint64_t>();
    for (auto* const refs : {&shared_, &for_tasks_}) {
        const auto count = state.number<std::uint32_t>();
        if (count > state.left() / sizeof(programs::BlobRef)) return false;
        refs->resize(count);
        for (programs::BlobRef& ref : *refs) {
            for (std::uint8_t& byte : ref.sha256.digest) byte = state.number<std::uint8_t>();
            ref.size = state.number<std::uint64_t>();
        }
    }
    return rounds_done_ <= plan_.round_count;
}

Bytes TablesProgram::result_bytes() const {
    return number_bytes(sum_);
}

}  // namespace netcompute::sim
