#pragma once

#include <netcompute/log_budget.hpp>

#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace netcompute {

/// A log on the disk: `path`, and as `path` grows its older parts ("master.1.log" is the newest).
struct LogFile {
    std::filesystem::path path;  ///< Empty: no file.
    std::size_t bytes_max = std::size_t{16} << 20;
    std::size_t file_count = 5;  ///< With the one that is written to.
};

/// When a line was logged, ISO 8601 with the zone, in spdlog's pattern language.
inline constexpr std::string_view log_time_pattern = "%Y-%m-%dT%H:%M:%S.%e%z";
/// Of one line; names and messages of strangers have shorter limits of their own.
inline constexpr std::size_t log_line_bytes_max = 2000;

/// Where the log goes unless there is a file.
enum class LogStream { StandardOutput, StandardError };

/// Makes spdlog's default logger: a time with its zone, the level, and the message as printable()
/// shows it, so that no call needs to think of it. Throws std::runtime_error if the file cannot
/// be written.
void set_up_log(LogStream stream, const LogFile& file);

/// A file that only its owner may read and that starts anew when it is full.
/// Throws std::runtime_error naming the file if it cannot be written or is no file.
[[nodiscard]] spdlog::sink_ptr open_log_file(const LogFile& file);

/// One line of a program's own answer (not of its log), as printable() shows it.
void print_line(std::FILE* stream, std::string_view line);
template <typename... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
    print_line(stdout, fmt::format(format, std::forward<Args>(args)...));
}

/// Whether a line of this kind that somebody at `address` caused may be written now; LogBudget has
/// the rule. Writes what a minute left out when that is over. Any thread may ask.
[[nodiscard]] bool admit_log_line(std::string_view kind, std::string_view address);
/// Writes what the last minute left out, if it is over: to be called now and then, for nobody may
/// cause another line.
void log_left_out_lines();
/// Begins anew with other limits.
void set_log_budget(LogBudget::Limits limits);
/// How many lines were left out since the start.
[[nodiscard]] std::uint64_t log_lines_left_out();

/// Logs what a stranger can cause as often as it likes.
template <typename... Args>
void log_within_budget(std::string_view kind, std::string_view address,
                       spdlog::level::level_enum level, spdlog::format_string_t<Args...> format,
                       Args&&... args) {
    if (!spdlog::should_log(level) || !admit_log_line(kind, address)) return;
    spdlog::log(level, format, std::forward<Args>(args)...);
}

}  // namespace netcompute
