#include "memory_job_store.hpp"
#include "store_records.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace netcompute::store {
namespace {

constexpr JobStoreLimits few{.ended_jobs_max = 4, .receipt_bytes_max = 300};
constexpr RoundIndex round_count = 3;
constexpr TaskIndex task_count = 12;

/// Few, so that they come again. One is too large for a row.
const std::vector<std::shared_ptr<const Bytes>>& model_blobs() {
    static const std::vector<std::shared_ptr<const Bytes>> blobs{
        std::make_shared<const Bytes>(10, std::byte{1}), std::make_shared<const Bytes>(),
        std::make_shared<const Bytes>(300'000, std::byte{3}),
        std::make_shared<const Bytes>(20, std::byte{4})};
    return blobs;
}

/// Any records in any order, sensible or not, about few enough things that they meet.
class RandomRecords {
 public:
    explicit RandomRecords(std::uint64_t seed) : random_{seed} {}

    std::uint64_t below(std::uint64_t end) {
        return std::uniform_int_distribution<std::uint64_t>{0, end - 1}(random_);
    }

    std::vector<Record> next_commit() {
        std::vector<Record> records;
        for (std::uint64_t i = below(6) + 1; i > 0; --i) records.push_back(next());
        return records;
    }

    [[nodiscard]] std::uint64_t last_job() const { return last_job_; }

 private:
    Record next() {
        switch (below(16)) {
            case 0:
                return put_new_job();
            case 1:
                return put_known_job();
            case 2:
                return PutWorker{worker()};
            case 3:
                if (const auto id = below(5) + 1; id < 5) return ForgetWorker{WorkerId{id}};
                return PutWrittenFile{{"Data/" + std::to_string(last_lease_ % 3), last_lease_, {}}};
            case 4:
            case 5:
                return PutLease{{LeaseId{++last_lease_}, WorkerId{below(5) + 1}, job(), round(),
                                 below(2) == 0, tasks()}};
            case 6:
                if (below(2) == 0) return put_blob();
                return put_checkpoint();
            case 7:
                if (below(3) == 0) return ForgetRound{job(), 0, bytes(below(40))};
                if (below(3) == 0) return DropCheckpoint{job(), round()};
                return RewindJob{job(), round(), below(2) == 0};
            case 8:
                return PutReceipt{job(), bytes(below(150))};
            case 9:
            case 10:
            case 11:
                return ConfirmOutput{job(), round(), static_cast<TaskIndex>(below(task_count)),
                                     WorkerId{below(5)}};
            default:
                return put_outputs();
        }
    }

    Record put_new_job() {
        JobRecord record = testing::job_record(++last_job_, JobState::Running);
        record.name = "job " + std::to_string(last_job_);
        record.params = R"({"rows": 1})";
        record.deadline_seconds = 0.1 * static_cast<double>(below(100));
        if (below(2) == 0) record.inputs = {{"data", "Data/\u00e4.csv", sha256(as_byte_span("a"))}};
        return PutJob{record};
    }

    Record put_known_job() {
        JobRecord record = testing::job_record(job().value, static_cast<JobState>(below(6)));
        record.priority = -1;
        record.tasks_done = below(1000);
        record.checks = record.tasks_done % 10;
        record.audits = record.tasks_done % 7;
        if (record.tasks_done % 2 == 0) record.liars = {"a-liar", "a \"second\" one"};
        record.result = is_final(record.state) ? "{}" : "";
        if (record.state == JobState::Failed)
            record.error = Error{ErrorCode::NotFound, "no such file"};
        return PutJob{record};
    }

    WorkerRecord worker() {
        WorkerRecord record = testing::worker_record(below(5) + 1, "PC \u00e4");
        record.is_native = below(2) == 0;
        record.validated = static_cast<std::uint32_t>(below(20));
        record.quarantined = below(4) == 0 ? "it lied" : "";
        record.seen_unix_ms = static_cast<std::int64_t>(below(1'000'000));
        record.is_believed = below(2) == 0;
        record.owner = below(2) == 0 ? "0a1b" : "";
        record.drained = below(3) == 0;
        record.away = below(3) == 0;
        return record;
    }

    Record put_outputs() {
        PutOutputs put{job(), round(), WorkerId{below(4)}, {}, nullptr};
        // Some are too large for a row.
        const std::size_t size_max = below(12) == 0 ? 300'000 : 80;
        auto owner = std::make_shared<Bytes>(bytes(size_max));
        for (const TaskIndex task : tasks()) {
            put.outputs.push_back({task, ByteSpan{*owner}.first(below(size_max + 1))});
        }
        put.owner = std::move(owner);
        return put;
    }

    Record put_checkpoint() {
        const auto state = std::make_shared<const Bytes>(bytes(below(6) == 0 ? 300'000 : 80));
        PutCheckpoint put{job(), round(), sha256(*state), state};
        for (const auto& blob : model_blobs()) {
            if (below(3) == 0) put.blobs.push_back(sha256(*blob));
        }
        return put;
    }

    Record put_blob() {
        const auto& blob = model_blobs()[below(model_blobs().size())];
        return PutBlob{job(), round(), sha256(*blob), *blob, blob};
    }

    JobId job() { return {below(std::max<std::uint64_t>(last_job_, 1)) + 1}; }
    RoundIndex round() { return static_cast<RoundIndex>(below(round_count)); }
    std::vector<TaskIndex> tasks() {
        std::vector<TaskIndex> chosen;
        for (TaskIndex task = 0; task < task_count; ++task) {
            if (below(2) == 0) chosen.push_back(task);
        }
        return chosen;
    }
    Bytes bytes(std::size_t size) {
        Bytes made(size);
        for (std::byte& byte : made) byte = static_cast<std::byte>(random_());
        return made;
    }

    std::mt19937_64 random_;
    std::uint64_t last_job_ = 0;
    std::uint64_t last_lease_ = 0;
};

void expect_same_outputs(const JobStore& store, const JobStore& model, JobId job,
                         RoundIndex round) {
    const auto outputs = store.outputs(job, round);
    const auto expected = model.outputs(job, round);
    ASSERT_TRUE(outputs) << outputs.error().message;
    ASSERT_TRUE(expected);
    ASSERT_EQ(outputs->size(), expected->size());
    for (std::size_t i = 0; i < outputs->size(); ++i) {
        EXPECT_EQ((*outputs)[i].index, (*expected)[i].index);
        EXPECT_TRUE(std::ranges::equal((*outputs)[i].bytes, (*expected)[i].bytes));
    }
}

void expect_same(const JobStore& store, const JobStore& model, std::uint64_t last_job) {
    EXPECT_EQ(store.jobs(), model.jobs());
    EXPECT_EQ(store.newest_ended(3), model.newest_ended(3));
    for (const EndedJobsQuery& query :
         {EndedJobsQuery{}, EndedJobsQuery{.count_max = 2, .before = JobId{last_job}},
          EndedJobsQuery{.state = JobState::Failed}, EndedJobsQuery{.text = "NO"}}) {
        EXPECT_EQ(store.ended_jobs(query), model.ended_jobs(query));
    }
    EXPECT_EQ(store.next_job_id(), model.next_job_id());
    EXPECT_EQ(store.last_lease_id(), model.last_lease_id());
    EXPECT_EQ(store.workers(), model.workers());
    EXPECT_EQ(store.last_worker_id(), model.last_worker_id());
    EXPECT_EQ(store.written_files(), model.written_files());
    for (JobId job{1}; job.value <= last_job; ++job.value) {
        EXPECT_EQ(store.job(job), model.job(job));
        EXPECT_EQ(store.receipt(job), model.receipt(job));
        const auto work = store.work(job);
        const auto expected = model.work(job);
        ASSERT_TRUE(work) << work.error().message;
        ASSERT_TRUE(expected);
        EXPECT_EQ(*work, *expected);
        for (const auto& [round, sha256] : work->checkpoints) {
            const auto state = store.checkpoint(job, round);
            ASSERT_TRUE(state) << state.error().message;
            EXPECT_EQ(**state, **model.checkpoint(job, round));
        }
        for (const auto& blob : model_blobs()) {
            const auto read = store.blob(job, sha256(*blob));
            EXPECT_EQ(read.has_value(), model.blob(job, sha256(*blob)).has_value());
            if (!read) continue;
            EXPECT_EQ(*(*read)().value(), *blob);
        }
        for (RoundIndex round = 0; round < round_count; ++round) {
            expect_same_outputs(store, model, job, round);
        }
    }
}

// Whatever is recorded, and however often the program starts anew, the store on the disk says what
// the plain one in memory says.
TEST(StoreModelTest, TheSqliteStoreSaysWhatTheMemoryStoreSays) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const test_support::TemporaryFolder folder;
        MemoryJobStore model{few};
        RandomRecords records{seed};
        auto store = testing::open_store(folder.path(), few);
        for (int turn = 0; turn < 100; ++turn) {
            const std::vector<Record> commit = records.next_commit();
            ASSERT_TRUE(model.commit(commit, Durability::Power));
            if (const SlowWork work = records.below(2) == 0 ? store->stage(commit) : nullptr) {
                ASSERT_TRUE(work());
            }
            const auto committed = store->commit(
                commit, records.below(8) == 0 ? Durability::Power : Durability::Process);
            ASSERT_TRUE(committed) << committed.error().message;
            testing::keep_up(*store);
            const bool starts_anew = records.below(8) == 0;
            if (starts_anew) {
                store.reset();
                store = testing::open_store(folder.path(), few);
            }
            if (starts_anew || records.below(4) == 0) {
                expect_same(*store, model, records.last_job());
            }
            ASSERT_FALSE(HasFailure()) << "seed " << seed << ", turn " << turn;
        }
        EXPECT_GT(records.last_job(), few.ended_jobs_max) << "seed " << seed;
    }
}

}  // namespace
}  // namespace netcompute::store
