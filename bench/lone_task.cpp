#include "lone_task.hpp"

#include "cluster.hpp"
#include "server/server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

namespace netcompute::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// Submits one task after another on the engine's thread and keeps the times.
class LoneTasks {
 public:
    LoneTasks(engine::Engine& engine, boost::asio::io_context& io, std::uint32_t payload_bytes,
              std::size_t count, std::int64_t pause_us)
        : engine_{engine},
          io_{io},
          timer_{io},
          payload_bytes_{payload_bytes},
          count_{count},
          pause_{pause_us} {}

    /// Once a worker is there.
    void start() {
        if (engine_.scheduler().available_worker_count() > 0) return submit();
        timer_.expires_after(std::chrono::milliseconds{5});
        timer_.async_wait([this](const boost::system::error_code&) { start(); });
    }

    std::vector<double> round_trips_us;

 private:
    void submit() {
        const auto start = Clock::now();
        const auto id = engine_.submit(
            {"noop", {{"task_count", 1U}, {"payload_bytes", payload_bytes_}}, "lone", 0, true});
        if (!id) throw std::runtime_error(id.error().message);
        engine_.when_over(*id, [this, start](const store::JobRecord& job) {
            const std::chrono::duration<double, std::micro> passed = Clock::now() - start;
            if (job.state != store::JobState::Succeeded) {
                throw std::runtime_error("a lone task did not succeed");
            }
            if (++done_ > warm_count) round_trips_us.push_back(passed.count());
            if (round_trips_us.size() == count_) return io_.stop();
            timer_.expires_after(pause_);
            timer_.async_wait([this](const boost::system::error_code&) { submit(); });
        });
    }

    static constexpr std::size_t warm_count = 200;

    engine::Engine& engine_;
    boost::asio::io_context& io_;
    boost::asio::steady_timer timer_;
    std::uint32_t payload_bytes_;
    std::size_t count_;
    std::chrono::microseconds pause_;
    std::size_t done_ = 0;
};

std::vector<double> measure_here(std::uint32_t payload_bytes, std::size_t count,
                                 std::int64_t pause_us) {
    const TemporaryFolder folder;
    // As a master logs: each line is written out at once. But to a file.
    spdlog::set_default_logger(
        spdlog::basic_logger_mt("master", (folder.path() / "master.log").string()));
    spdlog::flush_on(spdlog::level::trace);

    boost::asio::io_context io;
    server::ServerOptions options;
    options.config = free_ports();
    options.state_dir = folder.path() / "state";
    options.root = folder.path();
    options.web_root = program_folder().parent_path() / "web";
    server::Server server{io, std::move(options)};
    const ChildProcess worker =
        start_worker(folder.path() / "state" / "endpoints.json", 1, folder.path());
    LoneTasks tasks{server.engine(), io, payload_bytes, count, pause_us};
    tasks.start();
    io.run();
    server.stop();
    return tasks.round_trips_us;
}

}  // namespace

std::vector<double> lone_task_us(std::uint32_t payload_bytes, std::size_t count,
                                 std::int64_t pause_us) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw std::runtime_error("cannot make a pipe");
    std::fflush(stdout);
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("cannot fork");
    if (child == 0) {
        close(ends[0]);
        try {
            const auto times = measure_here(payload_bytes, count, pause_us);
            std::FILE* const out = fdopen(ends[1], "w");
            std::fwrite(times.data(), sizeof(double), times.size(), out);
            std::fclose(out);
            _exit(0);
        } catch (const std::exception& problem) {
            std::fprintf(stderr, "lone task: %s\n", problem.what());
            _exit(1);
        }
    }
    close(ends[1]);
    std::vector<double> times(count);
    std::FILE* const in = fdopen(ends[0], "r");
    const std::size_t got = std::fread(times.data(), sizeof(double), count, in);
    std::fclose(in);
    int status = 0;
    waitpid(child, &status, 0);
    if (got != count || status != 0) throw std::runtime_error("the lone tasks were not measured");
    return times;
}

}  // namespace netcompute::bench
