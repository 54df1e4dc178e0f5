// What it costs to write outputs down: the durable store by itself, with commits of several sizes,
// beside what the disk asks for flushing 4 KiB. And what it costs to end, and to resume, a large
// job.
#include "report.hpp"
#include "store/sqlite_job_store.hpp"

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <deque>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace netcompute::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using store::Durability;

struct Options {
    fs::path folder = ".";
    double seconds = 2;
    std::uint64_t job_outputs = 5'000'000;
    bool quick = false;
};

constexpr std::size_t output_bytes = 64;
constexpr std::array commit_sizes{1U, 16U, 1000U, 8000U};
constexpr double outputs_per_second_goal = 500'000;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

void expect(const Result<void>& done) {
    if (!done) throw std::runtime_error(done.error().message);
}

/// A temporary state folder.
class StateFolder {
 public:
    explicit StateFolder(const fs::path& parent) {
        std::string name = (parent / "netcompute-store-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error(parent.string() + ": no folder can be made here");
        }
        path_ = name;
    }
    StateFolder(const StateFolder&) = delete;
    StateFolder& operator=(const StateFolder&) = delete;
    ~StateFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] const fs::path& path() const { return path_; }

 private:
    fs::path path_;
};

/// Commits outputs of one job, as a worker's frames bring them.
class Committer {
 public:
    Committer(const fs::path& folder, std::size_t commit_size) : folder_{folder} {
        auto opened = store::SqliteJobStore::open(folder);
        if (!opened) throw std::runtime_error(opened.error().message);
        store_ = std::move(*opened);
        put_job(store::JobState::Running);
        frame_ = std::make_shared<const Bytes>(commit_size * output_bytes);
        for (std::size_t i = 0; i < commit_size; ++i) {
            put_.outputs.push_back({0, ByteSpan{*frame_}.subspan(i * output_bytes, output_bytes)});
        }
        put_.job = JobId{1};
        put_.owner = frame_;
    }

    void put_job(store::JobState state) {
        store::PutJob put;
        put.job.id = JobId{1};
        put.job.state = state;
        const store::Record record = put;
        expect(store_->commit({&record, 1}, Durability::Power));
    }

    void commit_once(Durability durability) {
        for (store::OutputView& output : put_.outputs) output.index = next_index_++;
        const store::Record record = put_;
        expect(store_->commit({&record, 1}, durability));
    }

    [[nodiscard]] std::uint64_t committed() const { return next_index_; }
    [[nodiscard]] const store::JobStore& store() const { return *store_; }

 private:
    fs::path folder_;
    std::unique_ptr<store::SqliteJobStore> store_;
    std::shared_ptr<const Bytes> frame_;
    store::PutOutputs put_;
    TaskIndex next_index_ = 0;
};

std::string case_name(std::size_t commit_size, Durability durability) {
    return "commits of " + std::to_string(commit_size) +
           (durability == Durability::Power ? ", flushed" : "");
}

class StoreBench {
 public:
    explicit StoreBench(Options options) : options_{std::move(options)} {}

    void run() {
        for (int pass = 0; pass < (options_.quick ? 1 : 3); ++pass) {
            measure_flush();
            std::size_t row = 0;
            for (const Durability durability : {Durability::Process, Durability::Power}) {
                for (const unsigned size : commit_sizes) {
                    if (rates_.size() <= row) {
                        const std::string name = case_name(size, durability);
                        rates_.emplace_back(name, "outputs/s");
                        slowest_.emplace_back(name + ", slowest", "ms");
                    }
                    measure_commits(size, durability, rates_[row], slowest_[row]);
                    ++row;
                }
            }
        }
        measure_large_job();
        measure_dashboard();
    }

    bool print() const {
        std::vector<TableRow> rows{{&flushes_, nullptr, {}, {}}};
        for (std::size_t row = 0; row < rates_.size(); ++row) {
            TableRow rate{&rates_[row], nullptr, {}, {}};
            // Those that are flushed are as fast as the disk flushes.
            const bool is_flushed = row >= commit_sizes.size();
            if (!is_flushed && commit_sizes[row % commit_sizes.size()] >= 1000) {
                rate.goal = Goal{Goal::Kind::AtLeast, outputs_per_second_goal};
            }
            rows.push_back(rate);
            rows.push_back({&slowest_[row], nullptr, {}, {}});
        }
        for (const Series* series : {&resume_, &fold_, &end_, &newest_, &all_}) {
            rows.push_back({series, nullptr, {}, {}});
        }
        return print_table(rows);
    }

 private:
    [[nodiscard]] double seconds() const { return options_.quick ? 0.05 : options_.seconds; }

