#include "engine/job_inputs.hpp"

#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace netcompute::engine {
namespace {

using test_support::TemporaryFolder;
using testing::HasSubstr;

namespace fs = std::filesystem;

TEST(JobInputsTest, AFileBelowTheRootIsNamedFromThere) {
    const TemporaryFolder folder;
    fs::create_directories(folder.path() / "project" / "Data");
    const auto inside = folder.write("project/Data/a.csv", "abc");
    const auto outside = folder.write("b.csv", "");
    InputHashes hashes{folder.path() / "project" / "Data" / ".."};
    ASSERT_TRUE(hashes.add("data", fs::canonical(inside)));
    ASSERT_TRUE(hashes.add("labels", fs::canonical(outside)));
    const auto inputs = hashes.finish();
    ASSERT_TRUE(inputs);
    EXPECT_EQ(*inputs,
              (std::vector<JobInput>{{"data", "Data/a.csv", sha256(as_byte_span("abc"))},
                                     {"labels", fs::canonical(outside).string(), sha256({})}}));
    EXPECT_EQ(inputs_json(std::span{*inputs}.first(1)),
              R"([{"name":"data","path":"Data/a.csv","sha256":")" +
                  to_hex(sha256(as_byte_span("abc"))) + "\"}]");
}

// A file written while a job reads it would leave a receipt that nobody can verify.
TEST(JobInputsTest, AFileThatChangesMeanwhileIsRefused) {
    const TemporaryFolder folder;
    const auto file = folder.write("a.csv", "abc");
    InputHashes hashes{folder.path()};
    ASSERT_TRUE(hashes.add("data", file));
    folder.write("a.csv", "abcd");
    const auto inputs = hashes.finish();
    ASSERT_FALSE(inputs);
    EXPECT_THAT(inputs.error().message, HasSubstr("a.csv changed while it was read"));
}

TEST(JobInputsTest, WhatIsNoPlainFileIsRefused) {
    const TemporaryFolder folder;
    const auto pipe = folder.path() / "pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    InputHashes hashes{folder.path()};
    EXPECT_THAT(hashes.add("data", pipe).error().message, HasSubstr("is not a plain file"));
    EXPECT_THAT(hashes.add("data", folder.path()).error().message, HasSubstr("is a folder"));
    EXPECT_EQ(hashes.add("data", folder.path() / "none").error().code, ErrorCode::NotFound);
}

}  // namespace
}  // namespace netcompute::engine
