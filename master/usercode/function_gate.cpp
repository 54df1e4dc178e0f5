#include "usercode/function_gate.hpp"

#include "usercode/opcodes.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace netcompute::usercode {
namespace {

constexpr std::uint32_t locals_max = 50'000;  // As engines have it.

std::string text_of(Type type) {
    switch (type) {
        case 'i':
            return "i32";
        case 'I':
            return "i64";
        case 'f':
            return "f32";
        case 'F':
            return "f64";
        case 'v':
            return "v128";
        case 'r':
            return "funcref";
        default:
            return "any";
    }
}

}  // namespace

bool FunctionGate::refuse(const std::string& why) {
    return body_.refuse_at(offset_, (name_.empty() ? "" : std::string{name_} + ": ") + why);
}

Bytes FunctionGate::run() {
    locals_ = type_.operands;
    read_locals();
    blocks_.push_back({.opcode = 0, .begin = {}, .end = type_.results, .height = 0});
    pay();
    while (!body_.failed() && !blocks_.empty()) {
        begin_ = body_.at();
        offset_ = body_.offset();
        instruction();
    }
    if (!body_.failed() && !body_.at_end()) body_.refuse("code goes on behind the function's end");
    if (body_.failed()) return {};
    finish_payments();
    Bytes whole;
    append_unsigned(whole, declaration_count_ + scratch_.size());
    append(whole, local_declarations_);
    for (const Type type : scratch_) {
        append(whole, {1U, type == 'i'   ? 0x7fU
                           : type == 'I' ? 0x7eU
                           : type == 'f' ? 0x7dU
                           : type == 'F' ? 0x7cU
                                         : 0x7bU});
    }
    append(whole, code_);
    return whole;
}

void FunctionGate::read_locals() {
    offset_ = body_.offset();
    declaration_count_ = body_.count(locals_max, "groups of locals");
    const std::size_t begin = body_.at();
    for (std::uint32_t i = 0; i < declaration_count_ && !body_.failed(); ++i) {
        const std::uint32_t count = body_.u32();
        const Type type = read_value_type(body_);
        if (body_.failed()) return;
        if (count > locals_max - std::min<std::size_t>(locals_.size(), locals_max)) {
            refuse("a function has more than " + std::to_string(locals_max) + " locals");
            return;
        }
        locals_.append(count, type);
    }
    if (!body_.failed()) append(local_declarations_, body_.since(begin));
}

void FunctionGate::keep() {
    append(code_, body_.since(begin_));
}

Type FunctionGate::pop() {
    if (body_.failed()) return '?';
    const Block& block = blocks_.back();
    if (stack_.size() == block.height) {
        if (!block.is_unreachable) refuse("it takes a value where there is none");
        return '?';
    }
    const Type type = stack_.back();
    stack_.pop_back();
    return type;
}

void FunctionGate::pop(Type wanted) {
    const Type found = pop();
    if (found != wanted && found != '?' && wanted != '?') {
        refuse("it takes " + text_of(wanted) + " and there is " + text_of(found));
    }
}

void FunctionGate::pop(const Types& types) {
    for (auto type = types.rbegin(); type != types.rend(); ++type) pop(*type);
}

bool FunctionGate::needs_memory() {
    return module_.has_memory || refuse("the module has no memory");
}

void FunctionGate::instruction() {
    const std::uint8_t opcode = body_.byte();
    if (body_.failed()) return;
    if (!payments_.empty()) ++payments_[blocks_.back().paid_by].price;
    const Instruction& plain = plain_instruction(opcode);
    name_ = plain.name;
    if (!plain.name.empty()) {
        apply(plain);
        return;
    }
    if (opcode <= 0x11) {
        control(opcode);
    } else if (opcode == 0x1a) {
        name_ = "drop";
        pop();
        keep();
    } else if (opcode == 0x1b || opcode == 0x1c) {
        select();
    } else if (opcode >= 0x20 && opcode <= 0x26) {
        variable(opcode);
    } else if (opcode == 0x3f || opcode == 0x40) {
        memory_size_or_grow(opcode);
    } else if (opcode >= 0x41 && opcode <= 0x44) {
        constant(opcode);
    } else if (opcode >= 0xd0 && opcode <= 0xd2) {
        reference(opcode);
    } else if (opcode == 0xfc) {
        prefixed_fc();
    } else if (opcode == vector_prefix) {
        prefixed_fd();
    } else {
        refuse(refused_opcode(opcode));
    }
}

