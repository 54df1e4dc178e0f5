#include "server/verify.hpp"

#include "computed_job.hpp"
#include "generate_csv.hpp"
#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace netcompute::server {
namespace {

using test_support::compute_job;
using test_support::ComputedJob;
using test_support::TemporaryFolder;
using test_support::value_or_throw;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace fs = std::filesystem;

class VerifyTest : public ::testing::Test {
 protected:
    VerifyTest() {
        fs::create_directories(root() / "Data");
        fs::copy(fs::path{NETCOMPUTE_SOURCE_DIR} / "Data" / "train.csv", root() / "Data");
        fs::copy(fs::path{NETCOMPUTE_SOURCE_DIR} / "Data" / "test.csv", root() / "Data");
    }

    [[nodiscard]] fs::path root() const { return folder_.path() / "project"; }

    [[nodiscard]] ComputedJob compute(const std::string& type, const nlohmann::json& params) {
        return compute_job(type, params, root(), folder_.path() / "blobs");
    }

    [[nodiscard]] Result<Verification> verify(const ComputedJob& job,
                                              std::optional<std::uint64_t> sample,
                                              std::uint64_t seed = 1) const {
        const auto receipt = value_or_throw(engine::read_receipt(job.receipt()));
        return server::verify(receipt, {{}, root(), sample, seed});
    }

    /// What a forger does who wants a round's results to look whole.
    static void sum_up(ComputedJob& job) {
        for (auto& round : job.work.rounds) {
            if (!round.outputs.empty())
                round.results_sha256 = engine::results_sha256(round.outputs);
        }
    }

    [[nodiscard]] std::vector<std::string> differences(const ComputedJob& job) const {
        return value_or_throw(verify(job, std::nullopt)).differences;
    }

    /// Both ways agree with an honest receipt, and do what they say.
    void expect_verified(const ComputedJob& job, std::uint64_t task_count) {
        const auto whole = value_or_throw(verify(job, std::nullopt));
        EXPECT_THAT(whole.differences, IsEmpty());
        EXPECT_EQ(whole.tasks_total, task_count);
        EXPECT_EQ(whole.tasks_computed, task_count);
        const auto some = value_or_throw(verify(job, 5));
        EXPECT_THAT(some.differences, IsEmpty());
        // Those that were drawn, and what they need: the rounds before them.
        const std::uint64_t drawn = std::min<std::uint64_t>(5, task_count);
        if (job.work.rounds.size() == 1)
            EXPECT_EQ(some.tasks_computed, drawn);
        else
            EXPECT_GE(some.tasks_computed, drawn);
    }

