#include "usercode/gate.hpp"

#include "usercode/function_gate.hpp"
#include "usercode/module.hpp"
#include "usercode/module_reader.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace netcompute::usercode {
namespace {

// Counts that engines take too, so that a module which passes here runs everywhere.
constexpr std::uint32_t types_max = 100'000;
constexpr std::uint32_t functions_max = 100'000;
constexpr std::uint32_t imports_max = 1'000;
constexpr std::uint32_t exports_max = 100'000;
constexpr std::uint32_t globals_max = 100'000;
constexpr std::uint32_t segments_max = 100'000;
constexpr std::uint32_t tables_max = 16;
constexpr std::uint32_t table_entries_max = 1'000'000;
constexpr std::uint32_t operands_max = 1'000;
constexpr std::uint32_t body_bytes_max = 7'654'321;
constexpr std::uint64_t pages_max = 65'536;

/// The sections' order, by their numbers: the data count stands before the code.
constexpr std::array<std::uint8_t, 12> order{1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11};
constexpr std::array<std::string_view, 13> section_names{
    "custom", "type",  "import",  "function", "table", "memory",    "global",
    "export", "start", "element", "code",     "data",  "data count"};

std::size_t place_of(std::uint8_t section) {
    return static_cast<std::size_t>(std::ranges::find(order, section) - order.begin());
}

class Gate {
 public:
    Gate(ByteSpan module, const GateOptions& options)
        : reader_{module, 0}, options_{options}, size_{module.size()} {}

    Result<GateResult> run() {
        read_module();
        if (reader_.failed()) {
            return unexpected(ErrorCode::InvalidArgument, reader_.failure());
        }
        const auto found = find_calls(module_, exports_);
        if (!found) return unexpected(found.error());
        result_.shape = found->is_function ? Shape::Function : Shape::Command;
        result_.can_fold = found->can_fold;
        result_.bytes = std::move(out_);
        result_.sha256 = sha256(result_.bytes);
        return std::move(result_);
    }

 private:
    void read_module() {
        if (size_ > module_bytes_max) {
            reader_.refuse("the module has " + std::to_string(size_) + " bytes; at most " +
                           std::to_string(module_bytes_max) + " are taken");
            return;
        }
        constexpr std::array<unsigned char, 8> magic{0, 'a', 's', 'm', 1, 0, 0, 0};
        const ByteSpan head = reader_.bytes(std::min<std::size_t>(8, size_));
        if (!std::ranges::equal(head, std::as_bytes(std::span{magic}))) {
            reader_.refuse_at(0,
                              "this is no WebAssembly module: one begins with \\0asm and "
                              "version 1");
            return;
        }
        append(out_, head);
        std::size_t next = 0;
        while (!reader_.failed() && !reader_.at_end()) {
            const std::size_t offset = reader_.offset();
            const std::uint8_t id = reader_.byte();
            const std::uint32_t size = reader_.u32();
            ModuleReader section = reader_.part(size);
            if (reader_.failed()) return;
            if (id == 0) {
                section.name();  // Custom sections tell of a module and do nothing.
                adopt(section);
                continue;
            }
            const std::size_t place = place_of(id);
            if (place == order.size() || place < next) {
                reader_.refuse_at(offset, place == order.size()
                                              ? "there is no section " + std::to_string(id)
                                              : "the section \"" + std::string{section_names[id]} +
                                                    "\" is out of order, or comes twice");
                return;
            }
            // Ours go where theirs would be.
            for (; next < place; ++next) write_absent(order[next]);
            next = place + 1;
            read_section(id, section);
            if (!section.failed() && !section.at_end()) section.refuse("the section goes on");
            adopt(section);
        }
        for (; next < order.size() && !reader_.failed(); ++next) write_absent(order[next]);
        if (!reader_.failed()) check_whole();
    }

    void adopt(const ModuleReader& section) {
        if (section.failed()) reader_.adopt_failure(section);
    }

