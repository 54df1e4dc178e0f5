#pragma once

#include <netcompute/worker/agent.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace netcompute::worker {

/// Time that the cores have spent since the PC started, in ticks.
struct CpuTicks {
    std::uint64_t busy = 0;
    std::uint64_t total = 0;
};

/// From the text of /proc/stat. Nothing if it does not start as that file does.
[[nodiscard]] std::optional<CpuTicks> parse_cpu_ticks(std::string_view proc_stat);

/// The busy share of the time between two readings; -1 if there was none.
[[nodiscard]] double cpu_share(const CpuTicks& before, const CpuTicks& after);

/// Resident bytes from the text of /proc/self/statm; 0 if it is not such a text.
[[nodiscard]] std::uint64_t parse_resident_bytes(std::string_view proc_statm,
                                                 std::uint64_t page_bytes);

/// Reads both files. The share of cpu is that since the sample before.
class SystemLoadProbe {
 public:
    SystemLoadProbe();
    [[nodiscard]] SystemLoad sample();

 private:
    std::optional<CpuTicks> last_;
};

}  // namespace netcompute::worker
