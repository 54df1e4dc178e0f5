#include "store/sqlite.hpp"
#include "store_records.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

namespace netcompute::store {
namespace {

using testing::commit;
using testing::put_job;

constexpr std::uint32_t outputs = 2500;  ///< More than one commit erases.

class LeftoversTest : public ::testing::Test {
 protected:
    /// Job 1 has all that a job can have, and job 2 a little of it.
    void fill() {
        commit(*store_, {put_job(1, JobState::Running), put_job(2, JobState::Running)});
        std::vector<Record> records;
        for (std::uint32_t i = 0; i < outputs; ++i) {
            records.push_back(PutLease{testing::lease_record(i + 1, 1, 0, {i})});
            records.push_back(testing::put_outputs(1, 0, 1, {{i, "output"}}));
            records.push_back(testing::confirm(1, 0, i, 2 + i % 2));
        }
        for (RoundIndex round = 0; round < 20; ++round) {
            records.push_back(testing::put_checkpoint(1, round, "state"));
        }
        records.push_back(testing::put_sized_output(1, outputs, std::size_t{1} << 20));
        records.push_back(testing::put_outputs(2, 0, 1, {{0, "other"}}));
        ASSERT_TRUE(store_->commit(records, Durability::Power));
    }
    void reopen() {
        store_.reset();
        store_ = testing::open_store(folder_.path());
    }
    /// Rows of this job's work.
    [[nodiscard]] std::int64_t rows(int job) const {
        auto database = SqliteDatabase::open(folder_.path() / "netcompute.db");
        std::int64_t sum = 0;
        for (const std::string table : {"outputs", "confirmations", "checkpoints", "leases"}) {
            sum += *database->number("SELECT count(*) FROM " + table +
                                     " WHERE job = " + std::to_string(job));
        }
        return sum;
    }
    /// How many commits it took.
    int erase_all() {
        int commits = 0;
        for (; store_->has_leftovers(); ++commits) commit(*store_, {EraseLeftovers{}});
        return commits;
    }

    test_support::TemporaryFolder folder_;
    std::unique_ptr<SqliteJobStore> store_ = testing::open_store(folder_.path());
};

TEST_F(LeftoversTest, AreErasedInPiecesWithTheirFiles) {
    fill();
    const auto all = rows(1);
    commit(*store_, {put_job(1, JobState::Succeeded)});
    EXPECT_LT(rows(1), all);
    EXPECT_GT(rows(1), 0);
    EXPECT_GE(erase_all(), 2);
    EXPECT_EQ(rows(1), 0);
    EXPECT_EQ(rows(2), 1);
    ASSERT_TRUE(store_->flush()());
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "results"));
}

TEST_F(LeftoversTest, AreFoundByTheNextMaster) {
    fill();
    commit(*store_, {put_job(1, JobState::Cancelled)});
    reopen();
    EXPECT_TRUE(store_->has_leftovers());
    erase_all();
    EXPECT_EQ(rows(1), 0);
    EXPECT_EQ(rows(2), 1);
    reopen();
    EXPECT_FALSE(store_->has_leftovers());
}

TEST_F(LeftoversTest, OfASmallJobThereAreNone) {
    fill();
    commit(*store_, {put_job(2, JobState::Succeeded)});
    EXPECT_FALSE(store_->has_leftovers());
    EXPECT_EQ(rows(2), 0);
}

// A round of a large job has more leases than the engine takes up at a time.
TEST_F(LeftoversTest, LeasesAreReadInPieces) {
    commit(*store_, {put_job(1, JobState::Running)});
    std::vector<LeaseId> expected;
    for (std::uint64_t id = 1; id <= 10; ++id) {
        commit(*store_, {PutLease{testing::lease_record(id, 1, 0, {7})}});
        expected.push_back(LeaseId{id});
    }
    std::vector<LeaseId> read;
    for (LeaseId from; read.size() < expected.size(); from = LeaseId{read.back().value + 1}) {
        const auto some = store_->leases(JobId{1}, from, 4);
        ASSERT_TRUE(some);
        ASSERT_FALSE(some->empty());
        ASSERT_LE(some->size(), 4U);
        for (const LeaseRecord& lease : *some) read.push_back(lease.id);
    }
    EXPECT_EQ(read, expected);
    EXPECT_TRUE(store_->leases(JobId{1}, LeaseId{11}, 4)->empty());
}

}  // namespace
}  // namespace netcompute::store
