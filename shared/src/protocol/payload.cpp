#include <netcompute/protocol/payload.hpp>

#include <cstring>
#include <string>

namespace netcompute::protocol {
namespace {

constexpr std::size_t outcome_head_bytes = 4 + 1 + 4;  // index, status, size
constexpr std::size_t task_head_bytes = 4 + 4;         // index, input_count
constexpr std::size_t inline_head_bytes = 1 + 4;       // kind, size; the smallest input
constexpr std::size_t blob_input_bytes = 1 + 32 + 8;   // kind, SHA-256, size
constexpr std::uint8_t inline_kind = 0;
constexpr std::uint8_t blob_kind = 1;
/// Codes above it are used by the master only: no task fails with them.
constexpr std::uint8_t status_max = 1 + static_cast<std::uint8_t>(ErrorCode::Internal);

/// Writes into a buffer whose size was computed before: a frame holds thousands of small fields,
/// and growing a vector for each would cost more than writing it.
class SizedWriter {
 public:
    explicit SizedWriter(std::size_t size) : bytes_(size), cursor_{bytes_.data()} {}

    template <typename T>
    void number(T value) {
        std::memcpy(cursor_, &value, sizeof value);
        cursor_ += sizeof value;
    }
    void bytes(ByteSpan source) {
        if (source.empty()) return;
        std::memcpy(cursor_, source.data(), source.size());
        cursor_ += source.size();
    }
    [[nodiscard]] Bytes take() {
        NETCOMPUTE_ASSERT(cursor_ == bytes_.data() + bytes_.size(),
                          "a payload is exactly as long as was worked out");
        return std::move(bytes_);
    }

 private:
    Bytes bytes_;
    std::byte* cursor_;
};

void write_input(SizedWriter& writer, const WireInput& input) {
    if (const auto* inlined = std::get_if<InlineInput>(&input)) {
        writer.number(inline_kind);
        writer.number(static_cast<std::uint32_t>(inlined->bytes.size()));
        writer.bytes(inlined->bytes);
    } else {
        const auto& blob = *std::get_if<BlobInput>(&input);
        writer.number(blob_kind);
        writer.bytes(std::as_bytes(std::span{blob.sha256.digest}));
        writer.number(blob.size);
    }
}

Unexpected violation(std::string message) {
    return unexpected(ErrorCode::ProtocolViolation, std::move(message));
}

/// A count is accepted only if that many elements of the smallest size would fit into the rest, so
/// no untrusted number decides how much is allocated.
bool fits(std::uint32_t count, std::size_t smallest_bytes, const ByteReader& reader) {
    return count <= reader.left() / smallest_bytes;
}

Unexpected count_mismatch(std::string_view what, std::uint32_t count, const ByteReader& reader) {
    return violation("lease: payload: " + std::string{what} + " " + std::to_string(count) +
                     " does not fit into the " + std::to_string(reader.left()) + " bytes left");
}

Result<void> read_inputs(ByteReader& reader, std::uint32_t count, std::vector<WireInput>& inputs) {
    inputs.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto kind = reader.number<std::uint8_t>();
        if (kind == inline_kind) {
            const auto size = reader.number<std::uint32_t>();
            inputs.emplace_back(InlineInput{reader.bytes(size)});
        } else if (kind == blob_kind) {
            BlobInput blob;
            const ByteSpan digest = reader.bytes(blob.sha256.digest.size());
            if (!digest.empty()) {
                std::memcpy(blob.sha256.digest.data(), digest.data(), digest.size());
            }
            blob.size = reader.number<std::uint64_t>();
            inputs.emplace_back(blob);
        } else {
            return violation("lease: payload: input kind " + std::to_string(kind) +
                             " is neither 0 (inline) nor 1 (blob)");
        }
        if (!reader.ok()) return violation("lease: payload: truncated inside an input");
    }
    return {};
}

}  // namespace

std::size_t wire_bytes(const WireInput& input) {
    const auto* inlined = std::get_if<InlineInput>(&input);
    return inlined != nullptr ? inline_head_bytes + inlined->bytes.size() : blob_input_bytes;
}

std::size_t wire_bytes(const LeasedTask& task) {
    std::size_t size = task_head_bytes;
    for (const auto& input : task.inputs) size += wire_bytes(input);
    return size;
}

