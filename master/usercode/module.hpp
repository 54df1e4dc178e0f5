#pragma once

#include <netcompute/result.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::usercode {

/// The letters of instructions' types: i, I, f, F, v; r: a reference to a function. '?': any, in
/// code that is never reached.
using Type = char;
using Types = std::string;

struct FunctionType {
    Types operands;
    Types results;
    friend bool operator==(const FunctionType&, const FunctionType&) = default;
};

struct GlobalType {
    Type type = 'i';
    bool is_mutable = false;
};

/// What the sections before the code say.
struct Module {
    std::vector<FunctionType> types;
    std::vector<std::uint32_t> functions;  ///< The types of all functions, imported ones first.
    std::uint32_t imported_functions = 0;
    std::uint32_t tables = 0;
    bool has_memory = false;
    std::uint64_t memory_pages_max = 0;  ///< That it may grow to.
    std::vector<GlobalType> globals;
    std::vector<std::uint32_t> exports;  ///< Of functions.
    std::set<std::uint32_t> declared;    ///< Functions that code may make references to.
    std::uint32_t elements = 0;
    std::uint32_t data_segments = 0;  ///< As the data count section says it.
    bool has_data_count = false;

    [[nodiscard]] const FunctionType& type_of(std::uint32_t function) const {
        return types[functions[function]];
    }
};

enum class ExportKind : std::uint8_t { Function, Table, Memory, Global };

/// What a name stands for.
struct Export {
    ExportKind kind = ExportKind::Function;
    std::uint32_t index = 0;
};
using Exports = std::map<std::string, Export, std::less<>>;

/// How a module can be called, by what it exports.
struct Calls {
    bool is_function = false;  ///< Otherwise it is a command.
    bool can_fold = false;
};
/// Errors: InvalidArgument for a module that is neither.
[[nodiscard]] Result<Calls> find_calls(const Module& module, const Exports& exports);

/// The type of a function that modules may import; null: there is none of this name.
[[nodiscard]] const FunctionType* import_type(std::string_view module, std::string_view name);

class ModuleReader;

/// A type of values; tells the reader where it is none that is taken.
Type read_value_type(ModuleReader& reader);
/// An index below `bound`; tells the reader where it is none.
std::uint32_t read_index(ModuleReader& section, std::size_t bound, const char* what);
/// An expression whose value is known before anything runs.
void read_constant(ModuleReader& section, Module& module, Type wanted);
/// Why an instruction of this number is not taken.
[[nodiscard]] std::string refused_opcode(unsigned opcode);

/// Indexes of the globals that the gate adds.
struct AddedGlobals {
    std::uint32_t no_memory = 0;
    std::uint32_t fuel = 0;
    bool counts_fuel = false;
};

}  // namespace netcompute::usercode
