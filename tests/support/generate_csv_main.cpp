// Writes an invented table, for tests in other languages and for measuring.
#include "generate_csv.hpp"

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr const char* usage =
    "usage: netcompute_generate_csv ROWS SEED PATH [--without-target | --numeric COLUMNS]\n";

std::optional<std::uint64_t> parse_count(std::string_view text) {
    std::uint64_t count = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return count;
}

/// The table that the arguments ask for; nothing if they ask for none.
std::optional<std::string> generate(const std::vector<std::string_view>& arguments) {
    using namespace netcompute::test_support;
    if (arguments.size() < 4) return std::nullopt;
    const auto rows = parse_count(arguments[1]);
    const auto seed = parse_count(arguments[2]);
    if (!rows || !seed) return std::nullopt;
    if (arguments.size() == 4) return generate_passengers({*rows, *seed, true});
    if (arguments.size() == 5 && arguments[4] == "--without-target") {
        return generate_passengers({*rows, *seed, false});
    }
    if (arguments.size() != 6 || arguments[4] != "--numeric") return std::nullopt;
    const auto columns = parse_count(arguments[5]);
    if (!columns) return std::nullopt;
    return generate_numbers({*rows, *seed, *columns});
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string_view> arguments{argv, argv + argc};
    const auto table = generate(arguments);
    if (!table) {
        std::fputs(usage, stderr);
        return 2;
    }
    const std::string path{arguments[3]};
    std::ofstream file{path, std::ios::binary};
    file.write(table->data(), static_cast<std::streamsize>(table->size()));
    file.close();
    if (!file) {
        std::fprintf(stderr, "%s: could not be written\n", path.c_str());
        return 1;
    }
    return 0;
}
