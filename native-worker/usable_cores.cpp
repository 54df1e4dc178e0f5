#include "usable_cores.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>

namespace netcompute::worker {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::vector<std::string> words_of(std::string_view text, char separator) {
    std::vector<std::string> words;
    std::istringstream stream{std::string{text}};
    for (std::string word; std::getline(stream, word, separator);) words.push_back(word);
    return words;
}

bool has(const std::vector<std::string>& words, std::string_view word) {
    return std::ranges::find(words, word) != words.end();
}

std::optional<double> number(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return std::nullopt;
    return value;
}

/// Quota and period in microseconds; no quota is "max" (v2) or -1 (v1).
std::optional<double> cores_of(std::string_view quota, std::string_view period) {
    const auto used = number(quota);
    const auto of = number(period);
    if (!used || !of || *used <= 0 || *of <= 0) return std::nullopt;
    return *used / *of;
}

std::optional<double> quota_of_folder(const fs::path& folder, bool is_v2) {
    if (!is_v2) {
        return cores_of(text_of(folder / "cpu.cfs_quota_us"),
                        text_of(folder / "cpu.cfs_period_us"));
    }
    const auto words = words_of(text_of(folder / "cpu.max"), ' ');
    return words.size() < 2 ? std::nullopt : cores_of(words[0], words[1]);
}

/// The path of a process in a hierarchy, from /proc/self/cgroup. "N:controllers:path"; version 2
/// is "0::path".
std::optional<std::string> path_in(std::string_view proc_cgroup, bool is_v2) {
    for (const std::string& line : words_of(proc_cgroup, '\n')) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const bool is_it = is_v2 ? line.starts_with("0::") : has(words_of(controllers, ','), "cpu");
        if (is_it) return line.substr(second + 1);
    }
    return std::nullopt;
}

/// Cores that the scheduler may put this process on; 0 if it does not say.
std::uint32_t cores_by_affinity() {
    // The kernel refuses a set with less room than it has cores.
    constexpr int cores_max = 1 << 16;
    for (int room = CPU_SETSIZE; room <= cores_max; room *= 2) {
        const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set{
            CPU_ALLOC(static_cast<std::size_t>(room)), [](cpu_set_t* one) { CPU_FREE(one); }};
        if (!set) return 0;
        const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(room));
        if (sched_getaffinity(0, bytes, set.get()) == 0) {
            return static_cast<std::uint32_t>(CPU_COUNT_S(bytes, set.get()));
        }
    }
    return 0;
}

}  // namespace

std::vector<CgroupFolder> cpu_cgroups(std::string_view proc_cgroup,
                                      std::string_view proc_mountinfo) {
    std::vector<CgroupFolder> folders;
    for (const std::string& line : words_of(proc_mountinfo, '\n')) {
        // ID PARENT MAJOR:MINOR ROOT MOUNT_POINT OPTIONS FIELDS... - TYPE SOURCE SUPER_OPTIONS
        const auto words = words_of(line, ' ');
        const auto dash = std::ranges::find(words, "-");
        constexpr std::size_t root_place = 3;
        constexpr std::size_t mount_place = 4;
        if (std::distance(dash, words.end()) < 4 || words.size() <= mount_place) continue;
        const bool is_v2 = dash[1] == "cgroup2";
        const bool is_v1 = dash[1] == "cgroup" && has(words_of(dash[3], ','), "cpu");
        if (!is_v1 && !is_v2) continue;
        const auto path = path_in(proc_cgroup, is_v2);
        if (!path) continue;
        // What is mounted is a part of the hierarchy, in a container its own.
        const fs::path top = words[mount_place];
        const fs::path below = fs::path{*path}.lexically_relative(words[root_place]);
        const bool is_outside = below.empty() || *below.begin() == "..";
        const bool is_top = is_outside || below == ".";
        folders.push_back({is_top ? top : top / below, top, is_v2});
    }
    return folders;
}

std::optional<double> cpu_quota(const CgroupFolder& folder) {
    std::optional<double> least;
    fs::path path = folder.path;
    for (;;) {
        const auto quota = quota_of_folder(path, folder.is_v2);
        if (quota && (!least || *quota < *least)) least = quota;
        if (path == folder.top || path == path.parent_path()) return least;
        path = path.parent_path();
    }
}

UsableCores usable_cores(std::uint32_t online, std::uint32_t by_affinity,
                         std::optional<double> quota) {
    UsableCores cores{.count = std::max(online, 1U), .limit = {}};
    if (by_affinity != 0 && by_affinity < cores.count) {
        cores = {.count = by_affinity, .limit = "its CPU affinity"};
    }
    if (quota && std::ceil(*quota) < cores.count) {
        cores = {.count = std::max(static_cast<std::uint32_t>(std::ceil(*quota)), 1U),
                 .limit = "the CPU quota of its cgroup"};
    }
    return cores;
}

UsableCores usable_cores() {
    std::optional<double> least;
    for (const CgroupFolder& folder :
         cpu_cgroups(text_of("/proc/self/cgroup"), text_of("/proc/self/mountinfo"))) {
        const auto quota = cpu_quota(folder);
        if (quota && (!least || *quota < *least)) least = quota;
    }
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return usable_cores(online > 0 ? static_cast<std::uint32_t>(online) : 1, cores_by_affinity(),
                        least);
}

}  // namespace netcompute::worker
