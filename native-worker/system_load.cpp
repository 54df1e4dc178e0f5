#include "system_load.hpp"

#include <unistd.h>

#include <charconv>
#include <fstream>
#include <string>
#include <vector>

namespace netcompute::worker {
namespace {

/// The first line of a file, empty if there is none.
std::string first_line(const char* path) {
    std::ifstream file{path};
    std::string line;
    std::getline(file, line);
    return line;
}

/// The whole numbers at the start of a text, separated by spaces.
std::vector<std::uint64_t> numbers_of(std::string_view text) {
    std::vector<std::uint64_t> numbers;
    const char* cursor = text.data();
    const char* const end = text.data() + text.size();
    while (true) {
        while (cursor != end && *cursor == ' ') ++cursor;
        std::uint64_t number = 0;
        const auto [next, error] = std::from_chars(cursor, end, number);
        if (error != std::errc{}) return numbers;
        numbers.push_back(number);
        cursor = next;
    }
}

}  // namespace

std::optional<CpuTicks> parse_cpu_ticks(std::string_view proc_stat) {
    constexpr std::string_view all_cores = "cpu ";
    if (!proc_stat.starts_with(all_cores)) return std::nullopt;
    // user nice system idle iowait irq softirq steal; what follows is counted in these already.
    const auto numbers = numbers_of(proc_stat.substr(all_cores.size()));
    constexpr std::size_t idle_place = 3;
    constexpr std::size_t iowait_place = 4;
    constexpr std::size_t counted = 8;
    if (numbers.size() <= idle_place) return std::nullopt;
    CpuTicks ticks;
    for (std::size_t i = 0; i < numbers.size() && i < counted; ++i) {
        ticks.total += numbers[i];
        if (i != idle_place && i != iowait_place) ticks.busy += numbers[i];
    }
    return ticks;
}

double cpu_share(const CpuTicks& before, const CpuTicks& after) {
    // The kernel may correct its counters downwards.
    if (after.total <= before.total || after.busy < before.busy) return -1;
    const double share = static_cast<double>(after.busy - before.busy) /
                         static_cast<double>(after.total - before.total);
    return share > 1 ? 1 : share;
}

std::uint64_t parse_resident_bytes(std::string_view proc_statm, std::uint64_t page_bytes) {
    const auto pages = numbers_of(proc_statm);  // size resident shared …
    return pages.size() < 2 ? 0 : pages[1] * page_bytes;
}

SystemLoadProbe::SystemLoadProbe() : last_{parse_cpu_ticks(first_line("/proc/stat"))} {}

SystemLoad SystemLoadProbe::sample() {
    SystemLoad load;
    const auto ticks = parse_cpu_ticks(first_line("/proc/stat"));
    if (ticks && last_) load.cpu = cpu_share(*last_, *ticks);
    last_ = ticks;
    const long page_bytes = sysconf(_SC_PAGESIZE);
    load.memory_bytes = parse_resident_bytes(
        first_line("/proc/self/statm"),
        page_bytes > 0 ? static_cast<std::uint64_t>(page_bytes) : std::uint64_t{0});
    return load;
}

}  // namespace netcompute::worker
