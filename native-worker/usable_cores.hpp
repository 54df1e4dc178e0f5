#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::worker {

/// How many cores this process may keep busy, and what limits it.
struct UsableCores {
    std::uint32_t count = 1;
    std::string limit;  ///< For people: "its CPU affinity"; empty if nothing limits it.
};

/// A directory whose files, and those of its parents up to `top`, limit a process.
struct CgroupFolder {
    std::filesystem::path path;
    std::filesystem::path top;  ///< Where the hierarchy is mounted.
    bool is_v2 = true;
};

/// Where the CPU limits of a process are: from /proc/self/cgroup and /proc/self/mountinfo
/// (cgroups(7), proc_pid_mountinfo(5)). None if no such hierarchy is mounted.
[[nodiscard]] std::vector<CgroupFolder> cpu_cgroups(std::string_view proc_cgroup,
                                                    std::string_view proc_mountinfo);

/// The smallest quota of this folder and its parents, in cores; none: no limit.
[[nodiscard]] std::optional<double> cpu_quota(const CgroupFolder& folder);

/// From the cores that are there or that affinity leaves, and the quota. A part of a core counts as
/// one, so that the quota can be used up.
[[nodiscard]] UsableCores usable_cores(std::uint32_t online, std::uint32_t by_affinity,
                                       std::optional<double> quota);

/// Of this process.
[[nodiscard]] UsableCores usable_cores();

}  // namespace netcompute::worker
