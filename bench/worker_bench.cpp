// What a native worker costs by itself: the executor's bookkeeping of small tasks, and the codec of
// their frames.
#include "report.hpp"
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/protocol/messages.hpp>

#include <CLI/CLI.hpp>
#include <native-worker/executor.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace netcompute::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t payload_bytes = 64;
constexpr std::uint32_t lease_tasks = 5000;
constexpr std::uint32_t frame_outcomes = 4096;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

protocol::Lease noop_lease(std::uint64_t id, std::uint32_t tasks, ByteSpan payload) {
    protocol::Lease lease;
    lease.lease = LeaseId{id};
    lease.job = JobId{1};
    lease.kernel = "noop";
    lease.kernel_version = 1;
    for (std::uint32_t index = 0; index < tasks; ++index) {
        lease.tasks.push_back({index, {protocol::InlineInput{payload}}});
    }
    return lease;
}

/// An executor whose outcomes are counted and discarded.
class CountedExecutor {
 public:
    CountedExecutor()
        : executor_{{.slots = 2,
                     .find_kernel = kernels::find_kernel,
                     .on_outcomes =
                         [this] {
                             const std::lock_guard lock{mutex_};
                             told_ = true;
                             changed_.notify_one();
                         },
                     .blobs = nullptr,
                     .nice = 0}} {}
    void submit(protocol::Lease lease) { executor_.submit(std::move(lease), {}); }
    void await(std::size_t count) {
        while (count > 0) {
            {
                std::unique_lock lock{mutex_};
                changed_.wait(lock, [&] { return told_; });
                told_ = false;
            }
            for (const auto& chunk : executor_.take_outcomes()) count -= chunk.size();
        }
    }

 private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool told_ = false;
    worker::Executor executor_;
};

double small_tasks_per_second(std::uint64_t lease_count) {
    const Bytes payload(payload_bytes, std::byte{7});
    std::vector<protocol::Lease> leases;
    for (std::uint64_t id = 1; id <= lease_count; ++id) {
        leases.push_back(noop_lease(id, lease_tasks, payload));
    }
    CountedExecutor executor;
    const auto start = Clock::now();
    for (protocol::Lease& lease : leases) executor.submit(std::move(lease));
    executor.await(std::size_t{lease_tasks} * lease_count);
    return static_cast<double>(lease_tasks * lease_count) / seconds_since(start);
}

/// A task that is submitted alone comes back at once, and is not delayed to be batched.
double lone_task_us(std::uint64_t round_trips) {
    const Bytes payload(payload_bytes, std::byte{7});
    CountedExecutor executor;
    std::vector<double> all;
    for (std::uint64_t id = 1; id <= round_trips; ++id) {
        protocol::Lease lease = noop_lease(id, 1, payload);
        const auto start = Clock::now();
        executor.submit(std::move(lease));
        executor.await(1);
        all.push_back(1e6 * seconds_since(start));
    }
    return median_of(std::move(all));
}

/// Encodes and decodes a frame of many small outcomes; how long either takes.
std::pair<double, double> codec_us() {
    const Bytes output(payload_bytes, std::byte{7});
    protocol::Results results{"session", LeaseId{1}, JobId{1}, 0, 0.5, {}};
    for (std::uint32_t i = 0; i < frame_outcomes; ++i) {
        results.outcomes.push_back({i, false, ErrorCode::Internal, output});
    }
    const protocol::WorkerMessage message{std::move(results)};
    const auto begun = Clock::now();
    const protocol::WireMessage wire = protocol::encode(message);
    const double encoded = seconds_since(begun);
    const auto header = nlohmann::json::parse(wire.header);
    const auto start = Clock::now();
    const auto decoded = protocol::decode_worker_message(header, wire.payload);
    const double took = seconds_since(start);
    if (!decoded) throw std::runtime_error(decoded.error().message);
    return {1e6 * encoded, 1e6 * took};
}

}  // namespace
}  // namespace netcompute::bench

int main(int argc, char** argv) {
    CLI::App app{"What a native worker costs by itself"};
    int passes = 20;
    bool quick = false;
    app.add_option("--passes", passes)->capture_default_str();
    app.add_flag("--quick", quick, "A moment, to see that it works; not for its figures");
    CLI11_PARSE(app, argc, argv);
    if (quick) passes = 1;
    try {
        using namespace netcompute::bench;
        Series small{"small tasks through the executor", "tasks/s"};
        Series lone{"a lone task through the executor", "us"};
        Series encode{"encoding 4,096 outcomes of 64 bytes", "us"};
        Series decode{"decoding them", "us"};
        for (int pass = 0; pass < passes; ++pass) {
            small.add(small_tasks_per_second(quick ? 2 : 40));
            lone.add(lone_task_us(quick ? 20 : 500));
            const auto [encode_us, decode_us] = codec_us();
            encode.add(encode_us);
            decode.add(decode_us);
        }
        using Kind = Goal::Kind;
        // Many times what the whole system does; and less than the batching delay of outcomes.
        print_table({{&small, nullptr, Goal{Kind::AtLeast, 500'000}, {}},
                     {&lone, nullptr, Goal{Kind::AtMost, 900}, {}},
                     {&encode, nullptr, Goal{Kind::AtMost, 100}, {}},
                     {&decode, nullptr, Goal{Kind::AtMost, 100}, {}}});
        return 0;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "netcompute_worker_bench: %s\n", problem.what());
        return 1;
    }
}
