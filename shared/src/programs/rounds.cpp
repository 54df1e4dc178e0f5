#include <netcompute/assert.hpp>
#include <netcompute/programs/rounds.hpp>

#include <cstring>
#include <string>

namespace netcompute::programs {

ManyRounds::ManyRounds(std::string_view name, const char (&tag)[5]) : name_{name} {
    std::memcpy(&tag_, tag, sizeof tag_);
}

Result<void> ManyRounds::finish_round(std::span<const ByteSpan> outputs, RoundWork& work) {
    const std::optional<Round> due = round();
    NETCOMPUTE_ASSERT(due.has_value(), "a finished program has no round");
    NETCOMPUTE_ASSERT(outputs.size() == due->task_count, "a round has one output a task");
    return fold(outputs, work);
}

Bytes ManyRounds::checkpoint() const {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(tag_);
    write_state(writer);
    return bytes;
}

bool ManyRounds::take(ByteSpan checkpoint) {
    ByteReader reader{checkpoint};
    return reader.number<std::uint32_t>() == tag_ && read_state(reader) && reader.finished();
}

Result<void> ManyRounds::restore(ByteSpan checkpoint) {
    const Bytes before = this->checkpoint();
    if (take(checkpoint)) return {};
    const bool is_back = take(before);
    NETCOMPUTE_ASSERT(is_back, "a program reads what it has written");
    return unexpected(ErrorCode::InvalidArgument,
                      std::string{name_} + ": not a checkpoint of this program and its data");
}

std::optional<Round> OneRound::round() const {
    if (is_finished_) return std::nullopt;
    return only_round();
}

Result<void> OneRound::finish_round(std::span<const ByteSpan> outputs, RoundWork& work) {
    Result<void> folded = ManyRounds::finish_round(outputs, work);
    is_finished_ = folded.has_value();
    return folded;
}

Bytes OneRound::result_bytes() const {
    Bytes bytes;
    ByteWriter writer{bytes};
    write_result(writer);
    return bytes;
}

void OneRound::write_state(ByteWriter& state) const {
    state.number(std::uint32_t{is_finished_});
    write_result(state);
}

bool OneRound::read_state(ByteReader& state) {
    const auto is_finished = state.number<std::uint32_t>();
    if (is_finished > 1) return false;
    is_finished_ = is_finished == 1;
    return read_result(state);
}

}  // namespace netcompute::programs
