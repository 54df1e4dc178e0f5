#include "store_records.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <random>

namespace netcompute::store {
namespace {

/// What a fold has published by then; now and then large.
std::shared_ptr<const Bytes> numbered_blob(std::uint32_t number) {
    const std::size_t size = number % 3 == 0 ? 300'000 : 50;
    return std::make_shared<const Bytes>(size + number, std::byte(number));
}

/// Commit number N of them all: several tables, now and then a file, and N everywhere. Its
/// checkpoint takes the place of the one before, and its blob too.
std::vector<Record> numbered_commit(std::uint32_t number) {
    JobRecord job = testing::job_record(1, JobState::Running);
    job.tasks_done = number;
    const std::size_t size = number % 5 == 0 ? 300'000 : 500;
    const auto blob = numbered_blob(number);
    return {PutJob{job},
            testing::put_sized_output(1, number, size),
            testing::confirm(1, 0, number),
            PutLease{testing::lease_record(number, 1, 0, {number})},
            PutWorker{testing::worker_record(1 + number % 3, std::to_string(number))},
            PutBlob{JobId{1}, 0, sha256(*blob), *blob, blob},
            PutCheckpoint{JobId{1}, 0, sha256(*blob), blob, {sha256(*blob)}}};
}

/// The number of the last commit that is there; every part of all of them up to it must be, and
/// nothing of later ones.
std::uint32_t check_prefix(const JobStore& store) {
    const auto job = store.job(JobId{1});
    if (!job) return 0;
    const auto last = static_cast<std::uint32_t>(job->tasks_done);
    const auto work = store.work(JobId{1});
    EXPECT_TRUE(work) << work.error().message;
    if (!work) return last;
    EXPECT_EQ(work->votes.size(), last);
    EXPECT_EQ(work->leases.size(), last);
    EXPECT_EQ(store.last_lease_id(), LeaseId{last});
    for (std::uint32_t i = 0; i < work->votes.size() && i < work->leases.size(); ++i) {
        const auto expected = numbered_commit(i + 1);
        const ByteSpan bytes = std::get<PutOutputs>(expected[1]).outputs.front().bytes;
        EXPECT_EQ(work->votes[i].index, i + 1);
        EXPECT_EQ(work->votes[i].sha256, sha256(bytes));
        EXPECT_TRUE(work->votes[i].confirmed);
        EXPECT_EQ(work->leases[i].id, LeaseId{i + 1});
    }
    const auto blob = numbered_blob(last);
    const auto read = store.blob(JobId{1}, sha256(*blob));
    EXPECT_TRUE(read);
    if (read) {
        EXPECT_EQ(*(*read)().value(), *blob);
    }
    if (last > 1) {
        EXPECT_FALSE(store.blob(JobId{1}, sha256(*numbered_blob(last - 1))));
    }
    for (const WorkerRecord& worker : store.workers()) {
        EXPECT_GT(std::stoul(worker.name) + 3, last);
        EXPECT_LE(std::stoul(worker.name), last);
    }
    return last;
}

/// What the child does until it is killed: commits from `next` on, each told of through the pipe.
[[noreturn]] void commit_for_ever(const std::filesystem::path& folder, std::uint32_t next,
                                  int told) {
    auto store = SqliteJobStore::open(folder);
    if (!store) ::_exit(1);
    for (;; ++next) {
        const auto durability = next % 4 == 0 ? Durability::Power : Durability::Process;
        if (!(*store)->commit(numbered_commit(next), durability)) ::_exit(2);
        if (::write(told, &next, sizeof next) != sizeof next) ::_exit(3);
    }
}

/// Kills a child with SIGKILL after it told of so many commits, and says the last that it told of.
std::uint32_t run_and_kill(const std::filesystem::path& folder, std::uint32_t next,
                           std::uint32_t commit_count) {
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0) throw std::runtime_error("no pipe");
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(pipe[0]);
        commit_for_ever(folder, next, pipe[1]);
    }
    ::close(pipe[1]);
    std::uint32_t told = 0;
    for (std::uint32_t i = 0; i < commit_count; ++i) {
        if (::read(pipe[0], &told, sizeof told) != sizeof told) break;
    }
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself: " << WEXITSTATUS(status);
    while (::read(pipe[0], &told, sizeof told) == sizeof told) {
    }
    ::close(pipe[0]);
    return told;
}

// A master may be killed at any moment: what a commit said is there stays there, a commit is there
// whole or not at all, and nothing is there without what came before it.
TEST(StoreKillTest, AKilledProcessLeavesAPrefixWithEverythingItTold) {
    const test_support::TemporaryFolder folder;
    std::mt19937 random{7};
    std::uniform_int_distribution<std::uint32_t> commit_count{1, 12};
    std::uint32_t last = 0;
    for (int kill = 0; kill < 25; ++kill) {
        const std::uint32_t told = run_and_kill(folder.path(), last + 1, commit_count(random));
        ASSERT_GT(told, last) << "it got nowhere";
        last = check_prefix(*testing::open_store(folder.path()));
        EXPECT_GE(last, told);
        EXPECT_LE(last, told + 1);
        ASSERT_FALSE(HasFailure()) << "kill " << kill;
    }
}

}  // namespace
}  // namespace netcompute::store
