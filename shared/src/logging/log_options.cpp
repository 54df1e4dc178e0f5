#include <netcompute/log_options.hpp>

namespace netcompute {

void describe_log_options(CLI::App& app, LogFile& file) {
    app.add_option("--log-file", file.path, "Write the log to this file instead");
    app.add_option("--log-file-bytes", file.bytes_max, "Begin a new one when it has this size")
        ->check(CLI::Range(std::size_t{1} << 10, std::size_t{1} << 40))
        ->capture_default_str();
    app.add_option("--log-files", file.file_count, "Log files to keep in all")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1000}))
        ->capture_default_str();
}

}  // namespace netcompute