void FunctionGate::select() {
    const std::uint8_t opcode = static_cast<std::uint8_t>(body_.since(begin_)[0]);
    name_ = "select";
    if (opcode == 0x1c) {
        if (body_.u32() != 1) {
            refuse("it has one type");
            return;
        }
        const Type type = read_value_type(body_);
        pop('i');
        pop(type);
        pop(type);
        push(type);
    } else {
        pop('i');
        const Type first = pop();
        const Type second = pop();
        if (first == 'r' || second == 'r') refuse("references need a select with a type");
        if (first != second && first != '?' && second != '?')
            refuse("it selects between two types");
        push(first == '?' ? second : first);
    }
    keep();
}

void FunctionGate::variable(std::uint8_t opcode) {
    static constexpr std::array<std::string_view, 7> names{"local.get",  "local.set",  "local.tee",
                                                           "global.get", "global.set", "table.get",
                                                           "table.set"};
    name_ = names[opcode - 0x20U];
    const std::uint32_t index = body_.u32();
    if (body_.failed()) return;
    if (opcode <= 0x22) {
        if (index >= locals_.size()) {
            refuse("there is no local " + std::to_string(index));
            return;
        }
        if (opcode != local_get) pop(locals_[index]);
        if (opcode != local_set) push(locals_[index]);
    } else if (opcode <= 0x24) {
        if (index >= module_.globals.size()) {
            refuse("there is no global " + std::to_string(index));
            return;
        }
        const GlobalType& global = module_.globals[index];
        if (opcode == global_get) push(global.type);
        if (opcode == global_set) {
            if (!global.is_mutable) refuse("global " + std::to_string(index) + " is constant");
            pop(global.type);
        }
    } else {
        if (index >= module_.tables) {
            refuse("there is no table " + std::to_string(index));
            return;
        }
        if (opcode == 0x26) pop('r');
        pop('i');
        if (opcode == 0x25) push('r');
    }
    keep();
}

void FunctionGate::memory_size_or_grow(std::uint8_t opcode) {
    name_ = opcode == 0x3f ? "memory.size" : "memory.grow";
    if (body_.byte() != 0) {
        refuse("there is one memory only");
        return;
    }
    if (!needs_memory()) return;
    if (opcode == 0x40) pop('i');
    push('i');
    if (opcode == 0x3f) {
        keep();
        return;
    }
    write_growth();
}

void FunctionGate::constant(std::uint8_t opcode) {
    static constexpr std::string_view types = "iIfF";
    name_ = "const";
    if (opcode == 0x41) body_.s32();
    if (opcode == 0x42) body_.s64();
    if (opcode == 0x43) body_.bytes(4);
    if (opcode == 0x44) body_.bytes(8);
    push(types[opcode - 0x41U]);
    keep();
}

void FunctionGate::reference(std::uint8_t opcode) {
    if (opcode == 0xd0) {
        name_ = "ref.null";
        if (body_.byte() != 0x70) refuse("only references to functions are taken");
        push('r');
    } else if (opcode == 0xd1) {
        name_ = "ref.is_null";
        pop('r');
        push('i');
    } else {
        name_ = "ref.func";
        const std::uint32_t function = body_.u32();
        if (body_.failed()) return;
        if (!module_.declared.contains(function)) {
            refuse("function " + std::to_string(function) + " is not declared for references");
        }
        push('r');
    }
    keep();
}

