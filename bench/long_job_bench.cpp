// What a job of ten thousand rounds with a state of 4 MB costs its master: memory and disk, which
// must not grow with the rounds, and for how long it keeps the engine from everything else. A
// restart in the middle must lead to the same result as none.
#include "probed_master.hpp"
#include "report.hpp"
#include <netcompute/sha256.hpp>

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <vector>

namespace netcompute::bench {
namespace {

using namespace std::chrono_literals;

struct Sizes {
    std::uint32_t rounds = 10'000;
    std::uint32_t tasks = 8;
    std::uint32_t state_bytes = 4 << 20;
};

/// Each round's state is made of the one before, all of it.
class LongProgram final : public programs::Program {
 public:
    explicit LongProgram(Sizes sizes) : sizes_{sizes}, words_(sizes.state_bytes / 8) {}

    [[nodiscard]] std::optional<programs::Round> round() const override {
        if (folds_ == sizes_.rounds) return std::nullopt;
        return programs::Round{"noop", 1, {}, sizes_.tasks};
    }
    [[nodiscard]] std::vector<programs::TaskInput> task_inputs(TaskIndex index) const override {
        Bytes bytes;
        ByteWriter writer{bytes};
        writer.number(words_.front() + index);
        return {bytes};
    }
    [[nodiscard]] Result<void> finish_round(std::span<const ByteSpan> outputs,
                                            programs::RoundWork&) override {
        std::uint64_t sum = 0;
        for (const ByteSpan output : outputs) sum += ByteReader{output}.number<std::uint64_t>();
        for (std::uint64_t& word : words_) {
            sum = (sum ^ (sum >> 29)) * 0x9e3779b97f4a7c15U + word;
            word = sum;
        }
        ++folds_;
        return {};
    }
    [[nodiscard]] Bytes checkpoint() const override {
        Bytes bytes;
        bytes.reserve(sizeof folds_ + words_.size() * sizeof words_.front());
        ByteWriter writer{bytes};
        writer.number(folds_);
        writer.bytes(std::as_bytes(std::span{words_}));
        return bytes;
    }
    [[nodiscard]] Result<void> restore(ByteSpan checkpoint) override {
        ByteReader reader{checkpoint};
        folds_ = reader.number<std::uint32_t>();
        const ByteSpan words = reader.bytes(words_.size() * sizeof words_.front());
        if (!reader.finished()) return unexpected(ErrorCode::InvalidArgument, "no state of this");
        std::memcpy(words_.data(), words.data(), words.size());
        return {};
    }
    [[nodiscard]] Bytes result_bytes() const override { return checkpoint(); }

 private:
    Sizes sizes_;
    std::uint32_t folds_ = 0;
    std::vector<std::uint64_t> words_;
};

std::string result_of(const programs::Program& finished) {
    return to_hex(sha256(finished.result_bytes()));
}

std::string undisturbed_result(Sizes sizes) {
    LongProgram program{sizes};
    const auto ran = programs::run_in_process(program, [](const Sha256&) { return std::nullopt; });
    if (!ran) throw std::runtime_error(ran.error().message);
    return result_of(program);
}

jobs::JobType long_job(Sizes sizes) {
    jobs::JobType type;
    type.name = "long";
    type.make = [sizes](const jobs::ParamValues&,
                        const jobs::JobContext&) -> Result<jobs::PreparedJob> {
        auto program = std::make_unique<LongProgram>(sizes);
        auto finish = [finished = program.get()]() -> Result<nlohmann::json> {
            return nlohmann::json{{"sha256", result_of(*finished)}};
        };
        return jobs::PreparedJob{std::move(program), std::move(finish), true, {}};
    };
    return type;
}

double folder_mib(const std::filesystem::path& folder) {
    std::error_code error;
    std::uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{folder, error}) {
        const auto size = entry.file_size(error);
        if (!error) bytes += size;
    }
    return static_cast<double>(bytes) / (1 << 20);
}

class LongJobBench {
 public:
    explicit LongJobBench(Sizes sizes) : sizes_{sizes}, type_{long_job(sizes)} {}

