#pragma once

#include <netcompute/kernels/kernel.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace netcompute::test_support {

inline std::uint64_t mixed(std::uint64_t state, std::uint64_t with) {
    state = (state ^ with) * 0x9e3779b97f4a7c15U + 1;
    return state ^ (state >> 29);
}

inline constexpr std::size_t table_bytes_min = 64;

/// What table_sums makes of a table: a number for all that comes before each eight of its bytes.
using TableSums = std::vector<std::uint64_t>;

inline Result<kernels::Derived<TableSums>> derive_sums(ByteSpan table) {
    TableSums sums{table.size()};
    while (!table.empty()) {
        std::uint64_t word = 0;
        const std::size_t size = std::min(table.size(), sizeof word);
        std::memcpy(&word, table.data(), size);
        table = table.subspan(size);
        sums.push_back(mixed(sums.back(), word));
    }
    const std::size_t bytes = sums.size() * sizeof sums[0];
    return kernels::Derived<TableSums>{std::move(sums), bytes};
}

/// table_sums@1, a kernel that remembers: inputs of 64 bytes or more are tables, the others say
/// where to look into them; the output is 80 bytes, so it can be a table too.
inline Result<Bytes> table_sums(std::span<const ByteSpan> inputs, kernels::Memo& memo) {
    std::uint64_t salt = inputs.size();
    for (const ByteSpan input : inputs) {
        if (input.size() >= table_bytes_min) continue;
        for (const std::byte byte : input) salt = mixed(salt, std::to_integer<std::uint64_t>(byte));
    }
    Bytes output;
    ByteWriter writer{output};
    for (std::uint64_t lane = 0; lane < 10; ++lane) {
        std::uint64_t sum = mixed(salt, lane);
        for (const ByteSpan table : inputs) {
            if (table.size() < table_bytes_min) continue;
            const auto sums = memo.derive<TableSums>("table_sums sums 1", std::span{&table, 1},
                                                     [&] { return derive_sums(table); });
            if (!sums) return unexpected(sums.error());
            sum = mixed(sum, (**sums)[sum % (*sums)->size()]);
        }
        writer.number(sum);
    }
    return output;
}

/// The kernels of this build, and table_sums.
inline const kernels::Kernel* find_kernel_or_table_sums(std::string_view name,
                                                        std::uint32_t version) {
    static constexpr kernels::Kernel tables{"table_sums", 1, table_sums};
    if (name == tables.name && version == tables.version) return &tables;
    return kernels::find_kernel(name, version);
}

}  // namespace netcompute::test_support
