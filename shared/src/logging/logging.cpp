#include "steady_now.hpp"
#include <netcompute/logging.hpp>
#include <netcompute/printable.hpp>

#include <fcntl.h>
#include <fmt/core.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <stdexcept>
#include <system_error>

namespace netcompute {
namespace {

constexpr std::size_t printed_line_bytes_max = 4000;

class PrintableMessage final : public spdlog::custom_flag_formatter {
 public:
    void format(const spdlog::details::log_msg& message, const std::tm&,
                spdlog::memory_buf_t& line) override {
        const std::string shown =
            printable({message.payload.data(), message.payload.size()}, log_line_bytes_max);
        line.append(shown.data(), shown.data() + shown.size());
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<PrintableMessage>();
    }
};

[[noreturn]] void fail_for_file(const std::string& path, const std::string& why) {
    throw std::runtime_error("log file " + path + ": " + why + "; name another file");
}

/// Makes the file as it shall be before spdlog opens it, which would let everybody read it.
void make_private_file(const std::string& path) {
    struct stat status {};
    if (lstat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
        fail_for_file(path, "it is there and is no file that can be replaced when it is full");
    }
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
                          S_IRUSR | S_IWUSR);
    if (file < 0) fail_for_file(path, std::generic_category().message(errno));
    const bool is_private = fchmod(file, S_IRUSR | S_IWUSR) == 0;
    const int why = errno;
    close(file);
    if (!is_private) fail_for_file(path, std::generic_category().message(why));
}

/// As there is one log in a process, there is one budget for it.
struct SharedBudget {
    std::mutex mutex;
    LogBudget budget;
};

SharedBudget& shared_budget() {
    static SharedBudget shared;
    return shared;
}

void log_left_out(const std::vector<LogBudget::LeftOut>& left_out) {
    for (const LogBudget::LeftOut& one : left_out) {
        spdlog::warn("… and {} more of this kind from {} in the last minute: {}",
                     with_thousands(one.lines), one.address, one.kind);
    }
}

}  // namespace

spdlog::sink_ptr open_log_file(const LogFile& file) {
    spdlog::file_event_handlers handlers;
    handlers.before_open = [](const spdlog::filename_t& path) { make_private_file(path); };
    return std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
        file.path.string(), file.bytes_max, file.file_count - 1, false, handlers);
}

void set_up_log(LogStream stream, const LogFile& file) {
    spdlog::sink_ptr sink;
    if (!file.path.empty())
        sink = open_log_file(file);
    else if (stream == LogStream::StandardOutput)
        sink = std::make_shared<spdlog::sinks::stdout_color_sink_mt>();
    else
        sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<PrintableMessage>('*').set_pattern(std::string{log_time_pattern} +
                                                           " %^%l%$ %*");
    auto logger = std::make_shared<spdlog::logger>("netcompute", std::move(sink));
    logger->set_formatter(std::move(formatter));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
}

void print_line(std::FILE* stream, std::string_view line) {
    fmt::print(stream, "{}\n", printable(line, printed_line_bytes_max));
}

bool admit_log_line(std::string_view kind, std::string_view address) {
    SharedBudget& shared = shared_budget();
    std::unique_lock lock{shared.mutex};
    const auto left_out = shared.budget.end_minute(steady_now());
    const bool admitted = shared.budget.admit(kind, address);
    lock.unlock();
    log_left_out(left_out);
    return admitted;
}

void log_left_out_lines() {
    SharedBudget& shared = shared_budget();
    std::unique_lock lock{shared.mutex};
    const auto left_out = shared.budget.end_minute(steady_now());
    lock.unlock();
    log_left_out(left_out);
}

void set_log_budget(LogBudget::Limits limits) {
    SharedBudget& shared = shared_budget();
    const std::lock_guard lock{shared.mutex};
    shared.budget = LogBudget{limits};
}

std::uint64_t log_lines_left_out() {
    SharedBudget& shared = shared_budget();
    const std::lock_guard lock{shared.mutex};
    return shared.budget.left_out_total();
}

}  // namespace netcompute
