// Jobs that come after others, and jobs that are made of other jobs.
#include "engine_life.hpp"
#include "jobs/job_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace netcompute::engine {
namespace {

using life::EngineLife;
using life::slow_job;
using store::JobState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr jobs::InputFile input{.name = "data", .what = "What it reads", .example = "Data/x.csv"};
constexpr jobs::OutputFile output{
    .name = "output", .what = "What it writes", .otherwise = "Data/out.csv"};

/// Writes the text of its name.
JobType writing_job(std::string_view name) {
    JobType type = slow_job(name, 1);
    type.params.common = {output};
    type.make = [make = type.make, name](const ParamValues& values,
                                         const JobContext& context) -> Result<PreparedJob> {
        auto job = make(values, context);
        const auto path = values[output];
        job->finish = [writer = jobs::OutputWriter{context}, path,
                       name]() -> Result<nlohmann::json> {
            if (auto written = writer.write(path, as_byte_span(name)); !written) {
                return unexpected(written.error());
            }
            return nlohmann::json{{"files", {{"text", path.shown()}}}};
        };
        return job;
    };
    return type;
}

/// Its result is what it has read.
JobType reading_job(std::string_view name) {
    JobType type = slow_job(name, 1);
    type.params.common = {input};
    type.make = [make = type.make](const ParamValues& values,
                                   const JobContext& context) -> Result<PreparedJob> {
        auto job = make(values, context);
        const auto text = values[input].text(1000);
        if (!text) return unexpected(text.error());
        job->finish = [text = *text]() -> Result<nlohmann::json> {
            return nlohmann::json{{"read", text}};
        };
        return job;
    };
    return type;
}

/// Three jobs of type "part", then two more if those gave what they should; its result is how many
/// results there were.
Result<jobs::JobsOrResult> three_and_two(std::span<const std::string> results) {
    jobs::JobsOrResult next;
    const std::size_t more = results.empty() ? 3 : results.size() == 3 ? 2 : 0;
    for (std::size_t i = 0; i < more; ++i) next.jobs.push_back({.type = "part"});
    if (more == 0) next.result = {{"gathered", results.size()}, {"first", results[0]}};
    return next;
}

JobType parent_job(std::string_view name, jobs::NextJobs next) {
    JobType type;
    type.name = name;
    type.make = [next = std::move(next)](const ParamValues&,
                                         const JobContext&) -> Result<PreparedJob> {
        PreparedJob job;
        job.next_jobs = next;
        return job;
    };
    return type;
}

class LinkedJobsTest : public ::testing::Test {
 protected:
    LinkedJobsTest() {
        std::filesystem::create_directory(life.options.root / "Data");
        life.types["part"] = slow_job("part", 2);
        life.types["write"] = writing_job("write");
        life.types["read"] = reading_job("read");
        life.types["parent"] = parent_job("parent", three_and_two);
        life.start();
    }
    Result<JobId> submit_after(const std::string& type, std::vector<JobId> after,
                               nlohmann::json params = nlohmann::json::object()) {
        JobRequest request;
        request.type = type;
        request.params = std::move(params);
        request.validation = "none";
        request.after = std::move(after);
        return life.engine().submit(std::move(request));
    }
    /// All that is given out is done, until nothing more happens.
    void work_to_the_end() {
        life.join();
        for (life.host->run_all(); life.work(); life.host->run_all()) {
        }
    }
    [[nodiscard]] std::vector<JobId> children_of(JobId parent) const {
        std::vector<JobId> children;
        for (const store::JobRecord& job : life.store.jobs()) {
            if (job.parent == parent) children.push_back(job.id);
        }
        return children;
    }
    [[nodiscard]] std::string error_of(JobId id) const {
        const auto record = life.store.job(id);
        return record && record->error ? record->error->message : "";
    }
    EngineLife life;
};

// ---- repeated submissions -----------------------------------------------------------------------

// A client whose answer was lost submits again with the same key: while the job lives, once it is
// over, and to the next master.
TEST_F(LinkedJobsTest, ARepeatedSubmissionIsTakenOnce) {
    const auto submit = [&](std::uint64_t tasks, std::string key) {
        JobRequest request;
        request.type = "noop";
        request.params = {{"task_count", tasks}};
        request.validation = "none";
        request.idempotency_key = std::move(key);
        return life.engine().submit(std::move(request));
    };
    const auto first = submit(2, "k");
    ASSERT_TRUE(first);
    EXPECT_EQ(*submit(2, "k"), *first);
    EXPECT_NE(*submit(2, "another"), *first);
    EXPECT_NE(*submit(2, ""), *submit(2, ""));
    const auto other = submit(3, "k");
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, ErrorCode::Conflict);
    EXPECT_THAT(other.error().message, testing::HasSubstr("give each job a key of its own"));
    work_to_the_end();
    EXPECT_EQ(life.store.job(*first)->state, store::JobState::Succeeded);
    EXPECT_EQ(*submit(2, "k"), *first);
    life.start();
    EXPECT_EQ(*submit(2, "k"), *first);
}

