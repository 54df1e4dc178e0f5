#include "executor_fixture.hpp"

#include <algorithm>

namespace netcompute::worker {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Counts outcomes and forgets them, as a benchmark needs.
class Counter {
 public:
    explicit Counter(std::uint32_t slots)
        : executor_{ExecutorOptions{.slots = slots,
                                    .find_kernel = find_test_kernel,
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
        std::size_t seen = 0;
        while (seen < count) {
            {
                std::unique_lock lock{mutex_};
                ASSERT_TRUE(
                    changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return told_; }));
                told_ = false;
            }
            for (const auto& chunk : executor_.take_outcomes()) seen += chunk.size();
        }
    }

 private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool told_ = false;
    Executor executor_;
};

// Small tasks must not drown in bookkeeping: the executor alone does many times the hundred
// thousand a second that the whole system promises.
TEST(ExecutorSpeedTest, SmallTasksAreCheap) {
    Counter counter{2};
    const std::string payload(64, 'x');
    constexpr std::uint32_t lease_tasks = 5000;
    constexpr std::uint64_t lease_count = 40;
    std::vector<protocol::Lease> leases;
    for (std::uint64_t id = 1; id <= lease_count; ++id) {
        leases.push_back(lease_of(id, "join", lease_tasks, {text_input(payload)}));
    }
    const auto start = Clock::now();
    for (auto& lease : leases) counter.submit(std::move(lease));
    counter.await(lease_tasks * lease_count);
    const double rate = double{lease_tasks} * lease_count / seconds_since(start);
    RecordProperty("tasks_per_second", std::to_string(rate));
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_GT(rate, 100'000.0);
#endif
}

// A task submitted alone comes back at once; it does not wait for company.
TEST(ExecutorSpeedTest, ALoneTaskIsQuick) {
    Counter counter{2};
    constexpr std::uint64_t round_trips = 500;
    std::vector<double> seconds;
    for (std::uint64_t id = 1; id <= round_trips; ++id) {
        protocol::Lease lease = lease_of(id, "join", 1);
        const auto start = Clock::now();
        counter.submit(std::move(lease));
        counter.await(1);
        seconds.push_back(seconds_since(start));
    }
    std::nth_element(seconds.begin(), seconds.begin() + round_trips / 2, seconds.end());
    const double median = seconds[round_trips / 2];
    RecordProperty("median_us", std::to_string(1e6 * median));
    EXPECT_LT(median, 900e-6);  // Less than the millisecond that outcomes in company may wait.
}

}  // namespace
}  // namespace netcompute::worker
