#include "usercode/instructions.hpp"

#include <array>

namespace netcompute::usercode {
namespace {

using Table = std::array<Instruction, 256>;

constexpr Table plain = [] {
    using enum Immediate;
    using enum Canon;
    Table table;
#define NETCOMPUTE_WASM(number, ...) table[number] = {__VA_ARGS__};
#include "usercode/instructions.inc"
#undef NETCOMPUTE_WASM
    return table;
}();

constexpr Table conversions = [] {
    using enum Immediate;
    using enum Canon;
    Table table;
#define NETCOMPUTE_WASM(number, ...) table[number] = {__VA_ARGS__};
#include "usercode/instructions_fc.inc"
#undef NETCOMPUTE_WASM
    return table;
}();

constexpr Table vectors = [] {
    using enum Immediate;
    using enum Canon;
    Table table;
#define NETCOMPUTE_WASM(number, ...) table[number] = {__VA_ARGS__};
#include "usercode/instructions_fd.inc"
#undef NETCOMPUTE_WASM
    return table;
}();

constexpr Instruction none;

const Instruction& find(const Table& table, std::uint32_t number) {
    return number < table.size() ? table[number] : none;
}

}  // namespace

const Instruction& plain_instruction(std::uint8_t number) {
    return plain[number];
}

const Instruction& conversion_instruction(std::uint32_t number) {
    return find(conversions, number);
}

const Instruction& vector_instruction(std::uint32_t number) {
    return find(vectors, number);
}

}  // namespace netcompute::usercode