    void read_section(std::uint8_t id, ModuleReader& section) {
        Bytes content;
        switch (id) {
            case 1:
                read_types(section);
                break;
            case 2:
                read_imports(section);
                break;
            case 3:
                read_functions(section);
                break;
            case 4:
                read_tables(section);
                break;
            case 5:
                read_memory(section, content);
                break;
            case 6:
                read_globals(section, content);
                break;
            case 7:
                read_exports(section, content);
                break;
            case 8:
                read_start(section);
                break;
            case 9:
                read_elements(section);
                break;
            case 10:
                read_code(section, content);
                break;
            case 11:
                read_data(section);
                break;
            case 12:
                module_.data_segments = section.u32();
                module_.has_data_count = true;
                break;
            default:
                break;
        }
        if (section.failed()) return;
        if (content.empty()) append(content, section.since(0));
        append_section(out_, id, content);
    }

    /// Sections that the gate adds to where there is none.
    void write_absent(std::uint8_t id) {
        if (id != 6 && id != 7) return;
        Bytes content;
        append_unsigned(content, added_count());
        id == 6 ? add_globals(content) : add_exports(content);
        append_section(out_, id, content);
    }

    [[nodiscard]] std::uint32_t added_count() const { return options_.counts_fuel ? 2 : 1; }

    void add_globals(Bytes& content) {
        const auto first = static_cast<std::uint32_t>(module_.globals.size());
        added_ = {first, first + 1, options_.counts_fuel};
        append(content, {0x7f, 0x01, 0x41, 0x00, 0x0b});  // A variable i32, 0.
        if (!options_.counts_fuel) return;
        append(content, {0x7e, 0x01, 0x42});  // A variable i64, as large as it can be.
        append_signed(content, std::numeric_limits<std::int64_t>::max());
        append(content, {0x0b});
    }

    void add_exports(Bytes& content) const {
        append_name(content, memory_export);
        append(content, {0x03});
        append_unsigned(content, added_.no_memory);
        if (!options_.counts_fuel) return;
        append_name(content, fuel_export);
        append(content, {0x03});
        append_unsigned(content, added_.fuel);
    }

    Types read_types_of(ModuleReader& section) {
        Types types;
        const std::uint32_t count = section.count(operands_max, "values");
        for (std::uint32_t i = 0; i < count && !section.failed(); ++i) {
            types += read_value_type(section);
        }
        return types;
    }

    void read_types(ModuleReader& section) {
        const std::uint32_t count = section.count(types_max, "types");
        for (std::uint32_t i = 0; i < count && !section.failed(); ++i) {
            if (section.byte() != 0x60) section.refuse("only types of functions are taken");
            FunctionType type;
            type.operands = read_types_of(section);
            type.results = read_types_of(section);
            module_.types.push_back(std::move(type));
        }
    }

    void read_imports(ModuleReader& section) {
        const std::uint32_t count = section.count(imports_max, "imports");
        for (std::uint32_t i = 0; i < count && !section.failed(); ++i) {
            const std::size_t offset = section.offset();
            Import import{section.name(), section.name()};
            const std::uint8_t kind = section.byte();
            if (section.failed()) return;
            const std::string shown = "import " + import.module + "." + import.name;
            if (kind != 0) {
                section.refuse_at(offset, shown + ": only functions can be imported");
                return;
            }
            const std::uint32_t type = read_index(section, module_.types.size(), "type");
            if (section.failed()) return;
            const FunctionType* const known = import_type(import.module, import.name);
            if (known == nullptr) {
                section.refuse_at(offset, shown +
                                              ": there is none; a module can import "
                                              "netcompute.fail and the functions of "
                                              "wasi_snapshot_preview1");
                return;
            }
            if (module_.types[type] != *known) {
                section.refuse_at(offset, shown + ": has another type");
                return;
            }
            module_.functions.push_back(type);
            ++module_.imported_functions;
            result_.imports.push_back(std::move(import));
        }
    }

    void read_functions(ModuleReader& section) {
        const std::uint32_t count = section.count(functions_max, "functions");
        for (std::uint32_t i = 0; i < count && !section.failed(); ++i) {
            module_.functions.push_back(read_index(section, module_.types.size(), "type"));
        }
    }

    struct Limits {
        std::uint64_t min = 0;
        std::optional<std::uint64_t> max;
    };

