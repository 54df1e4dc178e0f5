#include "fuzz_target.hpp"
#include "temporary_folder.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

namespace netcompute::fuzz {
namespace {

std::vector<std::filesystem::path> files_of(const std::filesystem::path& place) {
    if (!std::filesystem::is_directory(place)) return {place};
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator{place}) {
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

/// Tries every file once. A folder that holds good inputs only, or bad ones only, fails as well:
/// then half of the target's promises were not looked at.
int replay(const std::filesystem::path& place) {
    std::size_t accepted = 0;
    std::size_t refused = 0;
    for (const std::filesystem::path& file : files_of(place)) {
        const std::string text = test_support::read_file(file);
        std::fprintf(stderr, "%s\n", file.c_str());  // The last one is named when it fails.
        ++(try_input(as_byte_span(text)) ? accepted : refused);
    }
    std::printf("%zu inputs accepted, %zu refused; every promise was kept\n", accepted, refused);
    const bool is_whole = accepted > 0 && refused > 0;
    return is_whole || !std::filesystem::is_directory(place) ? 0 : 1;
}

}  // namespace
}  // namespace netcompute::fuzz

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s FOLDER|FILE: tries each input once\n", argv[0]);
        return 2;
    }
    try {
        return netcompute::fuzz::replay(argv[1]);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", argv[1], error.what());
        return 1;
    }
}
