#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::usercode {

/// Of the rewriting: another one may give other bytes, and so other results.
inline constexpr std::uint32_t gate_version = 1;

inline constexpr std::size_t module_bytes_max = std::size_t{16} << 20;
inline constexpr std::uint64_t page_bytes = 65'536;

struct GateOptions {
    std::uint64_t memory_bytes_max = std::uint64_t{256} << 20;  ///< Whole pages of 64 KiB.
    bool counts_fuel = false;  ///< Instructions are counted, and can be limited.
};

/// How a module is called: see docs/decisions/15-user-code.md.
enum class Shape {
    Function,  ///< memory, nc_alloc(size) -> address, nc_run(address, size) -> address | size
               ///< << 32.
    Command,   ///< A WASI preview 1 command: memory, _start().
};

struct Import {
    std::string module;
    std::string name;
    friend bool operator==(const Import&, const Import&) = default;
};

/// A module that may run, and gives the same bits on every engine.
struct GateResult {
    Bytes bytes;
    Sha256 sha256;  ///< Of those bytes.
    Shape shape = Shape::Function;
    bool can_fold = false;  ///< It exports nc_fold(address, size, address, size) as well.
    std::vector<Import> imports;
    std::uint64_t memory_bytes_min = 0;
};

/// Names of the globals that the gate adds and hosts look at when a task has trapped.
inline constexpr std::string_view fuel_export = "nc_fuel";         ///< i64: below 0: it is used up.
inline constexpr std::string_view memory_export = "nc_no_memory";  ///< i32: 1: this PC had no more.

/// Checks a WebAssembly module as engines do (Core Specification 2.0, chapter 3) and rewrites it so
/// that what it computes does not depend on who runs it:
/// - NaN has one form wherever its bits can be seen: before a float is stored, reinterpreted,
///   splatted into a vector or lends its sign, and in the results of vector arithmetic;
/// - the maximum of vectors is computed in a way in which all engines agree about zeros;
/// - memory has a largest size; where it cannot grow below that, the task ends by a trap, since
///   another PC would have gone on;
/// - with fuel, each function and each turn of a loop pays for its instructions.
/// Custom sections go. It refuses whatever could differ or reach out: threads, shared or 64-bit or
/// several memories, relaxed vectors, exceptions, tail calls, garbage collection, tables that grow,
/// imports other than netcompute.fail and those of WASI, globals, memories and tables of a host.
/// The same bytes give the same bytes, always.
/// Errors: InvalidArgument, with the byte at which it is, the instruction and the reason.
[[nodiscard]] Result<GateResult> pass_gate(ByteSpan module, const GateOptions& options);

}  // namespace netcompute::usercode
