#include "scheduler_steps.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <numeric>

namespace netcompute::core {
namespace {

/// Workers that do what they are given, one lease after the other on all their slots, in the
/// scheduler's own time.
class Office {
 public:
    explicit Office(const std::vector<std::uint32_t>& slots) {
        for (const std::uint32_t count : slots) {
            const WorkerId id{workers_.size() + 1};
            workers_[id].slots = count;
            take(steps_.step(now_, WorkerJoined{id, count, false, id.value, true}));
        }
    }

    /// A job of so many tasks, each of which takes a slot so long.
    void submit(JobId id, std::uint32_t tasks, double seconds, std::int32_t priority = 0,
                Validation validation = {ValidationMode::None}) {
        seconds_[id] = seconds;
        submitted_[id] = now_;
        take(steps_.step(now_, RoundStarted{id, 0, tasks, 64, priority, validation}));
    }

    void run_until(Instant end) {
        while (true) {
            const auto next = std::ranges::min_element(workers_, {}, [](const auto& entry) {
                return std::min(entry.second.done_at, entry.second.beat_at);
            });
            Worker& worker = next->second;
            const Instant at = std::min(worker.done_at, worker.beat_at);
            if (at > end) break;
            now_ = at;
            if (at == worker.beat_at) {
                worker.beat_at += 2s;
                HeartbeatReceived beat{next->first, {}, worker.slots, false};
                for (const AssignTasks& lease : worker.leases) beat.leases.push_back(lease.lease);
                take(steps_.step(now_, beat));
                continue;
            }
            const AssignTasks lease = worker.leases.front();
            worker.leases.pop_front();
            begin_next(worker);
            take(steps_.step(now_, SchedulerSteps::outputs_of(lease, seconds_.at(lease.job))));
        }
        now_ = end;
    }

    [[nodiscard]] double used(JobId id) const {
        return steps_.scheduler.round(id).value().slot_seconds;
    }
    /// From its submission on; fails the test if it is not over.
    [[nodiscard]] double seconds_taken(JobId id) const {
        const auto over = over_.find(id);
        if (over == over_.end()) {
            ADD_FAILURE() << "job " << id.value << " is not over";
            return 0;
        }
        return to_seconds(over->second - submitted_.at(id));
    }
    /// How much more the one of them that has had most has had than the one that has had least.
    [[nodiscard]] double spread(std::uint64_t job_count) const {
        std::vector<double> all;
        for (std::uint64_t id = 1; id <= job_count; ++id) all.push_back(used(JobId{id}));
        const auto [least, most] = std::ranges::minmax(all);
        return (most - least) / most;
    }

 private:
    struct Worker {
        std::uint32_t slots = 1;
        std::deque<AssignTasks> leases;
        Instant done_at = instant_never;
        Instant beat_at = start + 2s;
    };

    void take(const Effects& effects) {
        for (const Effect& effect : effects) {
            if (const auto* lease = std::get_if<AssignTasks>(&effect)) {
                Worker& worker = workers_.at(lease->worker);
                worker.leases.push_back(*lease);
                if (worker.leases.size() == 1) begin_next(worker);
            } else if (const auto* round = std::get_if<CompleteRound>(&effect)) {
                over_[round->job] = now_;
            } else if (const auto* revoked = std::get_if<RevokeLease>(&effect)) {
                ADD_FAILURE() << "lease " << revoked->lease.value << " was revoked";
            }
        }
    }

    void begin_next(Worker& worker) {
        worker.done_at = instant_never;
        if (worker.leases.empty()) return;
        const AssignTasks& lease = worker.leases.front();
        const auto waves = (lease.tasks.size() + worker.slots - 1) / worker.slots;
        worker.done_at = now_ + from_seconds(seconds_.at(lease.job) * static_cast<double>(waves));
    }

