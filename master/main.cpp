#include "jobs/job_type.hpp"
#include "server/backup_command.hpp"
#include "server/mode_runner.hpp"
#include "server/reload.hpp"
#include "server/server.hpp"
#include "server/terminal.hpp"
#include "server/verify.hpp"
#include <netcompute/log_options.hpp>

#include <CLI/CLI.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <functional>
#include <iostream>

namespace {

namespace fs = std::filesystem;
using netcompute::server::Mode;

struct Arguments {
    std::string config;
    std::string mode;
    std::string train_data = "Data/train.csv";
    std::string test_data;
    std::string test_labels;
    std::string target;
    std::string id;
    std::vector<std::string> params;
    std::string state_dir = "state";
    std::string web_root;
    std::string audit_log;
    netcompute::LogFile log_file;
    std::uint32_t local_slots = 0;
    bool once = false;
    bool verbose = false;
};

/// What --mode may say.
std::vector<std::string> modes() {
    std::vector<std::string> modes{"serve"};
    for (const auto& type : netcompute::jobs::job_types()) modes.emplace_back(type.name);
    return modes;
}

void describe(CLI::App& app, Arguments& arguments) {
    app.set_version_flag("--version", "netcompute-master " NETCOMPUTE_VERSION);
    app.add_option("--config", arguments.config, "Configuration (default: config.json)");
    app.add_option("--mode", arguments.mode,
                   "What to do: serve, or a type of job; on a terminal it asks otherwise")
        ->check(CLI::IsMember(modes()));
    app.add_option("--train-data", arguments.train_data, "Table to train on")
        ->capture_default_str();
    app.add_option("--test-data", arguments.test_data,
                   "Table to predict (default: Data/test.csv); with --mode train: after training");
    app.add_option("--test-labels", arguments.test_labels,
                   "The test table's true classes, to score the prediction (default: "
                   "…_labels.csv beside it, if there)");
    app.add_option("--target", arguments.target, "The column to learn (default: Survived)");
    app.add_option("--id", arguments.id,
                   "The column that names rows (default: PassengerId, or the model's)");
    app.add_option("--param", arguments.params,
                   "NAME=VALUE: a parameter of the job that --mode says; may be given again");
    app.add_option("--state-dir", arguments.state_dir, "Jobs, blobs and endpoints.json")
        ->capture_default_str();
    app.add_option("--web-root", arguments.web_root,
                   "The built pages (default: beside the program)");
    app.add_option("--local-slots", arguments.local_slots,
                   "Tasks to compute at a time in this process too")
        ->check(CLI::Range(0U, netcompute::protocol::slots_max))
        ->capture_default_str();
    app.add_flag("--once", arguments.once, "Exit when the job has ended: 0 if it succeeded");
    netcompute::describe_log_options(app, arguments.log_file);
    app.add_option("--audit-log", arguments.audit_log,
                   "Who changed what, JSON lines (default: audit.log in the state folder)");
    app.add_flag("--verbose", arguments.verbose, "Log every lease and every change of state");
}

/// `netcompute-master verify RECEIPT …`
struct VerifyArguments {
    std::string receipt;
    std::string sample = "20";
    std::string root = ".";
    std::uint64_t seed = 0;
    CLI::Option* seed_option = nullptr;
};

CLI::App* describe_verify(CLI::App& app, VerifyArguments& arguments) {
    CLI::App* const verify = app.add_subcommand(
        "verify", "Compute tasks of a job again, in this process, and compare its receipt");
    verify->add_option("receipt", arguments.receipt, "The job's receipt, a file")->required();
    verify->add_option("--sample", arguments.sample, "How many tasks, drawn at random; or: all")
        ->check([](const std::string& text) {
            const bool is_number =
                !text.empty() && text.find_first_not_of("0123456789") == text.npos;
            const bool fits = text == "all" || (is_number && text.size() <= 9 && text != "0");
            return fits ? "" : "\"" + text + "\" is neither a number from 1 on nor \"all\"";
        })
        ->capture_default_str();
    arguments.seed_option = verify->add_option(
        "--seed", arguments.seed, "Draws the same tasks again (default: one nobody can foresee)");
    verify->add_option("--root", arguments.root, "The folder that holds Data/")
        ->capture_default_str();
    return verify;
}

/// `netcompute-master backup FILE`
CLI::App* describe_backup(CLI::App& app, netcompute::server::BackupOptions& options) {
    CLI::App* const backup = app.add_subcommand(
        "backup", "Write the state folder into one file, while its master runs or not");
    backup->add_option("file", options.target, "The file; one that is there is replaced")
        ->required();
    backup->add_option("--state-dir", options.state_dir, "The folder")->capture_default_str();
    return backup;
}

netcompute::server::VerifyOptions verify_options(const VerifyArguments& arguments) {
    netcompute::server::VerifyOptions options;
    options.receipt = arguments.receipt;
    options.root = arguments.root;
    options.sample.reset();
    if (arguments.sample != "all") options.sample = std::stoull(arguments.sample);
    if (arguments.seed_option->count() > 0) options.seed = arguments.seed;
    return options;
}

Mode choose_mode(const std::string& name) {
    if (name == "train") return Mode::Train;
    if (name == "predict") return Mode::Predict;
    if (netcompute::jobs::find_job_type(name) != nullptr) return Mode::Job;
    if (name == "serve" || isatty(STDIN_FILENO) == 0) return Mode::Serve;
    for (std::string line;;) {
        std::cout << "What shall this master do?\n  1  train on the training data (Enter)\n"
                     "  2  predict with the trained model\n> "
                  << std::flush;
        if (!std::getline(std::cin, line)) return Mode::Serve;
        if (line.empty() || line == "1") return Mode::Train;
        if (line == "2") return Mode::Predict;
        netcompute::say("\"{}\" is neither 1 nor 2.", line);
    }
}

/// Empty: none.
std::string job_type_of(Mode mode, const std::string& name) {
    if (mode == Mode::Train) return "train";  // It may have been chosen on a terminal.
    if (mode == Mode::Predict) return "predict";
    return mode == Mode::Job ? name : "";
}

/// Thousands of workers are thousands of sockets; what the system allows is used.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

fs::path default_web_root() {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    return program.parent_path().parent_path() / "web";
}

std::string config_path(const Arguments& arguments) {
    return arguments.config.empty() ? "config.json" : arguments.config;
}

netcompute::server::ServerOptions server_options(const Arguments& arguments) {
    const bool is_named = !arguments.config.empty();
    auto config = netcompute::load_config(
        config_path(arguments),
        is_named ? netcompute::MissingConfig::IsAnError : netcompute::MissingConfig::MeansDefaults);
    if (!config) throw std::runtime_error(config.error().message);
    netcompute::server::ServerOptions options;
    options.config = std::move(*config);
    options.state_dir = arguments.state_dir;
    options.web_root =
        arguments.web_root.empty() ? default_web_root() : fs::path{arguments.web_root};
    options.local_slots = arguments.local_slots;
    options.audit.path = arguments.audit_log;
    return options;
}

netcompute::server::ModeOptions mode_options(const Arguments& arguments) {
    netcompute::server::ModeOptions options;
    options.mode = choose_mode(arguments.mode);
    options.train_data = arguments.train_data;
    if (!arguments.test_data.empty()) options.test_data = arguments.test_data;
    if (!arguments.test_labels.empty()) options.test_labels = arguments.test_labels;
    if (!arguments.target.empty()) options.target = arguments.target;
    if (!arguments.id.empty()) options.id = arguments.id;
    options.job_type = job_type_of(options.mode, arguments.mode);
    if (arguments.params.empty()) return options;
    const auto* const type = netcompute::jobs::find_job_type(options.job_type);
    if (type == nullptr) {
        throw std::runtime_error("--param: there is no job without a --mode other than serve");
    }
    auto params = netcompute::server::params_of_texts(*type, arguments.params);
    if (!params) throw std::runtime_error(params.error().message);
    options.params = std::move(*params);
    return options;
}

int run(const Arguments& arguments) {
    const auto mode = mode_options(arguments);
    if (arguments.once && mode.mode == Mode::Serve) {
        throw std::runtime_error(
            "--once: there is no job to wait for; say --mode train, or another type of job");
    }
    boost::asio::io_context io;
    const netcompute::server::Terminal terminal;
    boost::asio::signal_set hangups{io, SIGHUP};  // Before anybody can think that it is ready.
    auto options = server_options(arguments);
    if (!arguments.verbose) {
        spdlog::set_level(spdlog::level::from_str(options.config.log.level));
    }
    netcompute::server::Server server{io, std::move(options)};
    int exit_status = arguments.once ? 1 : 0;  // Stopped before its job has ended: not done.
    const auto stop = [&] {
        server.stop();
        io.stop();
    };
    boost::asio::signal_set signals{io, SIGINT, SIGTERM};
    signals.async_wait([&](const boost::system::error_code& error, int) {
        if (!error) stop();
    });
    std::function<void()> await_hangup = [&] {
        hangups.async_wait([&](const boost::system::error_code& error, int) {
            if (error) return;
            if (terminal.has_closed()) return stop();
            netcompute::server::reload_config(server, config_path(arguments), arguments.verbose);
            await_hangup();
        });
    };
    await_hangup();
    netcompute::server::ModeRunner runner{server.engine(), server.audit(), mode,
                                          [&](bool succeeded) {
                                              exit_status = succeeded ? 0 : 1;
                                              if (arguments.once) stop();
                                          }};
    for (const std::string& url : server.urls()) {
        fmt::print("dashboard   {}\nadd a PC    {}worker\n", url, url);
    }
    std::fflush(stdout);
    runner.start();
    io.run();
    return exit_status;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "The master of a NetCompute cluster: gives tasks to workers, serves the dashboard"};
    Arguments arguments;
    describe(app, arguments);
    VerifyArguments verify_arguments;
    const CLI::App* const verify = describe_verify(app, verify_arguments);
    netcompute::server::BackupOptions backup_options;
    const CLI::App* const backup = describe_backup(app, backup_options);
    CLI11_PARSE(app, argc, argv);
    raise_descriptor_limit();
    try {
        netcompute::set_up_log(netcompute::LogStream::StandardError, arguments.log_file);
        if (arguments.verbose) spdlog::set_level(spdlog::level::debug);
        if (verify->parsed()) {
            return netcompute::server::run_verify(verify_options(verify_arguments));
        }
        if (backup->parsed()) {
            netcompute::server::run_backup(backup_options);
            return 0;
        }
        return run(arguments);
    } catch (const std::exception& error) {
        const std::string message = std::string{"netcompute-master: "} + error.what();
        netcompute::print_line(stderr, message);
        if (!arguments.log_file.path.empty()) spdlog::error(message);
        return 1;
    }
}
