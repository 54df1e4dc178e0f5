/// Input: a WebAssembly module, as a stranger may send it.
#include "fuzz_target.hpp"
#include "usercode/gate.hpp"

#include <algorithm>
#include <string>

namespace netcompute::fuzz {
namespace {

/// With the names of ours as any others, so that the gate takes them.
Bytes renamed(Bytes module) {
    for (const std::string_view name : {usercode::fuel_export, usercode::memory_export}) {
        const ByteSpan bytes = as_byte_span(name);
        for (auto found = module.begin();;) {
            found = std::search(found, module.end(), bytes.begin(), bytes.end());
            if (found == module.end()) break;
            *found = std::byte{'x'};
        }
    }
    return module;
}

}  // namespace

bool try_input(ByteSpan input) {
    bool is_taken = false;
    for (const bool counts_fuel : {false, true}) {
        const usercode::GateOptions options{.counts_fuel = counts_fuel};
        const auto passed = usercode::pass_gate(input, options);
        const auto again = usercode::pass_gate(input, options);
        NETCOMPUTE_ASSERT(passed.has_value() == again.has_value(), "it decides by the bytes alone");
        if (!passed) {
            NETCOMPUTE_ASSERT(passed.error() == again.error(), "it says the same of the same");
            NETCOMPUTE_ASSERT(passed.error().code == ErrorCode::InvalidArgument &&
                                  !passed.error().message.empty(),
                              "it says why");
            continue;
        }
        is_taken = true;
        NETCOMPUTE_ASSERT(passed->bytes == again->bytes, "the same bytes give the same");
        NETCOMPUTE_ASSERT(passed->memory_bytes_min <= options.memory_bytes_max,
                          "memory keeps to its limit");
        const auto checked = usercode::pass_gate(renamed(passed->bytes), options);
        NETCOMPUTE_ASSERT(checked, "what it writes is a module that it would take");
    }
    return is_taken;
}

}  // namespace netcompute::fuzz