Bytes encode_outcomes(std::span<const TaskOutcome> outcomes) {
    std::size_t size = 0;
    for (const auto& outcome : outcomes) size += outcome_head_bytes + outcome.bytes.size();
    SizedWriter writer{size};
    for (const auto& outcome : outcomes) {
        const auto status = outcome.failed
                                ? static_cast<std::uint8_t>(1 + static_cast<int>(outcome.code))
                                : std::uint8_t{0};
        writer.number(outcome.index);
        writer.number(status);
        writer.number(static_cast<std::uint32_t>(outcome.bytes.size()));
        writer.bytes(outcome.bytes);
    }
    return writer.take();
}

Result<std::vector<TaskOutcome>> decode_outcomes(ByteSpan payload, std::uint32_t count) {
    if (count > payload.size() / outcome_head_bytes) {
        return violation("results: count " + std::to_string(count) + " does not fit into the " +
                         std::to_string(payload.size()) + " bytes of the payload");
    }
    std::vector<TaskOutcome> outcomes(count);
    const std::byte* cursor = payload.data();
    std::size_t left = payload.size();
    for (auto& outcome : outcomes) {
        if (left < outcome_head_bytes) return violation("results: payload: truncated");
        std::uint8_t status = 0;
        std::uint32_t size = 0;
        std::memcpy(&outcome.index, cursor, sizeof outcome.index);
        std::memcpy(&status, cursor + 4, sizeof status);
        std::memcpy(&size, cursor + 5, sizeof size);
        cursor += outcome_head_bytes;
        left -= outcome_head_bytes;
        if (status > status_max) {
            return violation("results: payload: status " + std::to_string(status) +
                             " is not one of 0.." + std::to_string(status_max));
        }
        if (size > left) {
            return violation("results: payload: truncated: an outcome of " + std::to_string(size) +
                             " bytes where " + std::to_string(left) + " are left");
        }
        outcome.failed = status != 0;
        if (outcome.failed) outcome.code = static_cast<ErrorCode>(status - 1);
        outcome.bytes = ByteSpan{cursor, size};
        cursor += size;
        left -= size;
    }
    if (left != 0) {
        return violation("results: payload: " + std::to_string(left) + " bytes left over after " +
                         std::to_string(count) + " outcomes");
    }
    return outcomes;
}

Bytes encode_work(std::span<const WireInput> shared_inputs, std::span<const LeasedTask> tasks) {
    std::size_t size = 0;
    for (const auto& input : shared_inputs) size += wire_bytes(input);
    for (const auto& task : tasks) size += wire_bytes(task);
    SizedWriter writer{size};
    for (const auto& input : shared_inputs) write_input(writer, input);
    for (const auto& task : tasks) {
        writer.number(task.index);
        writer.number(static_cast<std::uint32_t>(task.inputs.size()));
        for (const auto& input : task.inputs) write_input(writer, input);
    }
    return writer.take();
}

Result<LeasedWork> decode_work(ByteSpan payload, std::uint32_t shared_count,
                               std::uint32_t task_count) {
    ByteReader reader{payload};
    LeasedWork work;
    if (!fits(shared_count, inline_head_bytes, reader)) {
        return count_mismatch("shared_count", shared_count, reader);
    }
    if (auto read = read_inputs(reader, shared_count, work.shared_inputs); !read) {
        return unexpected(read.error());
    }
    if (!fits(task_count, task_head_bytes, reader)) {
        return count_mismatch("task_count", task_count, reader);
    }
    work.tasks.resize(task_count);
    for (auto& task : work.tasks) {
        task.index = reader.number<std::uint32_t>();
        const auto input_count = reader.number<std::uint32_t>();
        if (!reader.ok()) return violation("lease: payload: truncated inside a task");
        if (!fits(input_count, inline_head_bytes, reader)) {
            return count_mismatch("input_count", input_count, reader);
        }
        if (auto read = read_inputs(reader, input_count, task.inputs); !read) {
            return unexpected(read.error());
        }
    }
    if (reader.left() != 0) {
        return violation("lease: payload: " + std::to_string(reader.left()) +
                         " bytes left over after " + std::to_string(task_count) + " tasks");
    }
    return work;
}

}  // namespace netcompute::protocol
