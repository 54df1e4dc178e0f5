#include "temporary_folder.hpp"

#include <gtest/gtest.h>
#include <native-worker/machine.hpp>
#include <native-worker/worker_id.hpp>

#include <filesystem>
#include <fstream>
#include <tuple>

namespace netcompute::worker {
namespace {

// The same PC is the same worker tomorrow, and proves it.
TEST(WorkerIdTest, LastsAcrossRuns) {
    const test_support::TemporaryFolder folder;
    const auto path = folder.path() / "a" / "b" / "worker-id";
    const WorkerIdentity self = load_worker_identity(path);
    EXPECT_EQ(self.id.size(), 32U);
    EXPECT_EQ(self.secret.size(), 32U);
    EXPECT_NE(self.secret, self.id);
    const WorkerIdentity again = load_worker_identity(path);
    EXPECT_EQ(again.id, self.id);
    EXPECT_EQ(again.secret, self.secret);
    const WorkerIdentity other = load_worker_identity(folder.path() / "other");
    EXPECT_NE(other.id, self.id);
    EXPECT_NE(other.secret, self.secret);
}

// Who reads the secret can go by the id: no other user of this PC may.
TEST(WorkerIdTest, OnlyItsUserCanReadTheFile) {
    const test_support::TemporaryFolder folder;
    const auto path = folder.path() / "worker-id";
    std::ignore = load_worker_identity(path);
    using std::filesystem::perms;
    EXPECT_EQ(std::filesystem::status(path).permissions(), perms::owner_read | perms::owner_write);
}

// A file as an administrator or a former version wrote it keeps its id, and gets a secret.
TEST(WorkerIdTest, AnIdAloneIsKept) {
    const test_support::TemporaryFolder folder;
    const auto path = folder.path() / "worker-id";
    std::ofstream{path} << "lab-3-pc-07\n";
    const WorkerIdentity self = load_worker_identity(path);
    EXPECT_EQ(self.id, "lab-3-pc-07");
    EXPECT_EQ(self.secret.size(), 32U);
    EXPECT_EQ(load_worker_identity(path).secret, self.secret);
}

// A file that holds something else is put right.
TEST(WorkerIdTest, ABrokenFileIsReplaced) {
    const test_support::TemporaryFolder folder;
    const auto path = folder.path() / "worker-id";
    std::ofstream{path} << "../../etc/passwd\n";
    const std::string id = load_worker_identity(path).id;
    EXPECT_EQ(id.find('/'), std::string::npos);
    EXPECT_EQ(load_worker_identity(path).id, id);
}

// Where nothing can be written the PC and its user are known again all the same.
TEST(WorkerIdTest, WithoutAPlaceToWriteItIsThatOfThePc) {
    const WorkerIdentity self = load_worker_identity({});
    EXPECT_EQ(self.id.size(), 32U);
    EXPECT_EQ(self.secret.size(), 32U);
    EXPECT_NE(self.secret, self.id);
    EXPECT_EQ(load_worker_identity("/proc/no/such/folder/worker-id").id.size(), 32U);
    std::string machine;
    if (std::getline(std::ifstream{"/etc/machine-id"}, machine)) {
        EXPECT_EQ(load_worker_identity({}).id, self.id);
        EXPECT_EQ(load_worker_identity({}).secret, self.secret);
        EXPECT_NE(machine, self.id);
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

// An id that can be read but not written again comes without a secret, because another one at each
// start would make it another worker each time.
TEST(WorkerIdTest, ASecretThatCannotBeKeptIsNone) {
    const std::filesystem::path unwritable = "/proc/self/comm";  // One line: "native_worker_t".
    const WorkerIdentity self = load_worker_identity(unwritable);
    EXPECT_EQ(self.id.substr(0, 6), "native");
    EXPECT_EQ(self.secret, "");
}

// The same at each start; another for another user or another name. What differs between PCs is
// seen where there are two: tests/integration/strangers.
TEST(MachineTest, TellsWorkersOfOnePcApart) {
    const std::string here = machine_of("/users/a/worker-id", "");
    EXPECT_EQ(here.size(), 32U);
    EXPECT_EQ(machine_of("/users/a/worker-id", ""), here);
    EXPECT_NE(machine_of("/users/b/worker-id", ""), here);
    EXPECT_NE(machine_of("/users/a/worker-id", "left"), here);
}

}  // namespace
}  // namespace netcompute::worker
