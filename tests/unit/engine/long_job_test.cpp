#include "engine/api_backend.hpp"
#include "engine/receipt_reader.hpp"
#include "engine_life.hpp"
#include "fold_here.hpp"
#include <netcompute/sha256.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace netcompute::engine {
namespace {

using life::EngineLife;
using store::JobState;

constexpr std::uint32_t round_count = 1000;
constexpr std::uint32_t tasks_per_round = 12;

/// A thousand rounds of twelve tasks; each round's state is the hash of the one before.
class ChainProgram final : public programs::Program {
 public:
    [[nodiscard]] std::optional<programs::Round> round() const override {
        if (folds_ == round_count) return std::nullopt;
        return programs::Round{"noop", 1, {}, tasks_per_round};
    }
    [[nodiscard]] std::vector<programs::TaskInput> task_inputs(TaskIndex) const override {
        return {Bytes{}};
    }
    [[nodiscard]] Result<void> finish_round(std::span<const ByteSpan> outputs,
                                            programs::RoundWork&) override {
        if (outputs.size() != tasks_per_round) {
            return unexpected(ErrorCode::ShapeMismatch, "an output is missing");
        }
        chain_ = sha256(checkpoint());
        ++folds_;
        return {};
    }
    [[nodiscard]] Bytes checkpoint() const override {
        Bytes bytes;
        ByteWriter writer{bytes};
        writer.number(folds_);
        writer.bytes(std::as_bytes(std::span{chain_.digest}));
        return bytes;
    }
    [[nodiscard]] Result<void> restore(ByteSpan checkpoint) override {
        ByteReader reader{checkpoint};
        folds_ = reader.number<std::uint32_t>();
        const ByteSpan chain = reader.bytes(chain_.digest.size());
        if (!reader.finished()) return unexpected(ErrorCode::InvalidArgument, "no state of this");
        std::memcpy(chain_.digest.data(), chain.data(), chain.size());
        return {};
    }
    [[nodiscard]] Bytes result_bytes() const override { return checkpoint(); }
    [[nodiscard]] programs::Progress progress() const override {
        return {static_cast<double>(folds_) / round_count, {{"folds", folds_}}};
    }

 private:
    std::uint32_t folds_ = 0;
    Sha256 chain_;
};

JobType chain_job() {
    JobType type;
    type.name = "chain";
    type.is_quick = true;
    type.make = [](const ParamValues&, const JobContext&) -> Result<PreparedJob> {
        auto program = std::make_unique<ChainProgram>();
        auto finish = [finished = program.get()]() -> Result<nlohmann::json> {
            return nlohmann::json{{"sha256", to_hex(sha256(finished->result_bytes()))}};
        };
        return PreparedJob{std::move(program), std::move(finish), true, {}};
    };
    return type;
}

std::string expected_result() {
    ChainProgram program;
    const std::vector<ByteSpan> outputs(tasks_per_round);
    while (program.round()) EXPECT_TRUE(test_support::fold_here(program, outputs));
    return to_hex(sha256(program.result_bytes()));
}

class LongJobTest : public ::testing::Test {
 protected:
    LongJobTest() {
        life.types["chain"] = chain_job();
        life.start();
        id = life.submit("chain");
        life.join();
    }
    /// Works until this round is due, or to the end.
    void work_up_to(RoundIndex round) {
        for (life.host->run_all(); life.work(); life.host->run_all()) {
            const JobRun* const job = life.engine().live_job(id);
            if (job == nullptr || job->round_index >= round) return;
        }
    }
    EngineLife life;
    JobId id;
};

// However many rounds a job has, the store has the states and outputs of few of them, and of the
// others a line each.
TEST_F(LongJobTest, WhatIsKeptOfAJobDoesNotGrowWithItsRounds) {
    for (const RoundIndex round : {100U, 500U, 999U}) {
        work_up_to(round);
        const auto plan = life.store.plan(id);
        ASSERT_TRUE(plan);
        EXPECT_LE(plan->rounds.size(), 33U) << round;
        EXPECT_LE(plan->checkpoints.size(), 33U + 10) << round;
        EXPECT_EQ(plan->checkpoints.front().round, 0U);
        ASSERT_GE(plan->forgotten.size(), round - 32U);
        EXPECT_LT(plan->forgotten.back().told.size(), 200U);
    }
}

// A restart in the middle is invisible; the receipt has all rounds, each in less than a kilobyte.
TEST_F(LongJobTest, ARestartInTheMiddleChangesNothing) {
    for (const RoundIndex round : {40U, 41U, 500U, 777U}) {
        work_up_to(round);
        ASSERT_NE(life.engine().live_job(id), nullptr);
        life.start();
        life.host->run_all();
        life.join();
    }
    work_up_to(round_count);
    life.host->run_all();
    ASSERT_EQ(life.state(id), JobState::Succeeded);
    const auto record = life.store.job(id);
    EXPECT_EQ(nlohmann::json::parse(record->result).at("sha256"), expected_result());
    const auto bytes = life.store.receipt(id);
    ASSERT_TRUE(bytes);
    const auto work = decode_receipt_work(*bytes);
    ASSERT_TRUE(work);
    EXPECT_EQ(work->rounds.size(), round_count);
    const std::string text = receipt_text(*record, *work);
    EXPECT_LT(text.size(), 1000U * round_count);
    const auto receipt = read_receipt(text);
    ASSERT_TRUE(receipt) << receipt.error().message;
    std::uint64_t given = 0;
    for (const ReceiptWorker& worker : receipt->work.workers) given += worker.output_count;
    EXPECT_EQ(given, std::uint64_t{round_count} * tasks_per_round);
}

// People are told where the job stands, also by the next master.
TEST_F(LongJobTest, ItsProgressIsTold) {
    const auto told = [this] {
        return ApiBackend{life.engine(), [] { return std::string{}; }}.job(id)->at("progress");
    };
    work_up_to(250);
    EXPECT_EQ(told(), (nlohmann::json{{"fraction", 0.25}, {"metrics", {{"folds", 250}}}}));
    life.start();
    life.host->run_all();
    EXPECT_EQ(told().at("fraction"), 0.25);
}

// A worker that is proven wrong late had its part in forgotten rounds: the job begins again from a
// state before its first result, and ends right.
TEST_F(LongJobTest, AForgottenRoundIsDoneAgainFromTheLastStateBeforeIt) {
    work_up_to(300);
    const JobRun* const job = life.engine().live_job(id);
    ASSERT_NE(job, nullptr);
    ASSERT_GT(job->first_kept(), 260U);
    EXPECT_EQ(job->checkpoint_for(260), 256U);
    // What the scheduler answers when it finds a liar.
    life.effects_to_add.push_back(core::VisitRound{id, 260});
    life.work();
    life.host->run_all();
    ASSERT_NE(life.engine().live_job(id), nullptr);
    EXPECT_EQ(life.engine().live_job(id)->first_kept(), 256U);
    EXPECT_EQ(life.store.plan(id)->forgotten.size(), 256U);
    work_up_to(round_count);
    life.host->run_all();
    ASSERT_EQ(life.state(id), JobState::Succeeded);
    EXPECT_EQ(nlohmann::json::parse(life.store.job(id)->result).at("sha256"), expected_result());
    EXPECT_EQ(decode_receipt_work(*life.store.receipt(id))->rounds.size(), round_count);
}

}  // namespace
}  // namespace netcompute::engine
