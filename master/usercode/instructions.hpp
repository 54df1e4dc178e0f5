#pragma once

#include <cstdint>
#include <string_view>

namespace netcompute::usercode {

/// What follows an instruction's number in the code.
enum class Immediate : std::uint8_t {
    None,
    Memory,      ///< Alignment and offset; the value: the largest alignment.
    Lane,        ///< A byte; the value: how many lanes there are.
    MemoryLane,  ///< Both; the value: 32 times the largest alignment, plus how many lanes there
                 ///< are.
    Bytes16,     ///< 16 bytes.
    Shuffle,     ///< 16 bytes, each a lane of 32.
};

/// Where a NaN's bits could be seen, and so must be the same on every engine.
enum class Canon : std::uint8_t {
    Nothing,
    Operand,   ///< The last operand, a float, is made canonical before.
    Result32,  ///< The result's NaN lanes are made canonical, of f32x4 or f64x2.
    Result64,
    Max32,  ///< A maximum of vectors: another way in place of the instruction.
    Max64,
};

/// An instruction that takes and gives values by its types alone.
struct Instruction {
    std::string_view name;  ///< Empty: there is none of this number.
    std::string_view operands;
    std::string_view results;
    Immediate immediate = Immediate::None;
    std::uint32_t value = 0;  ///< See Immediate.
    Canon canon = Canon::Nothing;
};

/// By its number, without a prefix, behind 0xfc or behind 0xfd.
[[nodiscard]] const Instruction& plain_instruction(std::uint8_t number);
[[nodiscard]] const Instruction& conversion_instruction(std::uint32_t number);
[[nodiscard]] const Instruction& vector_instruction(std::uint32_t number);

}  // namespace netcompute::usercode
