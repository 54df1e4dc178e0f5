// The plans whose tasks do not depend on each other: noop, monte_carlo_pi and predict.
#include "fold_here.hpp"
#include "program_checks.hpp"
#include "training_blobs.hpp"
#include <netcompute/kernels/tile.hpp>
#include <netcompute/programs/monte_carlo_pi.hpp>
#include <netcompute/programs/noop.hpp>

#include <gmock/gmock.h>

#include <cmath>
#include <set>

namespace netcompute::programs {
namespace {

using testing::BlobMap;
using ::testing::HasSubstr;

std::optional<ByteSpan> no_blobs(const Sha256&) {
    return std::nullopt;
}

// The same bytes whether tasks remember something, nothing, or have no memo.
TEST(RunInProcessTest, AMemoChangesNoBit) {
    const testing::TrainingData data = testing::random_training_data({40, 30}, 2, 1);
    BlobMap blobs;
    const TrainPlan plan = testing::train_plan(data, blobs);
    const BlobSource source = blobs.source();
    TrainProgram plain{plan};
    ASSERT_TRUE(run_in_process(plain, source));
    for (const std::size_t bytes_max : {std::size_t{0}, std::size_t{1000}, std::size_t{1} << 20}) {
        kernels::MemoStore memo{bytes_max};
        TrainProgram program{plan};
        ASSERT_TRUE(run_in_process(program, source, {.memo = &memo}));
        EXPECT_EQ(program.result_bytes(), plain.result_bytes());
    }
}

TEST(RunInProcessTest, AMissingBlobIsAnErrorThatNamesIt) {
    const testing::TrainingData data = testing::random_training_data({5}, 2, 1);
    BlobMap blobs;
    TrainProgram program{testing::train_plan(data, blobs)};
    const Result<void> result = run_in_process(program, no_blobs);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::NotFound);
    EXPECT_THAT(result.error().message, HasSubstr(to_hex(sha256(data.feature_tiles[0]))));
}

TEST(RunInProcessTest, AKernelsErrorNamesTheTask) {
    testing::TrainingData data = testing::random_training_data({5, 6}, 2, 1);
    data.label_tiles[1] = data.label_tiles[0];
    BlobMap blobs;
    TrainProgram program{testing::train_plan(data, blobs)};
    const Result<void> result = run_in_process(program, blobs.source());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::ShapeMismatch);
    EXPECT_THAT(result.error().message, HasSubstr("task 1: logistic_newton: labels have 5 rows"));
}

TEST(NoopProgramTest, EveryTaskCarriesItsOwnPayload) {
    const NoopProgram program{{100, 13}};
    std::set<Bytes> payloads;
    for (TaskIndex index = 0; index < 100; ++index) {
        const std::vector<TaskInput> inputs = program.task_inputs(index);
        ASSERT_EQ(inputs.size(), 1u);
        EXPECT_EQ(std::get<Bytes>(inputs[0]).size(), 13u);
        payloads.insert(std::get<Bytes>(inputs[0]));
    }
    EXPECT_EQ(payloads.size(), 100u);
}

TEST(NoopProgramTest, APayloadThatComesBackChangedIsAnError) {
    for (const std::uint32_t size : {1u, 8u, 13u}) {
        NoopProgram program{{3, size}};
        std::vector<Bytes> outputs = testing::round_outputs(program, no_blobs);
        outputs[2].back() ^= std::byte{1};
        const Result<void> folded = test_support::fold_here(program, testing::spans_of(outputs));
        ASSERT_FALSE(folded);
        EXPECT_THAT(folded.error().message, HasSubstr("task 2"));
    }
}

TEST(NoopProgramTest, PayloadsMayBeEmpty) {
    NoopProgram program{{4, 0}};
    EXPECT_TRUE(run_in_process(program, no_blobs));
    EXPECT_FALSE(program.round());
    EXPECT_EQ(program.result_bytes().size(), 8u);
}

TEST(NoopProgramTest, RestartsChangeNothing) {
    const auto make = [] { return std::make_unique<NoopProgram>(NoopPlan{5, 9}); };
    EXPECT_EQ(testing::expect_restarts_to_change_nothing(make, no_blobs), 2u);
    testing::expect_damaged_checkpoints_to_be_refused(*make());
    testing::expect_wrong_sizes_to_be_refused(*make(), no_blobs);
}

