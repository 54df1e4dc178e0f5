#include "usercode/module.hpp"

#include "usercode/module_reader.hpp"

#include <utility>

namespace netcompute::usercode {
namespace {

using ImportTypes = std::map<std::pair<std::string_view, std::string_view>, FunctionType>;

const ImportTypes& import_types() {
    static constexpr std::string_view wasi = "wasi_snapshot_preview1";
    static const ImportTypes types{
#define NETCOMPUTE_IMPORT(module, name, operands, results) {{module, name}, {operands, results}},
#include "usercode/imports.inc"
#undef NETCOMPUTE_IMPORT
    };
    return types;
}

bool exports_function(const Module& module, const Exports& exports, std::string_view name,
                      const FunctionType& type) {
    const auto found = exports.find(name);
    return found != exports.end() && found->second.kind == ExportKind::Function &&
           module.type_of(found->second.index) == type;
}

}  // namespace

const FunctionType* import_type(std::string_view module, std::string_view name) {
    const auto found = import_types().find({module, name});
    return found == import_types().end() ? nullptr : &found->second;
}

Result<Calls> find_calls(const Module& module, const Exports& exports) {
    const auto has = [&](std::string_view name, const FunctionType& type) {
        return exports_function(module, exports, name, type);
    };
    const auto memory = exports.find("memory");
    const bool has_memory = memory != exports.end() && memory->second.kind == ExportKind::Memory;
    const bool is_function = has("nc_alloc", {"i", "i"}) && has("nc_run", {"ii", "I"});
    if (!has_memory || (!is_function && !has("_start", {}))) {
        return unexpected(ErrorCode::InvalidArgument,
                          "it exports neither memory, nc_alloc(i32) -> i32 and "
                          "nc_run(i32, i32) -> i64, as a function does, nor memory and _start(), "
                          "as a command does");
    }
    for (const auto& [name, type] : {std::pair<std::string_view, FunctionType>{"_initialize", {}},
                                     {"nc_fold", {"iiii", "I"}}}) {
        if (!exports.contains(name) || has(name, type)) continue;
        return unexpected(ErrorCode::InvalidArgument,
                          std::string{name} + " is exported with another type than " +
                              (name == "nc_fold" ? "(i32, i32, i32, i32) -> i64" : "()"));
    }
    return Calls{is_function, is_function && exports.contains("nc_fold")};
}

Type read_value_type(ModuleReader& reader) {
    const std::size_t offset = reader.offset();
    const std::uint8_t code = reader.byte();
    switch (code) {
        case 0x7f:
            return 'i';
        case 0x7e:
            return 'I';
        case 0x7d:
            return 'f';
        case 0x7c:
            return 'F';
        case 0x7b:
            return 'v';
        case 0x70:
            return 'r';
        default:
            reader.refuse_at(offset, code == 0x6f ? "references to things of the host are not taken"
                                                  : "there is no type " + std::to_string(code));
            return 'i';
    }
}

std::string refused_opcode(unsigned opcode) {
    if (opcode >= 0x06 && opcode <= 0x0a) return "exceptions are not taken";
    if (opcode == 0x18 || opcode == 0x19) return "exceptions are not taken";
    if (opcode == 0x12 || opcode == 0x13) return "tail calls are not taken";
    if (opcode == 0xfe) return "threads are not taken: which one is first differs";
    if (opcode == 0xfb) return "garbage collection is not taken";
    return "there is no instruction " + std::to_string(opcode) + ", or none that is taken";
}

std::uint32_t read_index(ModuleReader& section, std::size_t bound, const char* what) {
    const std::size_t offset = section.offset();
    const std::uint32_t index = section.u32();
    if (!section.failed() && index >= bound) {
        section.refuse_at(offset, "there is no " + std::string{what} + " " + std::to_string(index));
    }
    return section.failed() ? 0 : index;
}

void read_constant(ModuleReader& section, Module& module, Type wanted) {
    const std::size_t offset = section.offset();
    const std::uint8_t opcode = section.byte();
    Type type = 'i';
    switch (opcode) {
        case 0x41:
            section.s32();
            break;
        case 0x42:
            section.s64();
            type = 'I';
            break;
        case 0x43:
            section.bytes(4);
            type = 'f';
            break;
        case 0x44:
            section.bytes(8);
            type = 'F';
            break;
        case 0xfd:
            if (section.u32() != 0x0c) section.refuse_at(offset, "this is not constant");
            section.bytes(16);
            type = 'v';
            break;
        case 0xd0:
            if (section.byte() != 0x70) section.refuse_at(offset, "this is not constant");
            type = 'r';
            break;
        case 0xd2:
            module.declared.insert(read_index(section, module.functions.size(), "function"));
            type = 'r';
            break;
        default:
            section.refuse_at(offset, "this is not constant");
    }
    if (!section.failed() && type != wanted) section.refuse_at(offset, "it has another type");
    if (section.byte() != 0x0b) section.refuse("a constant is one instruction");
}

}  // namespace netcompute::usercode
