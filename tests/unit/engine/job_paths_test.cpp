#include "engine/job_paths.hpp"

#include "temporary_folder.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace netcompute::engine {
namespace {

using test_support::TemporaryFolder;

namespace fs = std::filesystem;

class JobPathsTest : public testing::Test {
 protected:
    JobPathsTest() {
        fs::create_directories(root / "Data");
        std::ofstream{root / "Data" / "train.csv"} << "a\n";
        std::ofstream{folder.path() / "secret.csv"} << "s\n";
        context.root = root;
    }

    TemporaryFolder folder;
    fs::path root = folder.path() / "project";
    JobContext context;
};

TEST_F(JobPathsTest, AFileIsFoundFromTheRootAndFromItsDataFolder) {
    const fs::path expected = fs::canonical(root / "Data" / "train.csv");
    for (const std::string& name : {std::string{"Data/train.csv"}, std::string{"train.csv"},
                                    std::string{"./Data/../Data/train.csv"}, expected.string()}) {
        const auto path = resolve_input(context, "data", name);
        ASSERT_TRUE(path) << path.error().message;
        EXPECT_EQ(*path, expected);
    }
}

// No spelling leads out: not dots, not an absolute path, not a link.
TEST_F(JobPathsTest, NothingOutsideTheRootIsReached) {
    fs::create_symlink(folder.path() / "secret.csv", root / "Data" / "link.csv");
    fs::create_directory_symlink(folder.path(), root / "Data" / "up");
    for (const std::string& name :
         {std::string{"../secret.csv"}, std::string{"Data/../../secret.csv"},
          std::string{"Data/link.csv"}, std::string{"Data/up/secret.csv"}, std::string{"link.csv"},
          (folder.path() / "secret.csv").string(), std::string{"/etc/passwd"}}) {
        const auto path = resolve_input(context, "data", name);
        ASSERT_FALSE(path) << name;
        EXPECT_EQ(path.error().code, ErrorCode::PermissionDenied) << name;
        EXPECT_NE(path.error().message.find("params.data"), std::string::npos);
    }
}

// The person at this PC's own command line may name any file.
TEST_F(JobPathsTest, TheCommandLineMayNameAnyFile) {
    context.paths_anywhere = true;
    EXPECT_TRUE(resolve_input(context, "data", "../secret.csv"));
}

TEST_F(JobPathsTest, AMissingFileIsNamed) {
    const auto path = resolve_input(context, "data", "Data/nothing.csv");
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().code, ErrorCode::NotFound);
    EXPECT_NE(path.error().message.find("Data/nothing.csv"), std::string::npos);
}

// An output folder that cannot be written is refused before any work is done for it.
TEST_F(JobPathsTest, AnOutputNeedsAFolderThatCanBeWritten) {
    EXPECT_TRUE(resolve_output(context, "output", "Data/out.csv"));
    EXPECT_FALSE(resolve_output(context, "output", "Data/train.csv/out.csv"));
    EXPECT_FALSE(resolve_output(context, "output", "Missing/out.csv"));
}

}  // namespace
}  // namespace netcompute::engine