TEST(MonteCarloPiProgramTest, EstimatesPiWithinItsStandardError) {
    MonteCarloPiProgram program{{10'000'000, 42}};
    ASSERT_EQ(program.round()->task_count, 3u);
    ASSERT_TRUE(run_in_process(program, no_blobs));
    EXPECT_EQ(program.samples(), 10'000'000u);
    EXPECT_NEAR(program.standard_error(), 5.2e-4, 1e-5);
    EXPECT_NEAR(program.estimate(), 3.14159265, 4 * program.standard_error());
}

TEST(MonteCarloPiProgramTest, TasksCoverTheSamplesOnce) {
    constexpr std::uint64_t whole = MonteCarloPiProgram::samples_per_task;
    for (const auto& [samples, tasks] :
         {std::pair{std::uint64_t{1}, 1u}, std::pair{whole, 1u}, std::pair{whole + 1, 2u}}) {
        const MonteCarloPiProgram program{{samples, 1}};
        ASSERT_EQ(program.round()->task_count, tasks);
        std::uint64_t next = 0;
        for (TaskIndex index = 0; index < tasks; ++index) {
            const std::vector<TaskInput> inputs = program.task_inputs(index);
            ByteReader reader{std::get<Bytes>(inputs[0])};
            EXPECT_EQ(reader.number<std::uint64_t>(), 1u);
            EXPECT_EQ(reader.number<std::uint64_t>(), next);
            next += reader.number<std::uint64_t>();
        }
        EXPECT_EQ(next, samples);
    }
}

TEST(MonteCarloPiProgramTest, MoreHitsThanSamplesAreAnError) {
    MonteCarloPiProgram program{{1000, 1}};
    Bytes output;
    ByteWriter{output}.number(std::uint64_t{1001});
    EXPECT_FALSE(test_support::fold_here(program, testing::spans_of({output})));
}

TEST(MonteCarloPiProgramTest, RestartsChangeNothing) {
    const auto make = [] {
        return std::make_unique<MonteCarloPiProgram>(MonteCarloPiPlan{5'000'000, 7});
    };
    EXPECT_EQ(testing::expect_restarts_to_change_nothing(make, no_blobs), 2u);
    testing::expect_damaged_checkpoints_to_be_refused(*make());
    testing::expect_wrong_sizes_to_be_refused(*make(), no_blobs);
}

// Stores and receipts hold checkpoints of former versions.
TEST(MonteCarloPiProgramTest, ACheckpointHasTheBytesThatItAlwaysHad) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.bytes(as_byte_span("PMP1"));
    writer.number(std::uint32_t{1});
    writer.number(std::uint64_t{785});
    MonteCarloPiProgram program{{1000, 1}};
    ASSERT_TRUE(program.restore(bytes));
    EXPECT_EQ(program.checkpoint(), bytes);
    EXPECT_EQ(program.inside(), 785u);
    EXPECT_FALSE(program.round());
}

TEST(PredictProgramTest, ScoresComeInRowOrder) {
    const testing::TrainingData data = testing::random_training_data({20, 1, 33}, 3, 8);
    BlobMap blobs;
    const LogisticModel model{{0.5, -1, 2}, 0.25};
    PredictProgram program{testing::predict_plan(data, blobs, model)};
    ASSERT_TRUE(run_in_process(program, blobs.source()));
    ASSERT_EQ(program.scores().size(), 54u);
    std::size_t at = 0;
    for (std::size_t shard = 0; shard < 3; ++shard) {
        const auto tile = *kernels::decode_tile(data.feature_tiles[shard]);
        for (std::uint32_t row = 0; row < tile.row_count; ++row) {
            EXPECT_NEAR(
                program.scores()[at++],
                0.25 + 0.5 * tile.column(0)[row] - tile.column(1)[row] + 2 * tile.column(2)[row],
                1e-13);
        }
    }
    EXPECT_EQ(program.result_bytes().size(), 54 * sizeof(double));
}

TEST(PredictProgramTest, RestartsChangeNothing) {
    const testing::TrainingData data = testing::random_training_data({20, 1, 33}, 3, 8);
    BlobMap blobs;
    const PredictPlan plan = testing::predict_plan(data, blobs, {{1, 2, 3}, 4});
    const auto make = [&] { return std::make_unique<PredictProgram>(plan); };
    EXPECT_EQ(testing::expect_restarts_to_change_nothing(make, blobs.source()), 2u);
    testing::expect_damaged_checkpoints_to_be_refused(*make());
    testing::expect_wrong_sizes_to_be_refused(*make(), blobs.source());
    const auto finished = make();
    ASSERT_TRUE(run_in_process(*finished, blobs.source()));
    testing::expect_damaged_checkpoints_to_be_refused(*finished);
}

}  // namespace
}  // namespace netcompute::programs
