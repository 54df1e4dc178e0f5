#include "engine_life.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>

namespace netcompute::engine {
namespace {

using life::EngineLife;
using life::slow_job;
using store::JobState;
using ::testing::HasSubstr;

/// Enough for a fold on the pool.
constexpr std::uint32_t large = 20'000;

class TrialsTest : public ::testing::Test {
 protected:
    TrialsTest() {
        life.types["heavy"] = slow_job("heavy", 10);
        life.types["other"] = slow_job("other", 10);
    }
    /// A master that dies while the pool has its work. Nothing else is done.
    void start_and_die() {
        life.start();
        life.host->run_thread();
        ASSERT_EQ(life.host->slow_count(), 1U);
        life.kill();
    }
    /// All that is given out is done, until nothing more happens.
    void work_to_the_end() {
        life.join();
        for (life.host->run_all(); life.work(); life.host->run_all()) {
        }
    }
    /// One after the other is given the task and disconnects; none has delivered it.
    void lose_five_workers() {
        for (int loss = 0; loss < 5; ++loss) {
            ASSERT_EQ(life.host->slow_count(), 0U) << loss;
            life.join();
            life.host->run_thread();
            life.engine().on_disconnected(WorkerId{1}, "it crashed");
            life.host->run_thread();
        }
    }
    EngineLife life;
};

// Masters die while they prepare a job: the third one holds it back, says why, and the other jobs
// go on. A user may try it again, or cancel it.
TEST_F(TrialsTest, AJobThatTwoMastersDiedOfIsHeldBack) {
    life.start();
    const JobId heavy = life.submit("heavy");
    life.host->run_thread();
    life.kill();
    start_and_die();
    life.start();
    EXPECT_EQ(life.state(heavy), JobState::Paused);
    EXPECT_THAT(life.held(heavy), HasSubstr("the master ended unexpectedly 2 times while it "
                                            "prepared it; resume the job to try it again, or"));
    const JobId other = life.submit("other");
    work_to_the_end();
    EXPECT_EQ(life.state(other), JobState::Succeeded);
    EXPECT_EQ(life.state(heavy), JobState::Paused);

    life.start();  // It stays held, with its reason.
    EXPECT_THAT(life.held(heavy), HasSubstr("unexpectedly 2 times"));
    ASSERT_TRUE(life.engine().pause(heavy, false));
    EXPECT_EQ(life.held(heavy), "");
    work_to_the_end();
    EXPECT_EQ(life.state(heavy), JobState::Succeeded);
}

TEST_F(TrialsTest, AHeldJobCanBeCancelled) {
    life.start();
    const JobId heavy = life.submit("heavy");
    life.host->run_thread();
    life.kill();
    start_and_die();
    life.start();
    ASSERT_NE(life.held(heavy), "");
    ASSERT_TRUE(life.engine().cancel(heavy));
    life.host->run_thread();
    life.start();
    EXPECT_EQ(life.state(heavy), JobState::Cancelled);
    EXPECT_TRUE(life.store.trials().empty());
}

// It is known which of many jobs a master died of: they are taken up one after the other.
TEST_F(TrialsTest, OnlyTheJobThatWasBeingTakenUpIsHeldBack) {
    life.start();
    const JobId first = life.submit("other");
    const JobId heavy = life.submit("heavy");
    const JobId last = life.submit("other");
    life.host->run_all();
    life.kill();
    for (int death = 0; death < 2; ++death) {
        life.start();
        life.host->run_thread();  // The first is with the pool,
        life.host->run_one_slow();
        life.host->run_thread();  // and then the heavy one.
        life.kill();
    }
    life.start();
    EXPECT_EQ(life.held(first), "");
    EXPECT_NE(life.held(heavy), "");
    EXPECT_EQ(life.held(last), "");
    work_to_the_end();
    EXPECT_EQ(life.state(first), JobState::Succeeded);
    EXPECT_EQ(life.state(last), JobState::Succeeded);
}

// Masters that die while workers compute did not die of the job, however many do.
TEST_F(TrialsTest, DeathsWhileWorkersComputeHoldNothingBack) {
    life.start();
    const JobId job = life.submit("heavy");
    for (int death = 0; death < 10; ++death) {
        life.host->run_all();
        life.start();
        EXPECT_EQ(life.held(job), "");
    }
    work_to_the_end();
    EXPECT_EQ(life.state(job), JobState::Succeeded);
}

// Nor is a job to blame whose step went well in between.
TEST_F(TrialsTest, AStepThatWentWellClearsTheJob) {
    life.start();
    const JobId job = life.submit("heavy");
    life.host->run_thread();
    life.kill();
    for (int i = 0; i < 3; ++i) {
        life.start();
        life.host->run_all();  // Prepared.
        start_and_die();
    }
    life.start();
    EXPECT_EQ(life.held(job), "");
}

TEST_F(TrialsTest, AMasterThatIsStoppedDidNotDieOfAJob) {
    life.start();
    const JobId job = life.submit("heavy");
    for (int i = 0; i < 5; ++i) {
        life.host->run_thread();
        life.engine().stop("it is stopped");
        life.start();
        EXPECT_EQ(life.held(job), "");
    }
}

// Folding is such a step too; and that the job can be prepared again does not clear it.
TEST_F(TrialsTest, AJobWhoseFoldKillsMastersIsHeldBack) {
    life.types["heavy"] = slow_job("heavy", large);
    life.start();
    const JobId job = life.submit("heavy");
    life.join();
    for (life.host->run_all(); life.work() && life.host->slow_count() == 0;)
        life.host->run_thread();
    ASSERT_EQ(life.host->slow_count(), 1U);
    EXPECT_EQ(life.engine().live_job(job)->phase, "folding");
    life.kill();
    life.start();
    life.host->run_thread();
    life.host->run_one_slow();  // Prepared again,
    life.host->run_thread();
    EXPECT_EQ(life.engine().live_job(job)->phase, "folding");  // and folding again.
    life.start();
    EXPECT_THAT(life.held(job), HasSubstr("2 times while it folded its outputs"));
}

// Five workers that have delivered nothing yet are lost with a task, and masters die of it as well,
// when they compute it themselves: the third one holds the job back.
TEST_F(TrialsTest, AJobWhoseTaskKillsWorkersAndMastersIsHeldBack) {
    life.types["heavy"] = slow_job("heavy", 1);
    life.start();
    const JobId job = life.submit("heavy");
    for (int death = 0; death < 2; ++death) {
        life.host->run_all();
        lose_five_workers();
        ASSERT_EQ(life.host->slow_count(), 1U) << "the task, once that is written down";
        life.start();
    }
    EXPECT_THAT(life.held(job), HasSubstr("2 times while it computed a task of it with which "
                                          "workers were lost"));
    ASSERT_TRUE(life.engine().pause(job, false));
    work_to_the_end();
    EXPECT_EQ(life.state(job), JobState::Succeeded);
}

// One that the master can compute ends its job well, and leaves no suspicion.
TEST_F(TrialsTest, ATaskThatOnlyTheMasterComputesClearsTheJob) {
    life.types["heavy"] = slow_job("heavy", 1);
    life.start();
    const JobId job = life.submit("heavy");
    life.host->run_all();
    lose_five_workers();
    life.host->run_all();
    EXPECT_EQ(life.state(job), JobState::Succeeded);
    EXPECT_TRUE(life.store.trials().empty());
}

// A worker that has delivered something is known for it by the next master too.
TEST_F(TrialsTest, AWorkerThatDeliveredToAFormerMasterIsNoNewcomer) {
    life.start();
    const JobId before = life.submit("other");
    work_to_the_end();
    ASSERT_EQ(life.state(before), JobState::Succeeded);
    life.types["heavy"] = slow_job("heavy", 1);
    life.start();
    const JobId job = life.submit("heavy");
    life.host->run_all();
    lose_five_workers();
    ASSERT_EQ(life.state(job), JobState::Failed);
    EXPECT_THAT(life.store.job(job)->error->message, HasSubstr("the worker was lost 5 times"));
}

// Whatever it is that kills masters before they are ready: the fourth is there, all jobs held.
TEST_F(TrialsTest, AfterThreeStartsThatNeverBecameReadyAllJobsAreHeldBack) {
    life.start();
    const JobId first = life.submit("other");
    const JobId second = life.submit("other");
    life.host->run_all();
    life.options.trial_deaths_max = 9;  // Not the job's own trial.
    for (int i = 0; i < 3; ++i) {
        start_and_die();
    }
    life.start();
    EXPECT_THAT(life.held(first), HasSubstr("unexpectedly 3 times before it had taken up all"));
    EXPECT_NE(life.held(second), "");
    life.host->run_all();
    life.start();
    ASSERT_TRUE(life.engine().pause(first, false));
    work_to_the_end();
    EXPECT_EQ(life.state(first), JobState::Succeeded);
    EXPECT_NE(life.held(second), "");
}

// ---- Memory -------------------------------------------------------------------------------------

/// A program whose fold finds no memory.
class HungryProgram final : public programs::Program {
 public:
    [[nodiscard]] std::optional<programs::Round> round() const override {
        return programs::Round{"noop", 1, {}, large};
    }
    [[nodiscard]] std::vector<programs::TaskInput> task_inputs(TaskIndex) const override {
        return {Bytes{}};
    }
    [[nodiscard]] Result<void> finish_round(std::span<const ByteSpan>,
                                            programs::RoundWork&) override {
        throw std::bad_alloc{};
    }
    [[nodiscard]] Bytes checkpoint() const override { return {}; }
    [[nodiscard]] Result<void> restore(ByteSpan) override { return {}; }
    [[nodiscard]] Bytes result_bytes() const override { return {}; }
};

// The job that finds no memory fails, wherever that is; the master and other jobs go on.
TEST_F(TrialsTest, AJobThatFindsNoMemoryFails) {
    life.types["no memory to prepare"] = slow_job("no memory to prepare", 1);
    life.types["no memory to prepare"].make = [](const ParamValues&,
                                                 const JobContext&) -> Result<PreparedJob> {
        throw std::bad_alloc{};
    };
    life.types["no memory to fold"] = slow_job("no memory to fold", 1);
    life.types["no memory to fold"].make = [](const ParamValues&,
                                              const JobContext&) -> Result<PreparedJob> {
        return PreparedJob{std::make_unique<HungryProgram>(), {}, false, {}};
    };
    life.start();
    const std::vector<JobId> jobs{life.submit("no memory to prepare"),
                                  life.submit("no memory to fold")};
    const JobId other = life.submit("other");
    work_to_the_end();
    for (const JobId job : jobs) {
        EXPECT_EQ(life.state(job), JobState::Failed);
        EXPECT_THAT(life.store.job(job)->error->message, HasSubstr("needs more memory than this"));
    }
    EXPECT_EQ(life.state(other), JobState::Succeeded);
}

// ---- The budget of tasks ------------------------------------------------------------------------

// Tasks of all live jobs together have a limit, which a submission may not exceed.
TEST_F(TrialsTest, SubmissionsBeyondTheBudgetOfTasksAreRefused) {
    life.options.live_tasks_max = 25'000'000;
    life.start();
    const JobId first = life.submit("noop", {{"task_count", 10'000'000}});
    life.submit("noop", {{"task_count", 10'000'000}});
    JobRequest third;
    third.type = "noop";
    third.params = {{"task_count", 10'000'000}};
    const auto refused = life.engine().submit(third);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::LimitExceeded);
    EXPECT_THAT(refused.error().message,
                HasSubstr("would have 30000000 tasks together, and 25000000 are allowed"));
    EXPECT_EQ(life.engine().live_tasks(), 20'000'000U);
    ASSERT_TRUE(life.engine().cancel(first));
    EXPECT_TRUE(life.engine().submit(third));
}

// However much big jobs take, there is room for a small one.
TEST_F(TrialsTest, SmallJobsAreTakenBesideABudgetThatIsSpent) {
    life.options.live_tasks_max = 10'000'000;
    life.start();
    life.submit("noop", {{"task_count", 10'000'000}});
    life.submit("noop", {{"task_count", 10'000}});
    JobRequest larger;
    larger.type = "noop";
    larger.params = {{"task_count", 10'001}};
    EXPECT_FALSE(life.engine().submit(larger));
    EXPECT_EQ(life.engine().live_tasks(), 10'000'000U);
}

// A master with a lower limit than the one that took the jobs loses none: it holds back those that
// do not fit, until there is room.
TEST_F(TrialsTest, AfterARestartJobsBeyondTheBudgetAreHeldBack) {
    life.start();
    const JobId first = life.submit("noop", {{"task_count", 60}});
    const JobId second = life.submit("noop", {{"task_count", 60}});
    life.host->run_all();
    life.options.live_tasks_max = 100;
    life.options.small_round_tasks_max = 0;
    life.start();
    life.host->run_all();
    EXPECT_EQ(life.held(first), "");
    EXPECT_THAT(life.held(second), HasSubstr("would have 120 tasks together, and 100 are allowed"));
    EXPECT_EQ(life.engine().live_tasks(), 60U);
    work_to_the_end();
    EXPECT_EQ(life.state(first), JobState::Succeeded);
    ASSERT_TRUE(life.engine().pause(second, false));
    life.host->run_all();
    while (life.work()) life.host->run_all();
    EXPECT_EQ(life.state(second), JobState::Succeeded);
}

// An error is kept as long as its job; one that quotes a whole file is cut.
TEST_F(TrialsTest, LongErrorsAreCut) {
    life.types["heavy"].make = [](const ParamValues&, const JobContext&) -> Result<PreparedJob> {
        return unexpected(ErrorCode::InvalidArgument, std::string(100'000, 'x'));
    };
    life.start();
    const JobId job = life.submit("heavy");
    life.host->run_all();
    const auto record = life.store.job(job);
    EXPECT_EQ(record->error->message.size(), 4096U);
    EXPECT_THAT(record->error->message, ::testing::EndsWith("x… (cut)"));
}

// What the store has of a job is taken up in pieces between which the engine does other things, and
// comes out as the same job.
TEST_F(TrialsTest, ALargeJobIsTakenUpInPieces) {
    life.options.load_outputs_max = 100;
    life.start();
    const JobId job = life.submit("noop", {{"task_count", 30'000}});
    life.join();
    life.host->run_thread();
    while (life.engine().live_job(job)->tasks_done < 15'000) {
        ASSERT_TRUE(life.work());
        life.host->run_thread();
    }
    const std::uint64_t done = life.engine().live_job(job)->tasks_done;
    life.start();
    int pieces = 0;
    for (; life.host->run_one_posted(); ++pieces) {
    }
    EXPECT_GT(pieces, 100);
    EXPECT_EQ(life.engine().live_job(job)->tasks_done, done);
    EXPECT_EQ(life.engine().scheduler().round(job)->succeeded_count, done);
    work_to_the_end();
    EXPECT_EQ(life.state(job), JobState::Succeeded);
}

}  // namespace
}  // namespace netcompute::engine