// ---- after --------------------------------------------------------------------------------------

TEST_F(LinkedJobsTest, AJobWaitsForThoseThatItComesAfter) {
    const JobId first = life.submit("part");
    const JobId second = submit_after("part", {first}).value();
    life.host->run_all();
    EXPECT_FALSE(life.engine().live_job(second)->begun());
    EXPECT_THAT(life.engine().live_job(second)->waits_for, ElementsAre(first));
    work_to_the_end();
    EXPECT_EQ(life.state(first), JobState::Succeeded);
    EXPECT_EQ(life.state(second), JobState::Succeeded);
    EXPECT_THAT(life.store.job(second)->after, ElementsAre(first));
}

TEST_F(LinkedJobsTest, WhatComesAfterAJobThatDoesNotSucceedFailsAndSaysWhy) {
    const JobId first = life.submit("part");
    const JobId second = submit_after("part", {first}).value();
    const JobId third = submit_after("part", {second}).value();
    ASSERT_TRUE(life.engine().cancel(first));
    life.host->run_all();
    EXPECT_EQ(life.state(second), JobState::Failed);
    EXPECT_EQ(error_of(second), "job 1 (part), which it comes after, was cancelled");
    EXPECT_THAT(error_of(third), HasSubstr("job 2 (part), which it comes after, failed: job 1"));
}

TEST_F(LinkedJobsTest, AJobThatThereIsNotOrThatFailedIsNothingToComeAfter) {
    const JobId first = life.submit("part");
    EXPECT_THAT(submit_after("part", {JobId{7}}).error().message,
                HasSubstr("comes after job 7, and there is no such job"));
    ASSERT_TRUE(life.engine().cancel(first));
    life.host->run_all();
    EXPECT_THAT(submit_after("part", {first}).error().message,
                HasSubstr("job 1 (part), which it comes after, was cancelled; submit that one"));
}

// A restart is invisible: what waited waits, and what was waited for is not done again.
TEST_F(LinkedJobsTest, AMasterThatDiesLeavesWaitingJobsWaiting) {
    const JobId first = life.submit("part");
    const JobId second = submit_after("part", {first}).value();
    life.host->run_all();
    life.start();
    life.host->run_all();
    EXPECT_THAT(life.engine().live_job(second)->waits_for, ElementsAre(first));
    work_to_the_end();
    EXPECT_EQ(life.state(second), JobState::Succeeded);
}

// ---- job:N --------------------------------------------------------------------------------------

TEST_F(LinkedJobsTest, AJobReadsWhatAnotherWillHaveWritten) {
    const JobId first = life.submit("write");
    const JobId second = submit_after("read", {}, {{"data", "job:1/text"}}).value();
    const JobId third = submit_after("read", {first}, {{"data", "Data/out.csv"}}).value();
    work_to_the_end();
    EXPECT_EQ(life.store.job(second)->result, R"({"read":"write"})") << error_of(second);
    EXPECT_EQ(life.store.job(third)->result, R"({"read":"write"})") << error_of(third);
    const JobId fourth = submit_after("read", {}, {{"data", "job:1"}}).value();
    work_to_the_end();
    EXPECT_EQ(life.store.job(fourth)->result, R"({"read":"write"})") << error_of(fourth);
}

TEST_F(LinkedJobsTest, AFileThatAnotherHasReplacedIsNotTheJobs) {
    std::ignore = life.submit("write");
    work_to_the_end();
    std::ofstream{life.options.root / "Data" / "out.csv"} << "another's";
    const JobId second = submit_after("read", {}, {{"data", "job:1/text"}}).value();
    work_to_the_end();
    EXPECT_THAT(error_of(second), HasSubstr("params.data: job:1/text is Data/out.csv, which is not "
                                            "as that job left it"));
}

TEST_F(LinkedJobsTest, WhatNamesNoFileOfAJobIsRefused) {
    std::ignore = life.submit("write");
    work_to_the_end();
    const auto refusal = [&](const char* text) {
        return submit_after("read", {}, {{"data", text}}).error().message;
    };
    EXPECT_THAT(refusal("job:x"), HasSubstr("params.data: \"job:x\" names no file of a job"));
    EXPECT_THAT(refusal("job:1/model"), HasSubstr("job 1 wrote no \"model\"; it wrote text"));
    EXPECT_THAT(refusal("job:5/text"), HasSubstr("job 5, and there is no such job"));
}

// ---- Jobs that are made of other jobs -----------------------------------------------------------

