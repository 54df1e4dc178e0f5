#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace netcompute::bench {

/// What /proc says of a process.
struct ProcessFigures {
    std::uint64_t resident_bytes = 0;
    double cpu_seconds = 0;  ///< User and system, of all its threads, since it started.
};

/// Figures of a process that runs. Throws std::runtime_error if there is none with that id.
[[nodiscard]] ProcessFigures figures_of(pid_t process);

/// The folder of the running program: the others of a build lie beside it.
[[nodiscard]] std::filesystem::path program_folder();

/// A program that was started here. It is asked to end, and waited for, with this object.
class ChildProcess {
 public:
    /// Starts `command` in `folder`, with both outputs appended to `log`. Throws
    /// std::runtime_error if that fails.
    ChildProcess(const std::vector<std::string>& command, const std::filesystem::path& folder,
                 const std::filesystem::path& log);
    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&&) = delete;
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess();

    [[nodiscard]] pid_t id() const { return id_; }
    /// Throws std::runtime_error that says how it ended and shows its log, if it has ended.
    void require_running();

 private:
    pid_t id_ = -1;
    std::filesystem::path log_;
};

}  // namespace netcompute::bench
