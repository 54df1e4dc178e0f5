#pragma once

#include <netcompute/logging.hpp>

#include <CLI/CLI.hpp>

namespace netcompute {

/// `--log-file`, `--log-file-bytes` and `--log-files`, which both programs have.
void describe_log_options(CLI::App& app, LogFile& file);

}  // namespace netcompute
