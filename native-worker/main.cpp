#include "executor.hpp"
#include "http_blob_fetcher.hpp"
#include "machine.hpp"
#include "master_address.hpp"
#include "master_finder.hpp"
#include "usable_cores.hpp"
#include "worker_id.hpp"
#include "worker_loop.hpp"
#include <netcompute/config.hpp>
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/log_options.hpp>

#include <CLI/CLI.hpp>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>

namespace netcompute::worker {
namespace {

/// An error that a retry cannot fix.
struct BadUsage : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Arguments {
    std::string config = "config.json";
    bool config_is_named = false;
    std::string master;
    std::uint32_t slots = 0;
    std::string name;
    LogFile log_file;
};

/// A name that other PCs know this one by.
std::string host_name() {
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unnamed";
}

/// SIGINT, SIGTERM and SIGHUP (its terminal was closed) as a descriptor. Before any thread starts,
/// so that none takes them.
int take_over_signals() {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGTTIN, SIG_IGN);  // In the background, reading must not stop the process.
    sigset_t leaving;
    sigemptyset(&leaving);
    sigaddset(&leaving, SIGINT);
    sigaddset(&leaving, SIGTERM);
    sigaddset(&leaving, SIGHUP);
    if (pthread_sigmask(SIG_BLOCK, &leaving, nullptr) != 0) {
        throw std::runtime_error("cannot take over signals");
    }
    const int descriptor = signalfd(-1, &leaving, SFD_CLOEXEC);
    if (descriptor < 0) throw std::runtime_error("cannot make a descriptor for signals");
    return descriptor;
}

/// Where the master is to be found.
struct Whereabouts {
    std::string host;
    std::string web_host;  ///< Of its pages and blobs.
    std::uint16_t web_port = 0;
    bool asks_for_ports = false;  ///< Those for workers; else they are the config's.
};

/// A port in the address is that of the web pages, which is the one that users see; the task port
/// is accepted as well. Throws BadUsage.
Whereabouts whereabouts(const std::string& named, const Config& config) {
    if (named.empty()) {
        const std::string host = reachable_host(config.master.ip);
        const std::string& pages = config.dashboard.host;
        const bool pages_anywhere = reachable_host(pages) != pages;
        return {host, pages_anywhere ? host : pages, config.dashboard.port, false};
    }
    const auto address = parse_master_address(named);
    if (!address) throw BadUsage{address.error().message};
    const std::string host = reachable_host(address->host);
    const std::uint16_t port = address->web.value_or(config.dashboard.port);
    if (port == config.master.task_port) return {host, host, config.dashboard.port, false};
    return {host, host, port, address->web.has_value()};
}

int run(const Arguments& arguments) {
    const auto config =
        load_config(arguments.config, arguments.config_is_named ? MissingConfig::IsAnError
                                                                : MissingConfig::MeansDefaults);
    if (!config) throw std::runtime_error(config.error().message);
    spdlog::set_level(spdlog::level::from_str(config->log.level));
    const int signals = take_over_signals();
    const std::string token = config->security.join_token.value_or("");
    const Whereabouts where = whereabouts(arguments.master, *config);
    ZmqAddress address{where.host, config->master.task_port, config->master.result_port,
                       config->master.heartbeat_port};
    if (where.asks_for_ports) {
        const auto ports = find_master({where.host, where.web_port, token}, signals);
        if (!ports) throw std::runtime_error(ports.error().message);
        if (!*ports) {
            spdlog::info("left; the master was not connected");
            return 0;
        }
        address = {where.host, (*ports)->task, (*ports)->result, (*ports)->heartbeat};
    }
    const UsableCores cores = usable_cores();
    const std::filesystem::path id_file = worker_id_path();
    const WorkerIdentity self = load_worker_identity(id_file);
    const AgentOptions options{.worker = self.id,
                               .token = token,
                               .name = arguments.name.empty() ? host_name() : arguments.name,
                               .version = NETCOMPUTE_VERSION,
                               .slots = arguments.slots == 0 ? cores.count : arguments.slots,
                               .master = host_and_port(address.host, address.task_port),
                               .secret = self.secret,
                               .machine = machine_of(id_file, arguments.name)};

    const Wakeup outcomes;
    HttpBlobFetcher blobs{{where.web_host, where.web_port, token}};
    Executor executor{{.slots = options.slots,
                       .find_kernel = kernels::find_kernel,
                       .on_outcomes = [&] { outcomes.notify(); },
                       .blobs = &blobs}};
    Ending ending;
    {
        WorkerLoop loop{address, options, executor, {outcomes, signals, STDIN_FILENO}};
        if (arguments.slots == 0 && !cores.limit.empty()) {
            spdlog::info("cores that this worker may use: {}, by {}; --slots says otherwise",
                         cores.count, cores.limit);
        }
        spdlog::info("worker {} with {} slots looks for the master at {}", options.name,
                     options.slots, options.master);
        ending = loop.run();
    }
    if (ending.exit_status == 0) {
        spdlog::info(ending.message);
    } else {
        spdlog::error(ending.message);
    }
    const RunnerStatus status = executor.status();
    spdlog::info("computed {} tasks in {:.1f} s of its cores' time", status.computed,
                 status.busy_seconds);
    if (status.busy_slots != 0) {
        // A kernel cannot be interrupted, and its task has been handed back: do not wait for it.
        spdlog::shutdown();
        std::_Exit(ending.exit_status);
    }
    return ending.exit_status;
}

}  // namespace
}  // namespace netcompute::worker

int main(int argc, char** argv) {
    netcompute::worker::Arguments arguments;
    CLI::App app{
        "Lends this PC's idle cores to a NetCompute master. q and Enter, or Ctrl-C, leaves."};
    app.set_version_flag("--version", std::string{"netcompute-worker "} + NETCOMPUTE_VERSION);
    auto* const config =
        app.add_option("--config", arguments.config, "config.json, as the master has it")
            ->capture_default_str();
    app.add_option("--master", arguments.master,
                   "The master's host name or address, or its dashboard's: http://HOST:PORT/");
    app.add_option("--slots", arguments.slots,
                   "Tasks at a time; as many as this process may use cores")
        ->check(CLI::Range(1U, netcompute::protocol::slots_max));
    app.add_option("--name", arguments.name, "What people call this PC; its host name");
    netcompute::describe_log_options(app, arguments.log_file);
    CLI11_PARSE(app, argc, argv);
    arguments.config_is_named = config->count() > 0;
    try {
        netcompute::set_up_log(netcompute::LogStream::StandardOutput, arguments.log_file);
        return netcompute::worker::run(arguments);
    } catch (const netcompute::worker::BadUsage& problem) {
        netcompute::print_line(stderr, std::string{"netcompute-worker: "} + problem.what());
        return 2;
    } catch (const std::exception& problem) {
        const std::string message = std::string{"netcompute-worker: "} + problem.what();
        spdlog::error(message);
        if (!arguments.log_file.path.empty()) netcompute::print_line(stderr, message);
        return 1;
    }
}
