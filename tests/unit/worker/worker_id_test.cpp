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

// Where nothing can be written the PC and its user are known again all the same.
TEST(WorkerIdTest, WithoutAPlaceToWriteItIsThatOfThePc) {
    EXPECT_EQ(load_worker_id({}).size(), 32U);
    EXPECT_EQ(load_worker_id("/proc/no/such/folder/worker-id").size(), 32U);
    std::string machine;
    if (std::getline(std::ifstream{"/etc/machine-id"}, machine)) {
        EXPECT_EQ(load_worker_id({}), load_worker_id({}));
        EXPECT_EQ(machine.find(load_worker_id({})), std::string::npos);
    }
}

// Services and users without HOME have a place, too.
TEST(WorkerIdTest, ThePlaceFollowsTheEnvironment) {
    const auto with = [](const char* state, const char* directory, const char* home) {
        const auto set = [](const char* name, const char* value) {
            if (value == nullptr) {
                ::unsetenv(name);
            } else {
                ::setenv(name, value, 1);
            }
        };
        set("XDG_STATE_HOME", state);
        set("STATE_DIRECTORY", directory);
        set("HOME", home);
        return worker_id_path();
    };
    EXPECT_EQ(with("/a", "/b", "/c"), "/a/netcompute/worker-id");
    EXPECT_EQ(with("a", "/b:/d", "/c"), "/b/netcompute/worker-id");
    EXPECT_EQ(with(nullptr, nullptr, "/c"), "/c/.local/state/netcompute/worker-id");
    EXPECT_EQ(with(nullptr, nullptr, nullptr), with("", "", ""));
    EXPECT_NE(with(nullptr, nullptr, nullptr), "/c/.local/state/netcompute/worker-id");
}

}  // namespace
}  // namespace netcompute::worker
