#include "store/packed_records.hpp"

#include <limits>
#include <numeric>

namespace netcompute::store {
namespace {

constexpr std::size_t head_bytes = 2 * sizeof(std::uint32_t);

}  // namespace

std::size_t packed_size(std::span<const OutputView> outputs) {
    std::size_t size = head_bytes * outputs.size();
    for (const OutputView& output : outputs) size += output.bytes.size();
    return size;
}

void pack_outputs(std::span<const OutputView> outputs, Bytes& packed) {
    packed.resize(packed_size(outputs));
    std::byte* place = packed.data();
    for (const OutputView& output : outputs) {
        const auto size = static_cast<std::uint32_t>(output.bytes.size());
        std::memcpy(place, &output.index, sizeof output.index);
        std::memcpy(place + sizeof output.index, &size, sizeof size);
        place += head_bytes;
        if (size != 0) std::memcpy(place, output.bytes.data(), size);
        place += size;
    }
}

std::optional<std::vector<OutputView>> unpack_outputs(ByteSpan packed) {
    std::vector<OutputView> outputs;
    ByteReader reader{packed};
    while (reader.left() > 0) {
        const auto index = reader.number<std::uint32_t>();
        const auto size = reader.number<std::uint32_t>();
        outputs.push_back({index, reader.bytes(size)});
    }
    if (!reader.finished()) return std::nullopt;
    return outputs;
}

Bytes pack_tasks(std::span<const TaskIndex> tasks) {
    Bytes packed;
    ByteWriter writer{packed};
    for (std::size_t at = 0; at < tasks.size();) {
        std::uint32_t count = 1;
        while (at + count < tasks.size() && tasks[at + count] == tasks[at] + count) ++count;
        writer.number(tasks[at]);
        writer.number(count);
        at += count;
    }
    return packed;
}

std::optional<std::vector<TaskIndex>> unpack_tasks(ByteSpan packed) {
    std::vector<TaskIndex> tasks;
    ByteReader reader{packed};
    while (reader.left() > 0) {
        const auto first = reader.number<std::uint32_t>();
        const auto count = reader.number<std::uint32_t>();
        if (count > std::numeric_limits<std::uint32_t>::max() - first) return std::nullopt;
        tasks.resize(tasks.size() + count);
        std::iota(tasks.end() - static_cast<std::ptrdiff_t>(count), tasks.end(), first);
    }
    if (!reader.finished()) return std::nullopt;
    return tasks;
}

}  // namespace netcompute::store
