/// netcompute_gate IN OUT [--fuel] [--pages N]: passes a module through the gate, for tests in
/// other languages. Prints the result as JSON, or "refused: …" and exits with 1.

#include "usercode/gate.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

int main(int argc, char** argv) {
    using namespace netcompute;
    if (argc < 3) return 2;
    std::ifstream in{argv[1], std::ios::binary};
    const std::string module{std::istreambuf_iterator<char>{in}, {}};
    usercode::GateOptions options;
    for (int i = 3; i < argc; ++i) {
        const std::string_view option{argv[i]};
        if (option == "--fuel") options.counts_fuel = true;
        if (option == "--pages" && i + 1 < argc) {
            options.memory_bytes_max = std::stoull(argv[++i]) * usercode::page_bytes;
        }
    }
    const auto passed = usercode::pass_gate(as_byte_span(module), options);
    if (!passed) {
        std::printf("refused: %s\n", passed.error().message.c_str());
        return 1;
    }
    std::ofstream{argv[2], std::ios::binary} << as_text(passed->bytes);
    std::string imports;
    for (const auto& [from, name] : passed->imports) {
        imports += (imports.empty() ? "\"" : ",\"") + from + "." + name + "\"";
    }
    std::printf(
        "{\"sha256\":\"%s\",\"shape\":\"%s\",\"can_fold\":%s,\"memory_bytes_min\":%llu,"
        "\"imports\":[%s]}\n",
        to_hex(passed->sha256).c_str(),
        passed->shape == usercode::Shape::Function ? "function" : "command",
        passed->can_fold ? "true" : "false",
        static_cast<unsigned long long>(passed->memory_bytes_min), imports.c_str());
}
