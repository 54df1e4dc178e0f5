#include <netcompute/protocol/payload.hpp>
#include <netcompute/worker/outcome_chunk.hpp>

#include <utility>

namespace netcompute::worker {

void OutcomeChunk::add_output(TaskIndex index, Bytes output) {
    entries_.push_back({index, false, ErrorCode::Internal, output.size()});
    if (storage_.empty()) {
        storage_ = std::move(output);
    } else {
        storage_.insert(storage_.end(), output.begin(), output.end());
    }
}

void OutcomeChunk::add_error(TaskIndex index, const Error& error) {
    entries_.push_back({index, true, error.code, error.message.size()});
    const ByteSpan message = as_byte_span(error.message);
    storage_.insert(storage_.end(), message.begin(), message.end());
}

Result<void> OutcomeChunk::add_encoded(ByteSpan payload, std::uint32_t count) {
    const auto outcomes = protocol::decode_outcomes(payload, count);
    if (!outcomes) return unexpected(outcomes.error());
    storage_.reserve(storage_.size() + payload.size());
    for (const protocol::TaskOutcome& outcome : *outcomes) {
        entries_.push_back({outcome.index, outcome.failed, outcome.code, outcome.bytes.size()});
        storage_.insert(storage_.end(), outcome.bytes.begin(), outcome.bytes.end());
    }
    return {};
}

void OutcomeChunk::append_to(std::vector<protocol::TaskOutcome>& outcomes) const {
    ByteSpan rest = storage_;
    for (const Entry& entry : entries_) {
        outcomes.push_back({entry.index, entry.failed, entry.code, rest.first(entry.size)});
        rest = rest.subspan(entry.size);
    }
}

}  // namespace netcompute::worker