void FunctionGate::prefixed_fc() {
    const std::uint32_t number = body_.u32();
    if (body_.failed()) return;
    const Instruction& conversion = conversion_instruction(number);
    name_ = conversion.name;
    if (!conversion.name.empty()) {
        apply(conversion);
        return;
    }
    const auto index = [&](std::uint32_t bound, const char* what) {
        const std::uint32_t found = body_.u32();
        if (!body_.failed() && found >= bound) {
            refuse("there is no " + std::string{what} + " " + std::to_string(found));
        }
    };
    static constexpr std::array<std::string_view, 10> names{
        "memory.init", "data.drop",  "memory.copy", "memory.fill", "table.init",
        "elem.drop",   "table.copy", "table.grow",  "table.size",  "table.fill"};
    if (number < 8 || number > 17) {
        refuse("0xfc " + std::to_string(number) + ": there is no such instruction");
        return;
    }
    name_ = names[number - 8];
    const bool names_data = number == 8 || number == 9;
    if (names_data && !module_.has_data_count) {
        refuse("the module has no data count section");
        return;
    }
    if ((number == 8 || number == 10 || number == 11) && !needs_memory()) return;
    if (names_data) index(module_.data_segments, "data segment");
    if (number == 12 || number == 13) index(module_.elements, "element segment");
    if (number == 8 || number == 10 || number == 11) index(1, "memory");
    if (number == 10) index(1, "memory");
    if (number == 12 || number >= 14) index(module_.tables, "table");
    if (number == 14) index(module_.tables, "table");
    if (number == 15) {
        refuse("a table that grows may have room on one PC and not on another");
        return;
    }
    if (number == 16) {
        push('i');
    } else if (number == 17) {
        pop(Types{"iri"});
    } else if (number != 9 && number != 13) {
        pop(Types{"iii"});
    }
    keep();
}

void FunctionGate::prefixed_fd() {
    const std::uint32_t number = body_.u32();
    if (body_.failed()) return;
    const Instruction& vector = vector_instruction(number);
    name_ = vector.name;
    if (vector.name.empty()) {
        refuse(number >= 0x100
                   ? "relaxed vector instructions give different results on different PCs"
                   : "0xfd " + std::to_string(number) + ": there is no such instruction");
        return;
    }
    apply(vector);
}

void FunctionGate::read_memory_argument(std::uint32_t alignment_max) {
    const std::uint32_t alignment = body_.u32();
    body_.u32();
    if (body_.failed() || !needs_memory()) return;
    if (alignment > alignment_max) {
        refuse("an alignment of 2^" + std::to_string(alignment) + "; at most 2^" +
               std::to_string(alignment_max));
    }
}

void FunctionGate::read_immediate(const Instruction& instruction) {
    const auto read_lane = [&](std::uint32_t lanes) {
        const std::uint8_t lane = body_.byte();
        if (lane >= lanes) refuse("there is no lane " + std::to_string(lane));
    };
    switch (instruction.immediate) {
        case Immediate::None:
            return;
        case Immediate::Memory:
            read_memory_argument(instruction.value);
            return;
        case Immediate::Lane:
            read_lane(instruction.value);
            return;
        case Immediate::MemoryLane:
            read_memory_argument(instruction.value / 32);
            read_lane(instruction.value % 32);
            return;
        case Immediate::Bytes16:
            body_.bytes(16);
            return;
        case Immediate::Shuffle:
            for (int i = 0; i < 16; ++i) read_lane(32);
            return;
    }
}

void FunctionGate::apply(const Instruction& instruction) {
    read_immediate(instruction);
    if (body_.failed()) return;
    pop(Types{instruction.operands});
    push(Types{instruction.results});
    switch (instruction.canon) {
        case Canon::Nothing:
            keep();
            return;
        case Canon::Operand:
            make_operand_canonical(instruction.operands.back());
            keep();
            return;
        case Canon::Result32:
        case Canon::Result64:
            keep();
            make_result_canonical(instruction.canon == Canon::Result64);
            return;
        case Canon::Max32:
        case Canon::Max64:
            write_maximum(instruction.canon == Canon::Max64);
            return;
    }
}

}  // namespace netcompute::usercode