    SchedulerSteps steps_;
    std::map<WorkerId, Worker> workers_;
    std::map<JobId, double> seconds_;
    std::map<JobId, Instant> submitted_;
    std::map<JobId, Instant> over_;
    Instant now_ = start;
};

const std::vector<std::vector<std::uint32_t>> offices{{1}, {16}, {1, 16}, {4, 4, 2, 8}};

constexpr std::uint32_t endless = 200'000;

// Jobs of one priority share the workers' slots: after a minute none has had a fifth more than
// another, whatever their tasks take.
TEST(SchedulerSharesTest, EqualJobsGetEqualSlotSeconds) {
    for (const auto& slots : offices) {
        for (const std::uint64_t job_count : {2U, 6U, 20U}) {
            Office office{slots};
            for (std::uint64_t id = 1; id <= job_count; ++id) {
                office.submit(JobId{id}, endless, id % 2 == 0 ? 0.01 : 0.05);
            }
            office.run_until(start + 60s);
            EXPECT_LT(office.spread(job_count), 0.2)
                << job_count << " jobs, " << slots.size() << " workers, the first with "
                << slots.front() << " slots";
            double all = 0;
            for (std::uint64_t id = 1; id <= job_count; ++id) all += office.used(JobId{id});
            const auto slot_count = std::accumulate(slots.begin(), slots.end(), 0U);
            EXPECT_GT(all, 0.9 * 58 * slot_count) << "the workers were idle";
        }
    }
}

// A small job does not wait for the big ones that were there before: it is over within two batches.
TEST(SchedulerSharesTest, ASmallJobIsOverWithinTwoBatches) {
    for (const auto& slots : offices) {
        Office office{slots};
        for (std::uint64_t id = 1; id <= 20; ++id) office.submit(JobId{id}, endless, 0.01);
        office.run_until(start + 30s);
        office.submit(JobId{21}, 5, 0.01);
        office.run_until(start + 40s);
        EXPECT_LT(office.seconds_taken(JobId{21}), 2 * SchedulerLimits{}.batch_seconds);
    }
}

// Also beside a single one, whose leases are full batches.
TEST(SchedulerSharesTest, ASmallJobBesideOneBigOneIsOverWithinAFewBatches) {
    for (const auto& slots : offices) {
        Office office{slots};
        office.submit(JobId{1}, endless, 0.01);
        office.run_until(start + 30s);
        office.submit(JobId{2}, 5, 0.01);
        office.run_until(start + 40s);
        EXPECT_LT(office.seconds_taken(JobId{2}), 5 * SchedulerLimits{}.batch_seconds);
    }
}

// Who comes later shares from then on; it neither gets all until it has caught up, nor nothing.
TEST(SchedulerSharesTest, ALateJobSharesFromThenOn) {
    for (const auto& slots : offices) {
        Office office{slots};
        office.submit(JobId{1}, endless, 0.01);
        office.run_until(start + 60s);
        const double before = office.used(JobId{1});
        office.submit(JobId{2}, endless, 0.01);
        office.run_until(start + 120s);
        const double meanwhile = office.used(JobId{1}) - before;
        EXPECT_NEAR(office.used(JobId{2}) / meanwhile, 1, 0.2);
    }
}

// What checks take is charged to the job whose results are checked.
TEST(SchedulerSharesTest, ChecksAreChargedToTheirJob) {
    Office office{{4, 4}};
    office.submit(JobId{1}, endless, 0.01, 0, {ValidationMode::Quorum, 2});
    office.submit(JobId{2}, endless, 0.01);
    office.run_until(start + 60s);
    EXPECT_LT(office.spread(2), 0.2);
}

// Only jobs of the highest priority share; the others wait.
TEST(SchedulerSharesTest, PrioritiesStayStrict) {
    Office office{{2}};
    office.submit(JobId{1}, endless, 0.01);
    office.run_until(start + 1s);
    const double before = office.used(JobId{1});
    office.submit(JobId{2}, endless, 0.01, 1);
    office.submit(JobId{3}, endless, 0.01, 1);
    office.run_until(start + 60s);
    EXPECT_LT(office.used(JobId{1}) - before, 6) << "what was given out already";
    EXPECT_NEAR(office.used(JobId{2}) / office.used(JobId{3}), 1, 0.2);
}

// Tasks that turn out to take far longer than was thought are charged while they run: their job
// does not take one worker after the other meanwhile.
TEST(SchedulerSharesTest, ALongTaskIsChargedWhileItRuns) {
    SchedulerSteps steps;
    const JobId slow{1}, other{2};
    steps.step(start, round_of(100, 0, slow));
    steps.step(start, round_of(100, 0, other));
    steps.step(start, WorkerJoined{first, 1});
    ASSERT_EQ(steps.assigned.size(), 2U);
    EXPECT_EQ(steps.assigned[0].job, slow);
    EXPECT_EQ(steps.assigned[1].job, other);
    steps.step(start + 4s,
               HeartbeatReceived{first, {steps.assigned[0].lease, steps.assigned[1].lease}, 1});
    steps.step(start + 4s, WorkerJoined{second, 1});
    ASSERT_EQ(steps.assigned.size(), 4U);
    EXPECT_EQ(steps.assigned[2].job, other);
    EXPECT_EQ(steps.assigned[3].job, other);
}

// Also where tasks of one job take far longer than a batch.
TEST(SchedulerSharesTest, LongTasksAndShortOnesShareInTheLongRun) {
    Office office{std::vector<std::uint32_t>(10, 1)};
    office.submit(JobId{1}, endless / 100, 20);
    office.submit(JobId{2}, endless, 0.2);
    office.run_until(start + 1000s);
    EXPECT_LT(office.spread(2), 0.2);
}

// A lease whose worker is lost has cost its job something, and late results are not paid twice.
TEST(SchedulerSharesTest, ALostLeaseIsChargedOnce) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, round_of(10));
    steps.step(start + 1s, SchedulerSteps::outputs_of(steps.assigned[0], 1.0));
    EXPECT_NEAR(steps.scheduler.round(job)->slot_seconds, 1, 1e-9);
    steps.step(start + 1500ms, WorkerDisconnected{first});
    EXPECT_NEAR(steps.scheduler.round(job)->slot_seconds, 1.5, 1e-9);
    steps.step(start + 2s, WorkerJoined{first, 1, true});
    auto late = SchedulerSteps::outputs_of(steps.assigned[1], 0.8);
    steps.step(start + 2s, late);
    EXPECT_NEAR(steps.scheduler.round(job)->slot_seconds, 1.8, 1e-9);
    steps.step(start + 2s, late);
    EXPECT_NEAR(steps.scheduler.round(job)->slot_seconds, 1.8, 1e-9) << "sent again";
}

}  // namespace
}  // namespace netcompute::core
