#include "data/dataset_catalog.hpp"

#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <new>
#include <thread>

namespace netcompute::data {
namespace {

namespace fs = std::filesystem;
using test_support::TemporaryFolder;
using testing::HasSubstr;

constexpr const char* some_table = "id,x\na,1\nb,2\n";

class DatasetCatalogTest : public testing::Test {
 protected:
    fs::path write(const std::string& name, std::string_view text) const {
        return folder_.write(name, text);
    }
    static InputFile open(const fs::path& path) { return InputFile::open(path, "t.csv").value(); }
    [[nodiscard]] std::unique_ptr<DatasetCatalog> catalog(
        std::uint64_t bytes_max = DatasetCatalog::bytes_max_default) const {
        return DatasetCatalog::open(folder_.path() / "datasets", bytes_max).value();
    }
    /// The datasets that lie in the folder.
    [[nodiscard]] std::vector<fs::path> files() const {
        std::vector<fs::path> files;
        for (const auto& entry : fs::directory_iterator{folder_.path() / "datasets"}) {
            if (entry.path().filename().string().size() == 64) files.push_back(entry.path());
        }
        return files;
    }
    [[nodiscard]] std::size_t kept() const { return files().size(); }
    static Result<Table> table(DatasetCatalog& catalog, const fs::path& path,
                               const std::string& id = "id") {
        return catalog.table(open(path), {.id = id}, [](auto) { return Result<void>{}; });
    }

    TemporaryFolder folder_;
};

TEST_F(DatasetCatalogTest, ATableIsReadOnceAlsoByTheNextMaster) {
    const auto path = write("a.csv", some_table);
    const auto first_catalog = catalog();
    const auto first = table(*first_catalog, path);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->name, "t.csv");
    const auto second = table(*first_catalog, path);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->dataset, first->dataset);
    EXPECT_EQ(first_catalog->tables_read(), 1U);

    // The next one finds the file that the former one wrote: were it read again, it would be a new
    // one, with another number.
    struct stat before {};
    struct stat after {};
    const fs::path file = files().front();
    ASSERT_EQ(::stat(file.c_str(), &before), 0);
    const auto next = catalog();
    ASSERT_TRUE(table(*next, path));
    EXPECT_EQ(next->tables_read(), 0U);
    ASSERT_EQ(::stat(file.c_str(), &after), 0);
    EXPECT_EQ(after.st_ino, before.st_ino);
    EXPECT_EQ(kept(), 1U);
}

TEST_F(DatasetCatalogTest, OneTableUnderTwoNamesIsOneDatasetAndReadInTwoWaysIsTwo) {
    const auto catalog = this->catalog();
    ASSERT_TRUE(table(*catalog, write("a.csv", some_table)));
    ASSERT_TRUE(table(*catalog, write("b.csv", some_table)));
    EXPECT_EQ(kept(), 1U);
    ASSERT_TRUE(table(*catalog, folder_.path() / "a.csv", "x"));
    EXPECT_EQ(kept(), 2U);
}

TEST_F(DatasetCatalogTest, AFileThatWasWrittenAnewIsReadAnew) {
    const auto catalog = this->catalog();
    const auto path = write("a.csv", some_table);
    ASSERT_TRUE(table(*catalog, path));
    write("a.csv", "id,x\na,1\nb,3\n");
    const auto changed = table(*catalog, path);
    ASSERT_TRUE(changed);
    EXPECT_EQ(field_text(*changed->dataset->find("x"), 1), "3");
}

// A hash is of what was read: the receipt of the job that reads it rests on that.
TEST_F(DatasetCatalogTest, TheHashOfAFileIsThatOfItsBytes) {
    const auto catalog = this->catalog();
    const auto path = write("a.csv", some_table);
    const auto since = catalog->since();
    ASSERT_TRUE(table(*catalog, path));
    const auto hash = catalog->sha256(open(path), since);
    ASSERT_TRUE(hash);
    EXPECT_EQ(*hash, sha256(as_byte_span(some_table)));
    EXPECT_EQ(*catalog->sha256(open(path), catalog->since()), *hash);
}

