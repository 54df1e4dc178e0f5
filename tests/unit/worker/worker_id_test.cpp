#include "temporary_folder.hpp"

#include <gtest/gtest.h>
#include <native-worker/worker_id.hpp>

#include <fstream>

namespace netcompute::worker {
namespace {

// The same PC is the same worker tomorrow.
TEST(WorkerIdTest, LastsAcrossRuns) {
    const test_support::TemporaryFolder folder;
    const auto path = folder.path() / "a" / "b" / "worker-id";
    const std::string id = load_worker_id(path);
    EXPECT_EQ(id.size(), 32U);
    EXPECT_EQ(load_worker_id(path), id);
    EXPECT_NE(load_worker_id(folder.path() / "other"), id);
}

// A file that holds something else is put right.
TEST(WorkerIdTest, ABrokenFileIsReplaced) {
    const test_support::TemporaryFolder folder;
    const auto path = folder.path() / "worker-id";
    std::ofstream{path} << "../../etc/passwd\n";
    const std::string id = load_worker_id(path);
    EXPECT_EQ(id.find('/'), std::string::npos);
    EXPECT_EQ(load_worker_id(path), id);
}

// Where nothing can be written a worker works all the same, under an id of this run.
TEST(WorkerIdTest, WithoutAPlaceToWriteItIsFresh) {
    EXPECT_EQ(load_worker_id({}).size(), 32U);
    EXPECT_NE(load_worker_id({}), load_worker_id({}));
    EXPECT_EQ(load_worker_id("/proc/no/such/folder/worker-id").size(), 32U);
}

}  // namespace
}  // namespace netcompute::worker