    void measure_flush() {
        const StateFolder folder{options_.folder};
        const int file = ::open((folder.path() / "file").c_str(), O_RDWR | O_CREAT, 0600);
        if (file < 0) throw std::runtime_error("no file can be made");
        const Bytes block(4096);
        std::uint64_t count = 0;
        const auto start = Clock::now();
        while (seconds_since(start) < seconds()) {
            const auto place = static_cast<off_t>(count * block.size());
            if (::pwrite(file, block.data(), block.size(), place) < 0 || ::fdatasync(file) != 0) {
                throw std::runtime_error("the file cannot be written");
            }
            ++count;
        }
        flushes_.add(static_cast<double>(count) / seconds_since(start));
        ::close(file);
    }

    void measure_commits(std::size_t commit_size, Durability durability, Series& rate,
                         Series& slowest) {
        const StateFolder folder{options_.folder};
        Committer committer{folder.path(), commit_size};
        double slowest_seconds = 0;
        const auto start = Clock::now();
        auto before = start;
        while (seconds_since(start) < seconds()) {
            committer.commit_once(durability);
            const auto after = Clock::now();
            slowest_seconds =
                std::max(slowest_seconds, std::chrono::duration<double>(after - before).count());
            before = after;
        }
        rate.add(static_cast<double>(committer.committed()) / seconds_since(start));
        slowest.add(slowest_seconds * 1e3);
    }

    void measure_large_job() {
        const StateFolder folder{options_.folder};
        Committer committer{folder.path(), 1000};
        const std::uint64_t count = options_.quick ? 100'000 : options_.job_outputs;
        while (committer.committed() < count) committer.commit_once(Durability::Process);
        auto start = Clock::now();
        const auto work = committer.store().work(JobId{1});
        if (!work || work->votes.size() != count) throw std::runtime_error("votes are missing");
        resume_.add(seconds_since(start));
        start = Clock::now();
        const auto outputs = committer.store().outputs(JobId{1}, 0);
        if (!outputs || outputs->size() != count) throw std::runtime_error("outputs are missing");
        fold_.add(seconds_since(start));
        start = Clock::now();
        committer.put_job(store::JobState::Succeeded);
        end_.add(seconds_since(start));
    }

    /// What is asked for again and again, beside receipts that are not.
    void measure_dashboard() {
        const StateFolder folder{options_.folder};
        auto opened = store::SqliteJobStore::open(folder.path());
        if (!opened) throw std::runtime_error(opened.error().message);
        for (std::uint64_t id = 1; id <= 1000; ++id) {
            store::JobRecord job;
            job.id = JobId{id};
            job.params = std::string(300, 'p');
            job.result = std::string(1000, 'r');
            job.state = store::JobState::Succeeded;
            const std::array<store::Record, 2> records{store::PutJob{job},
                                                       store::PutReceipt{job.id, Bytes(20'000)}};
            expect((*opened)->commit(records, Durability::Process));
        }
        const int count = options_.quick ? 1 : 100;
        auto start = Clock::now();
        for (int i = 0; i < count; ++i) {
            if ((*opened)->newest_ended(50).size() != 50) throw std::runtime_error("jobs missing");
        }
        newest_.add(seconds_since(start) * 1e6 / count);
        start = Clock::now();
        for (int i = 0; i < count; ++i) {
            if ((*opened)->jobs().size() != 1000) throw std::runtime_error("jobs missing");
        }
        all_.add(seconds_since(start) * 1e6 / count);
    }

    Options options_;
    Series flushes_{"fdatasync of 4 KiB", "1/s"};
    std::deque<Series> rates_;
    std::deque<Series> slowest_;
    Series resume_{"large job: its votes", "s"};
    Series fold_{"large job: its outputs", "s"};
    Series end_{"large job: its end", "s"};
    Series newest_{"50 newest of 1000 ended jobs", "us"};
    Series all_{"all of 1000 ended jobs", "us"};
};

}  // namespace
}  // namespace netcompute::bench

int main(int argc, char** argv) {
    using namespace netcompute::bench;
    CLI::App app{"What it costs to write outputs down"};
    Options options;
    app.add_option("--folder", options.folder, "Where to write: the disk that is measured");
    app.add_option("--seconds", options.seconds, "For each case");
    app.add_option("--job-outputs", options.job_outputs, "Of the large job, in thousands' steps");
    app.add_flag("--quick", options.quick, "That it runs, rather than how fast it is");
    CLI11_PARSE(app, argc, argv);
    try {
        StoreBench bench{options};
        bench.run();
        const bool met = bench.print();
        return met || options.quick ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
