// What a job of ten million tasks costs its master: the memory to take it, and for how long it
// keeps the engine from everything else, in all of its life and when another master takes it up.
#include "report.hpp"
#include "server/server.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/post.hpp>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>

namespace netcompute::bench {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

struct Sizes {
    int passes = 3;
    std::uint32_t tasks = 10'000'000;
    std::uint32_t payload_bytes = 0;
};

double resident_mib() {
    std::ifstream file{"/proc/self/statm"};
    std::uint64_t pages = 0;
    file >> pages >> pages;
    return static_cast<double>(pages) * 4096 / (1 << 20);
}

double ms_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// A folder of its own, removed with everything in it.
class StateFolder {
 public:
    StateFolder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "netcompute-big-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = name;
    }
    StateFolder(const StateFolder&) = delete;
    StateFolder& operator=(const StateFolder&) = delete;
    ~StateFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
    std::filesystem::path path_;
};

/// A whole master on a thread, which is asked all the time whether it is there. That it has two
/// workers in its own process adds their posts, which are short.
class Master {
 public:
    Master(const std::filesystem::path& folder, std::uint32_t slots) {
        server::ServerOptions options;
        options.config.master.ip = "127.0.0.1";
        options.config.dashboard.host = "127.0.0.1";
        for (std::uint16_t* port :
             {&options.config.master.task_port, &options.config.master.result_port,
              &options.config.master.heartbeat_port, &options.config.dashboard.port}) {
            *port = 0;
        }
        options.state_dir = folder / "state";
        options.root = folder;
        options.web_root = folder / "web";  // No pages.
        options.local_slots = slots;
        server_.emplace(io_, std::move(options));
        thread_ = std::thread{[this] { io_.run(); }};
        probe_ = std::thread{[this] { probe(); }};
    }
    ~Master() {
        stopping_ = true;
        probe_.join();
        io_.stop();
        thread_.join();
    }

    /// What `ask` answers on the engine's thread.
    template <typename Ask>
    auto ask(Ask&& ask) {
        std::promise<decltype(ask(server_->engine()))> answer;
        boost::asio::post(io_, [&] { answer.set_value(ask(server_->engine())); });
        return answer.get_future().get();
    }
    /// How long its thread computed at most before it answered, since this was asked last. Unlike
    /// the time that went by, this does not grow with what else runs on this PC.
    [[nodiscard]] double take_longest_ms() { return longest_ms_.exchange(0); }
    /// The time that went by, the disk and the load of this PC included. Since it began.
    [[nodiscard]] double longest_wait_ms() const { return longest_wait_ms_; }

 private:
    [[nodiscard]] double thread_ms() {
        clockid_t clock{};
        timespec used{};
        if (::pthread_getcpuclockid(thread_.native_handle(), &clock) != 0 ||
            ::clock_gettime(clock, &used) != 0) {
            throw std::runtime_error("this system does not tell what a thread computes");
        }
        return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
    }
    static void raise(std::atomic<double>& highest, double value) {
        double known = highest;
        while (value > known && !highest.compare_exchange_weak(known, value)) {
        }
    }
    void probe() {
        while (!stopping_) {
            const auto start = Clock::now();
            const double before = thread_ms();
            ask([](engine::Engine&) { return true; });
            raise(longest_ms_, thread_ms() - before);
            raise(longest_wait_ms_, ms_since(start));
            std::this_thread::sleep_for(200us);
        }
    }

    boost::asio::io_context io_;
    std::optional<server::Server> server_;
    std::thread thread_;
    std::thread probe_;
    std::atomic<bool> stopping_ = false;
    std::atomic<double> longest_ms_ = 0;
    std::atomic<double> longest_wait_ms_ = 0;
};

class BigJobsBench {
 public:
    explicit BigJobsBench(Sizes sizes) : sizes_{sizes} {}

    void run() {
        for (int pass = 0; pass < sizes_.passes; ++pass) {
            const StateFolder folder;
            std::filesystem::create_directories(folder.path() / "web/wasm");
            const JobId id = take_and_begin(folder.path());
            finish(folder.path(), id);
        }
    }
    [[nodiscard]] bool print() const {
        const Goal turn{Goal::Kind::AtMost, 20};
        return print_table({{&take_memory_, nullptr, Goal{Goal::Kind::AtMost, 50}, {}},
                            {&take_, nullptr, turn, {}},
                            {&first_half_, nullptr, turn, {}},
                            {&half_memory_, nullptr, {}, {}},
                            {&resume_, nullptr, turn, {}},
                            {&resume_seconds_, nullptr, {}, {}},
                            {&second_half_, nullptr, turn, {}},
                            {&end_, nullptr, turn, {}},
                            {&end_memory_, nullptr, {}, {}},
                            {&wait_, nullptr, {}, {}}});
    }