    Limits read_limits(ModuleReader& section, std::uint64_t most, const char* what) {
        const std::size_t offset = section.offset();
        const std::uint8_t flags = section.byte();
        Limits limits;
        if (flags > 1) {
            section.refuse_at(offset, std::string{what} +
                                          " is shared, or has 64-bit addresses: neither is taken");
            return limits;
        }
        limits.min = section.u32();
        if (flags == 1) limits.max = section.u32();
        if (section.failed()) return limits;
        if (limits.min > most || (limits.max && *limits.max < limits.min)) {
            section.refuse_at(
                offset,
                std::string{what} + " begins with " + std::to_string(limits.min) + "; at most " +
                    std::to_string(std::min(limits.max.value_or(most), most)) + " are taken");
        }
        return limits;
    }

    void read_tables(ModuleReader& section) {
        module_.tables = section.count(tables_max, "tables");
        for (std::uint32_t i = 0; i < module_.tables && !section.failed(); ++i) {
            if (section.byte() != 0x70) section.refuse("only tables of functions are taken");
            read_limits(section, table_entries_max, "a table");
        }
    }

    void read_memory(ModuleReader& section, Bytes& content) {
        if (section.count(1, "memories") == 0) return;
        const std::uint64_t most = std::min(options_.memory_bytes_max / page_bytes, pages_max);
        const Limits limits = read_limits(section, most, "the memory, in pages of 64 KiB,");
        if (section.failed()) return;
        if (limits.max && *limits.max > pages_max) section.refuse("the memory is over 4 GiB");
        module_.has_memory = true;
        module_.memory_pages_max = std::min(limits.max.value_or(most), most);
        result_.memory_bytes_min = limits.min * page_bytes;
        append(content, {0x01, 0x01});
        append_unsigned(content, limits.min);
        append_unsigned(content, module_.memory_pages_max);
    }

    void read_globals(ModuleReader& section, Bytes& content) {
        const std::uint32_t count = section.count(globals_max, "globals");
        const std::size_t begin = section.at();
        for (std::uint32_t i = 0; i < count && !section.failed(); ++i) {
            GlobalType global;
            global.type = read_value_type(section);
            const std::uint8_t is_mutable = section.byte();
            if (is_mutable > 1) section.refuse("a global is neither constant nor variable");
            global.is_mutable = is_mutable == 1;
            read_constant(section, module_, global.type);
            module_.globals.push_back(global);
        }
        append_unsigned(content, count + added_count());
        append(content, section.since(begin));
        add_globals(content);
    }

    void read_exports(ModuleReader& section, Bytes& content) {
        const std::uint32_t count = section.count(exports_max, "exports");
        const std::size_t begin = section.at();
        for (std::uint32_t i = 0; i < count && !section.failed(); ++i) {
            const std::size_t offset = section.offset();
            const std::string name = section.name();
            const std::uint8_t kind = section.byte();
            if (section.failed()) return;
            if (kind > 3) {
                section.refuse_at(offset, "export " + name + ": of no known kind");
                return;
            }
            const std::array<std::pair<std::size_t, const char*>, 4> bounds{
                {{module_.functions.size(), "function"},
                 {module_.tables, "table"},
                 {module_.has_memory ? 1 : 0, "memory"},
                 {module_.globals.size(), "global"}}};
            const std::uint32_t index =
                read_index(section, bounds[kind].first, bounds[kind].second);
            if (section.failed()) return;
            if (name == fuel_export || name == memory_export ||
                !exports_.emplace(name, Export{static_cast<ExportKind>(kind), index}).second) {
                section.refuse_at(offset, "export " + name + ": this name is taken");
                return;
            }
            if (kind == 0) module_.declared.insert(index);
        }
        append_unsigned(content, count + added_count());
        append(content, section.since(begin));
        add_exports(content);
    }

    void read_start(ModuleReader& section) {
        const std::uint32_t function = read_index(section, module_.functions.size(), "function");
        if (!section.failed() && module_.type_of(function) != FunctionType{}) {
            section.refuse("the start function takes and gives nothing");
        }
    }