    void run() {
        const StateFolder folder;
        std::filesystem::create_directories(folder.path() / "web/wasm");
        options_.find_job_type = [this](std::string_view name) -> const jobs::JobType* {
            return name == type_.name ? &type_ : jobs::find_job_type(name);
        };
        const auto start = std::chrono::steady_clock::now();
        const JobId id = begin(folder.path());
        ProbedMaster master{folder.path(), 2, options_};
        watch(master, folder.path(), id, sizes_.rounds / 2, sizes_.rounds - 1);
        const auto is_over = [&](engine::Engine& engine) { return engine.live_job(id) == nullptr; };
        while (!master.ask(is_over)) std::this_thread::sleep_for(2ms);
        wait_.add(master.longest_wait_ms());
        round_ms_.add(ms_since(start) / sizes_.rounds);
        const auto record =
            master.ask([&](engine::Engine& engine) { return *engine.jobs().job(id); });
        if (record.state != store::JobState::Succeeded) {
            throw std::runtime_error("the job did not succeed: " +
                                     (record.error ? record.error->message : record.result));
        }
        const std::string expected = undisturbed_result(sizes_);
        if (nlohmann::json::parse(record.result).at("sha256") != expected) {
            throw std::runtime_error("the result is not that of one process: " + record.result);
        }
        const auto receipt =
            master.ask([&](engine::Engine& engine) { return engine.jobs().receipt(id)->size(); });
        receipt_bytes_.add(static_cast<double>(receipt) / sizes_.rounds);
    }
    [[nodiscard]] bool print() const {
        const auto at_most = [](double value) { return Goal{Goal::Kind::AtMost, value}; };
        constexpr double states_kept = 48;  // Those that are about to go included.
        const double state_mib = static_cast<double>(sizes_.state_bytes) / (1 << 20);
        return print_table({{&memory_growth_, nullptr, at_most(32), {}},
                            {&memory_, nullptr, {}, {}},
                            {&disk_growth_, nullptr, at_most(states_kept * state_mib), {}},
                            {&disk_, nullptr, {}, {}},
                            {&turn_, nullptr, at_most(50), {}},
                            {&wait_, nullptr, {}, {}},
                            {&round_ms_, nullptr, {}, {}},
                            {&receipt_bytes_, nullptr, at_most(1000), {}}});
    }

 private:
    /// A master that takes the job and goes in the middle of it.
    JobId begin(const std::filesystem::path& folder) {
        ProbedMaster master{folder, 2, options_};
        jobs::JobRequest request;
        request.type = type_.name;
        const auto id = master.ask([&](engine::Engine& engine) { return engine.submit(request); });
        if (!id) throw std::runtime_error(id.error().message);
        watch(master, folder, *id, sizes_.rounds / 10, sizes_.rounds / 2);
        return *id;
    }

    /// Compares memory and disk at two rounds.
    void watch(ProbedMaster& master, const std::filesystem::path& folder, JobId id,
               std::uint32_t first, std::uint32_t second) {
        const auto until = [&](std::uint32_t round) {
            double memory = 0;
            const auto is_there = [&](engine::Engine& engine) {
                const auto* const job = engine.live_job(id);
                return job != nullptr && job->round_index >= round;
            };
            while (!master.ask(is_there)) {
                memory = std::max(memory, resident_mib());
                std::this_thread::sleep_for(2ms);
            }
            return memory;
        };
        const auto steps = std::min(sizes_.rounds / 20, 100U);
        until(first);
        const double memory_before = until(first + steps);
        const double disk_before = folder_mib(folder);
        std::ignore = master.take_longest_ms();
        until(second - steps);
        const double disk = folder_mib(folder);
        const double memory = until(second);
        turn_.add(master.take_longest_ms());
        memory_.add(memory);
        memory_growth_.add(memory - memory_before);
        disk_.add(disk);
        disk_growth_.add(disk - disk_before);
    }

    Sizes sizes_;
    jobs::JobType type_;
    server::ServerOptions options_;
    Series memory_growth_{"memory: what it grows by, while rounds go by", "MiB"};
    Series memory_{"memory of the whole process, two workers included", "MiB"};
    Series disk_growth_{"state folder: what it grows by", "MiB"};
    Series disk_{"state folder", "MiB"};
    Series turn_{"longest turn of the engine", "ms"};
    Series wait_{"longest wait for an answer, load included", "ms"};
    Series round_ms_{"a round", "ms"};
    Series receipt_bytes_{"the receipt's record, for each round", "bytes"};
};

}  // namespace
}  // namespace netcompute::bench

int main(int argc, char** argv) {
    CLI::App app{"What a job of ten thousand rounds with a large state costs its master"};
    netcompute::bench::Sizes sizes;
    bool quick = false;
    bool require_goals = false;
    app.add_option("--rounds", sizes.rounds)->capture_default_str();
    app.add_option("--tasks", sizes.tasks, "In each round")->capture_default_str();
    app.add_option("--state-bytes", sizes.state_bytes)->capture_default_str();
    app.add_flag("--quick", quick, "A few seconds, to see that it works; the figures mean little");
    app.add_flag("--require-goals", require_goals, "Exit 1 if a goal is missed");
    CLI11_PARSE(app, argc, argv);
    if (quick) sizes = {.rounds = 200, .tasks = 8, .state_bytes = 300 << 10};
    spdlog::set_level(spdlog::level::warn);
    try {
        netcompute::bench::LongJobBench bench{sizes};
        bench.run();
        const bool met = bench.print();
        return require_goals && !met ? 1 : 0;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "netcompute_long_job_bench: %s\n", problem.what());
        return 1;
    }
}