TEST_F(LinkedJobsTest, AJobSubmitsOthersAndGathersTheirResults) {
    const JobId parent = life.submit("parent");
    work_to_the_end();
    EXPECT_EQ(life.state(parent), JobState::Succeeded) << error_of(parent);
    EXPECT_EQ(life.store.job(parent)->result, R"({"first":"{}","gathered":5})");
    EXPECT_EQ(children_of(parent).size(), 5U);
}

TEST_F(LinkedJobsTest, WhoCancelsAJobCancelsWhatItHasSubmitted) {
    const JobId parent = life.submit("parent");
    life.host->run_all();
    const auto children = children_of(parent);
    ASSERT_EQ(children.size(), 3U);
    ASSERT_TRUE(life.engine().cancel(parent));
    life.host->run_all();
    for (const JobId child : children) EXPECT_EQ(life.state(child), JobState::Cancelled);
    EXPECT_THAT(life.engine().live_jobs(), IsEmpty());
}

TEST_F(LinkedJobsTest, AJobFailsWithTheFirstThatItHasSubmitted) {
    const JobId parent = life.submit("parent");
    life.host->run_all();
    const auto children = children_of(parent);
    ASSERT_EQ(children.size(), 3U);
    ASSERT_TRUE(life.engine().cancel(children[1]));
    life.host->run_all();
    EXPECT_EQ(life.state(parent), JobState::Failed);
    EXPECT_EQ(error_of(parent), "job 3 (part), which it has submitted, was cancelled");
    EXPECT_THAT(life.engine().live_jobs(), IsEmpty());
}

// Wherever the master dies, no child is submitted twice, and none is left out.
TEST_F(LinkedJobsTest, AMasterThatDiesAtAnyStepGoesOnWithTheSameChildren) {
    for (int steps = 0; steps < 60; ++steps) {
        EngineLife other;
        other.types["part"] = slow_job("part", 2);
        other.types["parent"] = parent_job("parent", three_and_two);
        other.start();
        const JobId parent = other.submit("parent");
        const auto work = [&](int count) {
            other.join();
            other.host->run_all();
            for (int i = 0; i < count && other.work(); ++i) other.host->run_all();
        };
        other.host->run_thread();
        for (int i = 0; i < steps % 4 && other.host->slow_count() > 0; ++i) {
            other.host->run_one_slow();
            other.host->run_one_posted();
        }
        if (steps >= 4) work(steps / 4);
        other.start();
        work(1000);
        EXPECT_EQ(other.store.job(parent)->result, R"({"first":"{}","gathered":5})") << steps;
        std::size_t count = 0;
        for (const store::JobRecord& job : other.store.jobs()) count += job.parent == parent;
        EXPECT_EQ(count, 5U) << steps;
    }
}

TEST_F(LinkedJobsTest, AChildThatIsRefusedFailsItsParentWithItsPlace) {
    life.types["parent"] = parent_job("parent", [](auto) -> Result<jobs::JobsOrResult> {
        return jobs::JobsOrResult{.jobs = {{.type = "part"}, {.type = "nothing"}}};
    });
    const JobId parent = life.submit("parent");
    work_to_the_end();
    EXPECT_EQ(error_of(parent), "its job 2 of 2 (nothing): type: \"nothing\" is unknown");
    for (const JobId child : children_of(parent)) {
        EXPECT_EQ(life.state(child), JobState::Cancelled);
    }
}

// Two children of one type have one default for their outputs: neither writes there.
TEST_F(LinkedJobsTest, AChildWritesOnlyWhatItsParamsName) {
    life.types["parent"] = parent_job("parent", [](auto results) -> Result<jobs::JobsOrResult> {
        jobs::JobsOrResult next;
        if (!results.empty()) return jobs::JobsOrResult{.result = results[0] + results[1]};
        next.jobs.push_back({.type = "write"});
        next.jobs.push_back({.type = "write", .params = {{"output", "Data/named.csv"}}});
        return next;
    });
    const JobId parent = life.submit("parent");
    work_to_the_end();
    EXPECT_EQ(nlohmann::json::parse(life.store.job(parent)->result),
              R"({"files":{}}{"files":{"text":"Data/named.csv"}})")
        << error_of(parent);
    EXPECT_FALSE(std::filesystem::exists(life.options.root / "Data" / "out.csv"));
    EXPECT_TRUE(std::filesystem::exists(life.options.root / "Data" / "named.csv"));
}

TEST_F(LinkedJobsTest, AJobThatPausesHoldsBackWhatItHasSubmitted) {
    const JobId parent = life.submit("parent");
    life.host->run_all();
    ASSERT_TRUE(life.engine().pause(parent, true));
    work_to_the_end();
    for (const JobId child : children_of(parent)) EXPECT_EQ(life.state(child), JobState::Paused);
    ASSERT_TRUE(life.engine().pause(parent, false));
    work_to_the_end();
    EXPECT_EQ(life.state(parent), JobState::Succeeded) << error_of(parent);
}

}  // namespace
}  // namespace netcompute::engine