 private:
    /// A master that takes the job, computes half of it and goes.
    JobId take_and_begin(const std::filesystem::path& folder) {
        Master master{folder, 2};
        // What happens at the first submission only is not the job's.
        jobs::JobRequest small;
        small.type = "noop";
        master.ask([&](engine::Engine& engine) { return engine.submit(small).has_value(); });
        std::this_thread::sleep_for(200ms);
        const double before = resident_mib();
        std::ignore = master.take_longest_ms();
        jobs::JobRequest request;
        request.type = "noop";
        request.params = {{"task_count", sizes_.tasks}, {"payload_bytes", sizes_.payload_bytes}};
        const auto start = Clock::now();
        const auto id = master.ask([&](engine::Engine& engine) {
            auto submitted = engine.submit(request);
            // Taking alone, before any of it is done.
            if (submitted) take_memory_.add(resident_mib() - before);
            return submitted;
        });
        if (!id) throw std::runtime_error(id.error().message);
        take_.add(ms_since(start));
        until_done(master, *id, sizes_.tasks / 2);
        first_half_.add(master.take_longest_ms());
        half_memory_.add(resident_mib() - before);
        return *id;
    }

    /// The next master takes it up and gets it done.
    void finish(const std::filesystem::path& folder, JobId id) {
        const auto start = Clock::now();
        Master master{folder, 2};
        until_done(master, id, sizes_.tasks / 2);
        resume_seconds_.add(ms_since(start) / 1e3);
        resume_.add(master.take_longest_ms());
        until_done(master, id, sizes_.tasks - sizes_.tasks / 10);
        second_half_.add(master.take_longest_ms());
        double highest = 0;
        const auto is_over = [&](engine::Engine& engine) {
            const auto record = engine.jobs().job(id);
            return record && store::is_final(record->state);
        };
        while (!master.ask(is_over)) {
            highest = std::max(highest, resident_mib());
            std::this_thread::sleep_for(1ms);
        }
        std::this_thread::sleep_for(100ms);
        end_.add(master.take_longest_ms());
        end_memory_.add(highest);
        wait_.add(master.longest_wait_ms());
        const auto record =
            master.ask([&](engine::Engine& engine) { return *engine.jobs().job(id); });
        if (record.state != store::JobState::Succeeded || record.tasks_done != sizes_.tasks) {
            throw std::runtime_error("the job did not succeed: " +
                                     (record.error ? record.error->message : record.result));
        }
    }

    static void until_done(Master& master, JobId id, std::uint64_t count) {
        const auto is_done = [&](engine::Engine& engine) {
            const auto* const job = engine.live_job(id);
            return job == nullptr || job->tasks_done >= count;
        };
        while (!master.ask(is_done)) std::this_thread::sleep_for(1ms);
    }

    Sizes sizes_;
    Series take_memory_{"taking the job: memory", "MiB"};
    Series take_{"taking the job: until it is written down", "ms"};
    Series first_half_{"its first half: longest turn", "ms"};
    Series half_memory_{"half of it done: memory", "MiB"};
    Series resume_{"taking it up after a restart: longest turn", "ms"};
    Series resume_seconds_{"taking it up after a restart", "s"};
    Series second_half_{"the rest, but for a tenth: longest turn", "ms"};
    Series end_{"its end: longest turn", "ms"};
    Series end_memory_{"its end: memory of the whole process", "MiB"};
    Series wait_{"longest wait for an answer, load included", "ms"};
};

}  // namespace
}  // namespace netcompute::bench

int main(int argc, char** argv) {
    CLI::App app{"What a job of ten million tasks costs its master"};
    netcompute::bench::Sizes sizes;
    bool quick = false;
    bool require_goals = false;
    app.add_option("--passes", sizes.passes)->capture_default_str();
    app.add_option("--tasks", sizes.tasks)->capture_default_str();
    app.add_option("--payload-bytes", sizes.payload_bytes)->capture_default_str();
    app.add_flag("--quick", quick, "A few seconds, to see that it works; the figures mean little");
    app.add_flag("--require-goals", require_goals, "Exit 1 if a goal is missed");
    CLI11_PARSE(app, argc, argv);
    if (quick) sizes = {.passes = 1, .tasks = 100'000};
    spdlog::set_level(spdlog::level::warn);
    try {
        netcompute::bench::BigJobsBench bench{sizes};
        bench.run();
        const bool met = bench.print();
        return require_goals && !met ? 1 : 0;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "netcompute_big_jobs_bench: %s\n", problem.what());
        return 1;
    }
}