    TemporaryFolder folder_;
};

TEST_F(VerifyTest, MonteCarloPi) {
    const std::uint64_t samples = (std::uint64_t{1} << 22) * 8 + 5;
    expect_verified(compute("monte_carlo_pi", {{"samples", samples}, {"seed", 4}}), 9);
}

TEST_F(VerifyTest, Noop) {
    expect_verified(compute("noop", {{"task_count", 1000}, {"payload_bytes", 9}}), 1000);
}

TEST_F(VerifyTest, TrainingOnTitanicAndItsPrediction) {
    const ComputedJob training = compute("train", nlohmann::json::object());
    std::uint64_t task_count = 0;
    for (const auto& round : training.work.rounds) task_count += round.task_count;
    ASSERT_GT(training.work.rounds.size(), 3U);
    expect_verified(training, task_count);

    const ComputedJob prediction = compute("predict", nlohmann::json::object());
    expect_verified(prediction, prediction.work.rounds.at(0).outputs.size());
}

TEST_F(VerifyTest, TrainingOnManyShards) {
    const std::string table = test_support::generate_passengers({20'000, 3, true});
    folder_.write("project/Data/many.csv", table);
    const ComputedJob training = compute("train", {{"data", "many.csv"}});
    ASSERT_GT(training.work.rounds.at(0).outputs.size(), 1U);
    EXPECT_THAT(differences(training), IsEmpty());
}

// Verification looks at a job; it must not replace the model or the predictions that lie there.
TEST_F(VerifyTest, WritesNothingIntoTheDataFolder) {
    const ComputedJob training = compute("train", nlohmann::json::object());
    for (const char* const name : {"Data/model.json", "Data/submission_train.csv"}) {
        ASSERT_TRUE(fs::remove(root() / name)) << name;
    }
    EXPECT_THAT(differences(training), IsEmpty());
    for (const char* const name : {"Data/model.json", "Data/submission_train.csv"}) {
        EXPECT_FALSE(fs::exists(root() / name)) << name;
    }
}

// A forger may give a changed receipt a right root; the computation finds him and names the worker.
TEST_F(VerifyTest, AFalseResultIsFoundWithItsWorker) {
    ComputedJob job = compute("noop", {{"task_count", 10}});
    job.work.rounds[0].outputs[7].sha256 = sha256({});
    ASSERT_EQ(job.work.rounds[0].outputs[7].worker, WorkerId{2});
    job.work.rounds[0].outputs[7].sha256.digest[0] ^= 1;
    sum_up(job);
    EXPECT_THAT(differences(job),
                ElementsAre(AllOf(HasSubstr("round 0 task 7: browser worker tab-2 (key-2) gave "),
                                  HasSubstr("computed here it is " + to_hex(sha256({}))))));
    EXPECT_EQ(value_or_throw(verify(job, 10)).differences.size(), 1U);
}

// A lie in a state is found at its round and does not hide what stands after it.
TEST_F(VerifyTest, AFalseStateIsFoundAtItsRound) {
    ComputedJob job = compute("train", nlohmann::json::object());
    job.work.rounds[2].state_sha256.digest[0] ^= 1;
    EXPECT_THAT(
        differences(job),
        testing::Contains(HasSubstr("round 2: the receipt's state is not what round 1 leads")));
    ComputedJob first = compute("train", nlohmann::json::object());
    first.work.rounds[0].state_sha256.digest[0] ^= 1;
    EXPECT_THAT(value_or_throw(verify(first, 1)).differences,
                ElementsAre(HasSubstr("round 0: the receipt's state is not the one in which")));
}

// Of a later round with many tasks the receipt tells less, and what is false in it is found all the
// same, by all and by each sample that comes so far.
TEST_F(VerifyTest, AFalseResultOfALaterRoundIsFound) {
    folder_.write("project/Data/many.csv", test_support::generate_passengers({80'000, 3, true}));
    ComputedJob job = compute("train", {{"data", "many.csv"}});
    ASSERT_TRUE(job.work.rounds[2].outputs.empty());
    expect_verified(job, [&] {
        std::uint64_t count = 0;
        for (const auto& round : job.work.rounds) count += round.task_count;
        return count;
    }());
    job.work.rounds[2].results_sha256.digest[0] ^= 1;
    const auto is_found = ElementsAre(HasSubstr("round 2: its results have the SHA-256 "));
    EXPECT_THAT(differences(job), is_found);
    EXPECT_THAT(value_or_throw(verify(job, 50)).differences, is_found);
}

TEST_F(VerifyTest, AFalseResultDocumentIsFound) {
    ComputedJob job = compute("monte_carlo_pi", {{"samples", 1000}});
    auto result = nlohmann::json::parse(job.record.result);
    result["estimate"] = 3.2;
    result["bonus"] = true;
    job.record.result = result.dump();
    EXPECT_THAT(differences(job),
                ElementsAre(HasSubstr("the result: estimate: the receipt has 3.2, computed here"),
                            HasSubstr("the result: bonus: the receipt has true")));
}

TEST_F(VerifyTest, MissingAndExtraRoundsAreFound) {
    const ComputedJob job = compute("train", nlohmann::json::object());
    ComputedJob shorter = job;
    shorter.work.rounds.pop_back();
    EXPECT_THAT(differences(shorter),
                ElementsAre(HasSubstr("the receipt ends here, but the program goes on")));
    ComputedJob none = job;
    none.work.rounds.clear();
    EXPECT_THAT(differences(none), ElementsAre("the receipt has no round"));
    ComputedJob fewer = job;
    ASSERT_TRUE(fewer.work.rounds[1].outputs.empty());
    fewer.work.rounds[1].task_count -= 1;
    EXPECT_THAT(differences(fewer), ElementsAre(HasSubstr("round 1: the receipt has ")));
}

std::string error_of(const Result<Verification>& verification) {
    return verification ? "verified" : verification.error().message;
}

// Another build's kernel is nobody's lie, so it is told apart from one.
TEST_F(VerifyTest, AnotherKernelVersionCannotBeVerified) {
    ComputedJob job = compute("noop", {{"task_count", 2}});
    job.work.rounds[0].kernel_version = 9;
    job.work.software = "7.0.0";
    EXPECT_EQ(error_of(verify(job, 1)),
              "round 0 was computed with the kernel noop@9, but this build computes it with "
              "noop@1: verify it with netcompute 7.0.0");
    job.work.rounds[0].kernel = "logistic_newton";
    EXPECT_THAT(differences(job), ElementsAre(HasSubstr("kernel is logistic_newton@9")));
}

TEST_F(VerifyTest, AChangedOrMissingInputIsNamed) {
    const ComputedJob job = compute("train", nlohmann::json::object());
    const fs::path table = root() / "Data" / "train.csv";
    const std::string text = test_support::read_file(table);
    folder_.write("project/Data/train.csv", text + "\n");
    EXPECT_THAT(error_of(verify(job, 1)),
                AllOf(HasSubstr("input data: "), HasSubstr("Data/train.csv is not the file that"),
                      HasSubstr(to_hex(sha256(as_byte_span(text))))));
    fs::remove(table);
    EXPECT_THAT(error_of(verify(job, 1)),
                AllOf(HasSubstr("input data: Data/train.csv is not below "), HasSubstr("--root")));
}

// A receipt from another PC may name a file by a path that only that PC has.
TEST_F(VerifyTest, AnInputIsFoundByItsName) {
    ComputedJob job = compute("train", nlohmann::json::object());
    job.record.inputs.at(0).path = "/far/away/train.csv";
    EXPECT_EQ(error_of(verify(job, 1)), "verified");
}

TEST_F(VerifyTest, OnlyAJobThatSucceededIsVerified) {
    ComputedJob job = compute("noop", {{"task_count", 2}});
    job.record.state = store::JobState::Cancelled;
    EXPECT_THAT(error_of(verify(job, 1)), HasSubstr("the receipt's job is Cancelled"));
    job.record.state = store::JobState::Succeeded;
    job.record.type = "unheard_of";
    EXPECT_THAT(error_of(verify(job, 1)), HasSubstr("job type unheard_of is not in this build"));
}

// The draw is the seed's: the same tasks again, other tasks with another one, and each in its turn.
TEST_F(VerifyTest, ASeedDrawsItsTasks) {
    ComputedJob job = compute("noop", {{"task_count", 40}});
    for (auto& output : job.work.rounds[0].outputs) output.sha256.digest[0] ^= 1;
    sum_up(job);
    const auto drawn = [&](std::uint64_t seed) {
        return value_or_throw(verify(job, 4, seed)).differences;
    };
    const auto first = drawn(1);
    EXPECT_EQ(first.size(), 4U);
    EXPECT_EQ(drawn(1), first);
    EXPECT_NE(drawn(2), first);
    std::set<std::string> seen;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        for (const std::string& difference : drawn(seed)) seen.insert(difference);
    }
    EXPECT_EQ(seen.size(), 40U);
}

}  // namespace
}  // namespace netcompute::server
