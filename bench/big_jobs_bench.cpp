// What a job of ten million tasks costs its master: the memory to take it, and for how long it
// keeps the engine from everything else, in all of its life and when another master takes it up.
#include "probed_master.hpp"
#include "report.hpp"

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>

namespace netcompute::bench {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
using Master = ProbedMaster;

struct Sizes {
    int passes = 3;
    std::uint32_t tasks = 10'000'000;
    std::uint32_t payload_bytes = 0;
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
