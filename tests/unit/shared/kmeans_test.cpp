#include "program_checks.hpp"
#include "training_blobs.hpp"
#include <netcompute/kernels/tile.hpp>
#include <netcompute/programs/kmeans.hpp>
#include <netcompute/random.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace netcompute::programs {
namespace {

using testing::BlobMap;

/// Rows, each of so many features.
using Rows = std::vector<std::vector<double>>;

KMeansJob job_of(const Rows& rows, std::uint32_t clusters, BlobMap& blobs,
                 std::size_t rows_of_shard = 50) {
    KMeansJob job;
    job.features = static_cast<std::uint32_t>(rows[0].size());
    job.clusters = clusters;
    for (std::size_t first = 0; first < rows.size(); first += rows_of_shard) {
        const std::size_t count = std::min(rows_of_shard, rows.size() - first);
        std::vector<double> values;
        for (std::uint32_t i = 0; i < job.features; ++i) {
            for (std::size_t row = first; row < first + count; ++row) {
                values.push_back(rows[row][i]);
            }
        }
        job.row_counts.push_back(static_cast<std::uint32_t>(count));
        job.shards.push_back(
            blobs.add(kernels::encode_tile(job.row_counts.back(), job.features, values)));
    }
    return job;
}

/// Rows around (0, 0), (0, 6), (0, 12), …: one after another.
Rows heaps(std::uint32_t clusters, std::uint32_t rows, std::uint64_t seed) {
    Philox random{seed};
    Rows all;
    for (std::uint32_t row = 0; row < rows; ++row) {
        all.push_back({random.next_unit() - 0.5, random.next_unit() - 0.5 + 6 * (row % clusters)});
    }
    return all;
}

double squared_distance(std::span<const double> a, std::span<const double> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

void run(KMeansProgram& program, const BlobMap& blobs) {
    kernels::MemoStore memo{1 << 24};
    const auto ran = run_in_process(program, blobs.source(), {.memo = &memo});
    ASSERT_TRUE(ran) << ran.error().message;
}

/// By definition: each row is with its nearest center, and each center is the mean of its rows.
void expect_fixed_point(const Rows& rows, const KMeansProgram& program) {
    const auto& centers = program.centers();
    Rows sums(centers.count, std::vector<double>(centers.features));
    std::vector<double> counts(centers.count);
    double inertia = 0;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        double nearest = HUGE_VAL;
        for (std::uint32_t c = 0; c < centers.count; ++c) {
            const auto center = centers.of_start(0).subspan(c * centers.features, centers.features);
            nearest = std::min(nearest, squared_distance(rows[row], center));
        }
        const std::uint32_t label = program.labels()[row];
        EXPECT_NEAR(program.distances()[row], nearest, 1e-12);
        inertia += nearest;
        ++counts[label];
        for (std::size_t i = 0; i < centers.features; ++i) sums[label][i] += rows[row][i];
    }
    EXPECT_NEAR(program.inertia(), inertia, 1e-9 * inertia);
    for (std::uint32_t c = 0; c < centers.count; ++c) {
        for (std::size_t i = 0; i < centers.features; ++i) {
            EXPECT_NEAR(centers.values[c * centers.features + i], sums[c][i] / counts[c], 1e-9);
        }
    }
}

TEST(KMeansTest, HeapsThatLieApartAreFound) {
    const Rows rows = heaps(5, 500, 1);
    BlobMap blobs;
    KMeansJob job = job_of(rows, 5, blobs);
    job.tolerance = 0;
    KMeansProgram program{job};
    run(program, blobs);
    for (std::size_t row = 5; row < rows.size(); ++row) {
        EXPECT_EQ(program.labels()[row], program.labels()[row % 5]);
    }
    expect_fixed_point(rows, program);
}

TEST(KMeansTest, CentersOfAnyRowsAreTheMeansOfThoseNextToThem) {
    Philox random{5};
    Rows rows(700);
    for (auto& row : rows) {
        for (int i = 0; i < 7; ++i) row.push_back(6 * random.next_unit() - 3);
    }
    BlobMap blobs;
    KMeansJob job = job_of(rows, 9, blobs);
    job.tolerance = 0;
    KMeansProgram program{job};
    run(program, blobs);
    EXPECT_GT(program.iterations(), 2U);
    expect_fixed_point(rows, program);
}

TEST(KMeansTest, OneClusterIsTheMeanAndOneForEachRowLeavesNothing) {
    const Rows rows = heaps(3, 20, 2);
    BlobMap blobs;
    KMeansProgram one{job_of(rows, 1, blobs)};
    run(one, blobs);
    double mean = 0;
    for (const auto& row : rows) mean += row[1] / 20;
    EXPECT_NEAR(one.centers().values[1], mean, 1e-9);
    KMeansProgram all{job_of(rows, 20, blobs)};
    run(all, blobs);
    EXPECT_LT(all.inertia(), 1e-15);
    std::vector<std::uint32_t> labels = all.labels();
    std::sort(labels.begin(), labels.end());
    EXPECT_EQ(std::unique(labels.begin(), labels.end()), labels.end());
}

TEST(KMeansTest, FewerDifferentRowsThanClustersAreRefused) {
    Rows rows(40, {1, 2});
    rows[7] = {3, 4};
    BlobMap blobs;
    KMeansProgram two{job_of(rows, 2, blobs)};
    run(two, blobs);
    EXPECT_EQ(two.inertia(), 0);
    KMeansProgram three{job_of(rows, 3, blobs)};
    const auto ran = run_in_process(three, blobs.source());
    ASSERT_FALSE(ran);
    EXPECT_NE(ran.error().message.find("only 2 different values"), std::string::npos)
        << ran.error().message;
}

TEST(KMeansTest, MoreStartsAreNeverWorse) {
    Philox random{9};
    Rows rows(300);
    for (auto& row : rows) row = {random.next_unit(), random.next_unit()};
    BlobMap blobs;
    KMeansJob job = job_of(rows, 12, blobs);
    KMeansProgram one{job};
    run(one, blobs);
    job.starts = 8;
    KMeansProgram eight{job};
    run(eight, blobs);
    // The first of them is the same start.
    EXPECT_LT(eight.inertia(), one.inertia());
    EXPECT_EQ(eight.centers().starts, 1U);
}

TEST(KMeansTest, SumsDoNotDependOnTheOrderOfRows) {
    Rows rows = heaps(4, 200, 3);
    BlobMap blobs;
    KMeansProgram program{job_of(rows, 4, blobs)};
    const KMeansJob job = job_of(rows, 4, blobs);
    std::reverse(rows.begin(), rows.end());
    const KMeansJob reversed = job_of(rows, 4, blobs);
    const Bytes centers = kernels::encode_kmeans_points({1, 2, 2, {0.1, 0.2, -0.3, 7.9}});
    const auto sums_of = [&](const KMeansJob& of, std::size_t shard) {
        const TaskInput inputs[] = {centers, of.shards[shard], kernels::encode_kmeans_task(0)};
        return kernels::decode_kmeans_sums(
                   run_task("kmeans_sums", 1, inputs, blobs.source()).value(), 2, 2)
            .value();
    };
    EXPECT_EQ(sums_of(job, 0).sums, sums_of(reversed, 3).sums);
    EXPECT_EQ(sums_of(job, 0).counts, sums_of(reversed, 3).counts);
}

TEST(KMeansTest, OtherRowsGetTheLabelsThatTheTrainingWouldGiveThem) {
    const Rows rows = heaps(4, 130, 4);
    BlobMap blobs;
    const KMeansJob job = job_of(rows, 4, blobs);
    KMeansProgram program{job};
    run(program, blobs);
    KMeansLabelsProgram labels{{job.shards, job.row_counts, program.centers()}};
    ASSERT_TRUE(run_in_process(labels, blobs.source()));
    ASSERT_EQ(labels.scores().size(), 2 * rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
        EXPECT_EQ(labels.scores()[2 * row], program.labels()[row]);
        EXPECT_EQ(labels.scores()[2 * row + 1], program.distances()[row]);
    }
}

TEST(KMeansTest, AProgramGoesOnFromEachOfItsStates) {
    const Rows rows = heaps(3, 150, 6);
    BlobMap blobs;
    KMeansJob job = job_of(rows, 4, blobs);
    job.starts = 2;
    std::map<std::string_view, int> rounds;
    testing::expect_restarts_to_change_nothing(
        [&] { return std::make_unique<KMeansProgram>(job); }, blobs.source(),
        [&](Program& program) {
            testing::expect_a_cut_checkpoint_to_be_refused(program);
            if (const auto round = program.round()) ++rounds[round->kernel];
        });
    EXPECT_EQ(rounds["kmeans_seeding"], 2 * 4 + 1);
}

TEST(KMeansTest, OutputsThatAreNoSumsAreRefused) {
    const Rows rows = heaps(2, 30, 7);
    BlobMap blobs;
    KMeansProgram program{job_of(rows, 1, blobs)};
    for (int i = 0; i < 2; ++i) {  // Its one center.
        const Bytes output = run_task(program, *program.round(), 0, blobs.source()).value();
        const ByteSpan spans[] = {output};
        RoundWork work{spans};
        ASSERT_TRUE(program.finish_round(spans, work));
    }
    Bytes odd;
    ByteWriter writer{odd};
    for (const std::int64_t number : {31, 0, 0}) writer.number(number);
    const ByteSpan spans[] = {odd};
    RoundWork work{spans};
    const auto folded = program.finish_round(spans, work);
    ASSERT_FALSE(folded);
    EXPECT_NE(folded.error().message.find("a cluster of 31 rows"), std::string::npos);
}

}  // namespace
}  // namespace netcompute::programs