    void read_elements(ModuleReader& section) {
        module_.elements = section.count(segments_max, "element segments");
        for (std::uint32_t i = 0; i < module_.elements && !section.failed(); ++i) {
            const std::uint32_t flags = section.u32();
            if (section.failed()) return;
            if (flags > 7) {
                section.refuse("an element segment is of no known kind");
                return;
            }
            const bool is_passive = (flags & 1) != 0;
            const bool names_table = (flags & 2) != 0;
            const bool has_expressions = (flags & 4) != 0;
            if (!is_passive) {
                if (names_table) {
                    read_index(section, module_.tables, "table");
                } else if (module_.tables == 0) {
                    section.refuse("there is no table 0");
                }
                read_constant(section, module_, 'i');
            }
            if (is_passive || names_table) {
                const std::uint8_t kind = section.byte();
                if (kind != (has_expressions ? 0x70 : 0x00)) {
                    section.refuse("only references to functions are taken");
                }
            }
            const std::uint32_t count = section.count(table_entries_max, "elements");
            for (std::uint32_t k = 0; k < count && !section.failed(); ++k) {
                if (has_expressions) {
                    read_constant(section, module_, 'r');
                } else {
                    module_.declared.insert(
                        read_index(section, module_.functions.size(), "function"));
                }
            }
        }
    }

    void read_code(ModuleReader& section, Bytes& content) {
        const std::uint32_t count = section.count(functions_max, "bodies");
        const std::size_t own = module_.functions.size() - module_.imported_functions;
        if (!section.failed() && count != own) {
            section.refuse(std::to_string(count) + " bodies for " + std::to_string(own) +
                           " functions");
        }
        bodies_ = count;
        append_unsigned(content, count);
        for (std::uint32_t i = 0; i < count && !section.failed(); ++i) {
            const std::uint32_t size = section.count(body_bytes_max, "bytes of a body");
            ModuleReader body = section.part(size);
            if (section.failed()) return;
            const FunctionType& type = module_.type_of(module_.imported_functions + i);
            const Bytes written = FunctionGate{module_, added_, type, body}.run();
            if (body.failed()) {
                section.adopt_failure(body);
                return;
            }
            if (written.size() > body_bytes_max ||
                content.size() + written.size() > 4 * module_bytes_max) {
                section.refuse("with what the gate adds, the code is larger than engines take");
                return;
            }
            append_unsigned(content, written.size());
            append(content, written);
        }
    }

    void read_data(ModuleReader& section) {
        const std::uint32_t count = section.count(segments_max, "data segments");
        if (!section.failed() && module_.has_data_count && count != module_.data_segments) {
            section.refuse(std::to_string(count) + " data segments, where " +
                           std::to_string(module_.data_segments) + " were announced");
        }
        data_segments_ = count;
        for (std::uint32_t i = 0; i < count && !section.failed(); ++i) {
            const std::uint32_t flags = section.u32();
            if (section.failed()) return;
            if (flags > 2) {
                section.refuse("a data segment is of no known kind");
                return;
            }
            if (flags != 1) {
                if (flags == 2) read_index(section, 1, "memory");
                if (!module_.has_memory) section.refuse("the module has no memory");
                read_constant(section, module_, 'i');
            }
            section.bytes(section.u32());
        }
    }

    /// What no section tells alone.
    void check_whole() {
        const std::size_t own = module_.functions.size() - module_.imported_functions;
        if (bodies_ != own) {
            reader_.refuse(std::to_string(bodies_) + " bodies for " + std::to_string(own) +
                           " functions");
        }
        if (module_.has_data_count && data_segments_ != module_.data_segments) {
            reader_.refuse(std::to_string(data_segments_) + " data segments, where " +
                           std::to_string(module_.data_segments) + " were announced");
        }
    }

    ModuleReader reader_;
    const GateOptions& options_;
    std::size_t size_;
    Module module_;
    AddedGlobals added_;
    Exports exports_;
    std::uint32_t bodies_ = 0;
    std::uint32_t data_segments_ = 0;
    Bytes out_;
    GateResult result_;
};

}  // namespace

Result<GateResult> pass_gate(ByteSpan module, const GateOptions& options) {
    return Gate{module, options}.run();
}

}  // namespace netcompute::usercode
