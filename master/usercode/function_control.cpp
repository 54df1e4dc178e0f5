/// Blocks, and the instructions that go to them.

#include "usercode/function_gate.hpp"
#include "usercode/opcodes.hpp"

#include <string>
#include <vector>

namespace netcompute::usercode {
namespace {

constexpr std::size_t depth_max = 5'000;  // Engines recurse over blocks, or might.
constexpr std::uint32_t targets_max = 65'520;

}  // namespace

void FunctionGate::open(std::uint8_t opcode, const FunctionType& type) {
    if (body_.failed()) return;
    if (blocks_.size() >= depth_max) {
        refuse("more than " + std::to_string(depth_max) + " blocks lie in each other");
        return;
    }
    const std::size_t paid_by = blocks_.back().paid_by;
    blocks_.push_back({opcode, type.operands, type.results, stack_.size(), false, paid_by});
    push(type.operands);
}

void FunctionGate::close() {
    if (body_.failed()) return;
    const Block block = blocks_.back();
    pop(block.end);
    if (body_.failed()) return;
    if (stack_.size() != block.height) {
        refuse("values are left over at the end of a block");
        return;
    }
    blocks_.pop_back();
    push(block.end);
}

void FunctionGate::unreachable() {
    if (body_.failed()) return;
    stack_.resize(blocks_.back().height);
    blocks_.back().is_unreachable = true;
}

const FunctionGate::Block* FunctionGate::label(std::uint32_t depth) {
    if (body_.failed()) return nullptr;
    if (depth >= blocks_.size()) {
        refuse("it goes to block " + std::to_string(depth) + " of " +
               std::to_string(blocks_.size()));
        return nullptr;
    }
    return &blocks_[blocks_.size() - 1 - depth];
}

FunctionType FunctionGate::block_type() {
    const std::uint8_t first = body_.peek();
    if (first == 0x40) {
        body_.byte();
        return {};
    }
    if ((first & 0xc0) == 0x40) return {{}, Types(1, read_value_type(body_))};
    const std::int64_t index = body_.s33();
    if (body_.failed()) return {};
    if (index < 0 || static_cast<std::uint64_t>(index) >= module_.types.size()) {
        refuse("there is no type " + std::to_string(index));
        return {};
    }
    return module_.types[static_cast<std::size_t>(index)];
}

void FunctionGate::call(const FunctionType& type) {
    pop(type.operands);
    push(type.results);
}

void FunctionGate::control(std::uint8_t opcode) {
    switch (opcode) {
        case 0x00:
            name_ = "unreachable";
            keep();
            unreachable();
            return;
        case 0x01:
            name_ = "nop";
            keep();
            return;
        case 0x02:
        case 0x03:
        case 0x04: {
            name_ = opcode == 0x02 ? "block" : opcode == 0x03 ? "loop" : "if";
            const FunctionType type = block_type();
            if (opcode == 0x04) pop('i');
            pop(type.operands);
            open(opcode, type);
            keep();
            if (opcode == 0x03) pay();
            return;
        }
        case 0x05: {
            name_ = "else";
            const Block block = blocks_.back();
            if (block.opcode != 0x04) {
                refuse("there is no if");
                return;
            }
            close();
            if (body_.failed()) return;
            stack_.resize(block.height);
            open(opcode, {block.begin, block.end});
            keep();
            return;
        }
        case end_code: {
            name_ = "end";
            const Block& block = blocks_.back();
            if (block.opcode == 0x04 && block.begin != block.end) {
                refuse("an if without an else cannot change the types on the stack");
                return;
            }
            close();
            keep();
            return;
        }
        case 0x0c:
        case 0x0d: {
            name_ = opcode == 0x0c ? "br" : "br_if";
            const Block* const to = label(body_.u32());
            if (to == nullptr) return;
            const Types types = label_types(*to);
            if (opcode == 0x0d) pop('i');
            pop(types);
            if (opcode == 0x0d) push(types);
            if (opcode == 0x0c) unreachable();
            keep();
            return;
        }
        case 0x0e: {
            name_ = "br_table";
            const std::uint32_t count = body_.count(targets_max, "targets");
            std::vector<std::uint32_t> depths;
            for (std::uint32_t i = 0; i <= count && !body_.failed(); ++i) {
                depths.push_back(body_.u32());
            }
            if (body_.failed()) return;
            pop('i');
            const Block* const last = label(depths.back());
            if (last == nullptr) return;
            const std::size_t arity = label_types(*last).size();
            for (const std::uint32_t depth : depths) {
                const Block* const to = label(depth);
                if (to == nullptr) return;
                const Types types = label_types(*to);
                if (types.size() != arity) {
                    refuse("its targets take different numbers of values");
                    return;
                }
                // In unreachable code a value is of any type, for each target anew.
                const Types before = stack_;
                pop(types);
                if (body_.failed()) return;
                stack_ = before;
            }
            unreachable();
            keep();
            return;
        }
        case 0x0f:
            name_ = "return";
            pop(type_.results);
            unreachable();
            keep();
            return;
        case 0x10: {
            name_ = "call";
            const std::uint32_t function = body_.u32();
            if (body_.failed()) return;
            if (function >= module_.functions.size()) {
                refuse("there is no function " + std::to_string(function));
                return;
            }
            call(module_.type_of(function));
            keep();
            return;
        }
        case 0x11: {
            name_ = "call_indirect";
            const std::uint32_t type = body_.u32();
            const std::uint32_t table = body_.u32();
            if (body_.failed()) return;
            if (type >= module_.types.size() || table >= module_.tables) {
                refuse("there is no type " + std::to_string(type) + ", or no table " +
                       std::to_string(table));
                return;
            }
            pop('i');
            call(module_.types[type]);
            keep();
            return;
        }
        default:
            refuse(refused_opcode(opcode));
    }
}

}  // namespace netcompute::usercode
