#include "jobs/job_inputs.hpp"

#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute::jobs {
namespace {

using test_support::TemporaryFolder;
using testing::HasSubstr;

TEST(JobInputsTest, EachInputIsNamedWithItsHash) {
    const TemporaryFolder folder;
    folder.write("a.csv", "abc");
    folder.write("b.csv", "");
    InputHashes hashes{nullptr};
    hashes.add("data", *data::InputFile::open(folder.path() / "a.csv", "Data/a.csv"));
    hashes.add("labels", *data::InputFile::open(folder.path() / "b.csv", "b.csv"));
    const auto inputs = hashes.finish();
    ASSERT_TRUE(inputs);
    EXPECT_EQ(*inputs, (std::vector<JobInput>{{"data", "Data/a.csv", sha256(as_byte_span("abc"))},
                                              {"labels", "b.csv", sha256({})}}));
}

// A file written while a job reads it would leave a receipt that nobody can verify.
TEST(JobInputsTest, AFileThatChangesMeanwhileIsRefused) {
    const TemporaryFolder folder;
    const auto file = folder.write("a.csv", "abc");
    InputHashes hashes{nullptr};
    hashes.add("data", *data::InputFile::open(file));
    folder.write("a.csv", "abcd");
    const auto inputs = hashes.finish();
    ASSERT_FALSE(inputs);
    EXPECT_THAT(inputs.error().message, HasSubstr("a.csv changed while it was read"));
}

}  // namespace
}  // namespace netcompute::jobs