TEST_F(DatasetCatalogTest, AMistakeInANameIsToldBeforeTheRowsAreRead) {
    const auto catalog = this->catalog();
    const auto path = write("a.csv", std::string{some_table} + "c,1,one too many\n");
    const auto refused = catalog->table(open(path), {}, [](auto names) -> Result<void> {
        EXPECT_EQ(names.size(), 2U);
        return unexpected(ErrorCode::NotFound, "no such column");
    });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "no such column");
    const auto read = table(*catalog, path);
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().message, HasSubstr("t.csv: line 4"));
    EXPECT_EQ(kept(), 0U);
    EXPECT_EQ(catalog->bytes(), 0U);
}

TEST_F(DatasetCatalogTest, PastItsLimitTheOneThatWasNotUsedForTheLongestTimeGoes) {
    const auto a = write("a.csv", some_table);
    const auto b = write("b.csv", "id,x\nc,1\nd,2\n");
    const auto c = write("c.csv", "id,x\ne,1\nf,2\n");
    std::uint64_t one = 0;
    {
        const auto catalog = this->catalog();
        ASSERT_TRUE(table(*catalog, a));
        one = catalog->bytes();
    }
    const auto catalog = this->catalog(2 * one);
    ASSERT_TRUE(table(*catalog, b));
    const auto kept_a = table(*catalog, a);
    ASSERT_TRUE(table(*catalog, c));
    EXPECT_EQ(kept(), 2U);
    EXPECT_EQ(catalog->bytes(), 2 * one);
    EXPECT_EQ(table(*catalog, a)->dataset, kept_a->dataset);

    // One that is larger than the limit is used, and not kept.
    const auto none = this->catalog(1);
    EXPECT_EQ(kept(), 0U);
    const auto used = table(*none, a);
    ASSERT_TRUE(used);
    EXPECT_EQ(kept(), 0U);
    EXPECT_EQ(field_text(*used->dataset->find("x"), 1), "2");
}

TEST_F(DatasetCatalogTest, ADamagedDatasetIsReadAgainAndLeftoversGo) {
    const auto path = write("a.csv", some_table);
    ASSERT_TRUE(table(*catalog(), path));
    const auto file = fs::directory_iterator {
        folder_.path() / "datasets"
        } -> path();
    fs::resize_file(file, fs::file_size(file) - 8);
    folder_.write("datasets/reading-7", "half");
    folder_.write("datasets/files", "neither a stamp\nnor 1 2 3\n");
    const auto next = catalog();
    EXPECT_FALSE(fs::exists(folder_.path() / "datasets/reading-7"));
    ASSERT_TRUE(next->sha256(open(path), 0));
    const auto again = table(*next, path);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->dataset->row_count(), 2U);
    EXPECT_EQ(kept(), 1U);
}

TEST_F(DatasetCatalogTest, ManyWhoAskAtTheSameTimeGetTheSameOne) {
    const auto catalog = this->catalog();
    const auto path = write("a.csv", some_table);
    std::vector<std::shared_ptr<const Dataset>> datasets(8);
    {
        std::vector<std::jthread> threads;
        for (auto& dataset : datasets) {
            threads.emplace_back([&] { dataset = table(*catalog, path)->dataset; });
        }
    }
    for (const auto& dataset : datasets) EXPECT_EQ(dataset, datasets.front());
}

TEST_F(DatasetCatalogTest, AReadingThatRunsOutOfMemoryHoldsNobodyUp) {
    const auto catalog = this->catalog();
    const auto path = write("a.csv", some_table);
    const auto fail = [](auto) -> Result<void> { throw std::bad_alloc{}; };
    EXPECT_THROW(std::ignore = catalog->table(open(path), {}, fail), std::bad_alloc);
    EXPECT_TRUE(table(*catalog, path));
}

TEST_F(DatasetCatalogTest, AFolderThatTakesNothingIsAnError) {
    const auto catalog = this->catalog();
    fs::remove_all(folder_.path() / "datasets");
    const auto read = table(*catalog, write("a.csv", some_table));
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().message, HasSubstr("datasets"));
}

}  // namespace
}  // namespace netcompute::data
