#include "data/dataset_reader.hpp"
#include "generate_csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace netcompute::data {
namespace {

using testing::ElementsAre;

std::shared_ptr<const Dataset> read(std::string_view text, std::string id = "") {
    auto reader = CsvReader::open(csv_text_source(text), "t.csv");
    return read_dataset(*reader, {.id = std::move(id)}).value();
}

Bytes bytes_of(std::string_view text) {
    Bytes bytes;
    auto reader = CsvReader::open(csv_text_source(text), "t.csv");
    const auto done = read_dataset(*reader, {}, [&](ByteSpan part) -> Result<void> {
        bytes.insert(bytes.end(), part.begin(), part.end());
        return {};
    });
    EXPECT_TRUE(done);
    return bytes;
}

/// A table of one column with these fields.
std::string column(const std::vector<std::string>& fields) {
    std::string text = "x,y\n";
    for (const std::string& field : fields) text += field + ",1\n";
    return text;
}

std::vector<std::string> numbered(int count, const std::string& start = "") {
    std::vector<std::string> fields;
    for (int i = 0; i < count; ++i) fields.push_back(start + std::to_string(i));
    return fields;
}

TEST(DatasetTest, FewDistinctFieldsAreCodesInTheOrderInWhichTheyCame) {
    const auto dataset = read(column({"b", "a", "b", "NA", ""}));
    ASSERT_EQ(dataset->row_count(), 5U);
    const Column& x = *dataset->find("x");
    const auto& coded = std::get<CodedTexts>(x.values);
    EXPECT_THAT(coded.texts, ElementsAre(FieldAt{"b", 0}, FieldAt{"a", 1}));
    EXPECT_THAT(coded.codes, ElementsAre(0, 1, 0, code_missing, code_missing));
    EXPECT_EQ(x.missing_count, 2U);
    EXPECT_EQ(x.first_missing, (FieldAt{"NA", 3}));
    EXPECT_EQ(field_text(x, 2), "b");
    EXPECT_EQ(field_text(x, 3), "NA");
    EXPECT_EQ(field_text(x, 4), "");
}

TEST(DatasetTest, ManyDistinctNumbersAreNumbers) {
    auto fields = numbered(300);
    fields.insert(fields.begin() + 280, {"inf", "NA"});
    const auto dataset = read(column(fields));
    const Column& x = *dataset->find("x");
    const auto& numbers = std::get<Numbers>(x.values);
    ASSERT_EQ(numbers.values.size(), 302U);
    EXPECT_EQ(numbers.values[7], 7);
    EXPECT_TRUE(std::isnan(numbers.values[280]) && std::isnan(numbers.values[281]));
    EXPECT_EQ(x.not_finite, (FieldAt{"inf", 280}));
    EXPECT_EQ(numbers.examples[1], (FieldAt{"1", 1}));
    EXPECT_EQ(field_text(x, 280), "inf");
    EXPECT_EQ(field_text(x, 281), "NA");
    EXPECT_EQ(field_text(x, 301), "299");
}

TEST(DatasetTest, AFewWordsAmongNumbersAreMissingWhereverTheyStand) {
    for (const std::size_t place : {0U, 100U, 280U}) {
        auto fields = numbered(300);
        fields.insert(fields.begin() + static_cast<std::ptrdiff_t>(place), "old");
        const auto dataset = read(column(fields));
        const Column& x = *dataset->find("x");
        const auto& numbers = std::get<Numbers>(x.values);
        ASSERT_EQ(numbers.values.size(), 301U);
        EXPECT_EQ(x.kind, ColumnKind::Number);
        EXPECT_TRUE(std::isnan(numbers.values[place]));
        EXPECT_EQ(x.odd.count, 1U);
        EXPECT_THAT(x.odd.first, ElementsAre(FieldAt{"old", place}));
        EXPECT_EQ(field_text(x, place), "old");
        EXPECT_EQ(field_text(x, 300), "299");
    }
}

// The rule looks at all fields, so it is the same in whichever order they come.
TEST(DatasetTest, ManyWordsAmongNumbersMakeTextsWhereverTheyStand) {
    for (const bool words_first : {true, false}) {
        auto fields = numbered(400);
        const auto words = numbered(100, "w");
        fields.insert(words_first ? fields.begin() : fields.end(), words.begin(), words.end());
        const auto dataset = read(column(fields));
        const Column& x = *dataset->find("x");
        EXPECT_EQ(x.kind, ColumnKind::Text);
        const auto& texts = std::get<Texts>(x.values);
        for (std::size_t row = 0; row < fields.size(); ++row) EXPECT_EQ(texts[row], fields[row]);
        EXPECT_EQ(x.odd.count, 100U);
    }
    auto fields = numbered(400);
    const auto words = numbered(40, "w");
    fields.insert(fields.begin(), words.begin(), words.end());
    EXPECT_EQ(read(column(fields))->find("x")->kind, ColumnKind::Number);
}

TEST(DatasetTest, KindsAreFoundByTheFields) {
    const auto kind = [](const std::vector<std::string>& fields) {
        return read(column(fields))->find("x")->kind;
    };
    EXPECT_EQ(kind({"1", "2", "?", "-", "3"}), ColumnKind::Number);
    EXPECT_EQ(kind({"1", "2", "two", "3"}), ColumnKind::Category);
    EXPECT_EQ(kind({"a", "b"}), ColumnKind::Category);
    EXPECT_EQ(kind({"True", "false", "TRUE"}), ColumnKind::Boolean);
    EXPECT_EQ(kind({"2024-01-31", "2024-02-01 12:30"}), ColumnKind::Date);
    EXPECT_EQ(kind({"31/1/2024", "1/2/2024"}), ColumnKind::Date);
    EXPECT_EQ(kind({"3/1/2024", "1/2/2024"}), ColumnKind::Category);
    EXPECT_EQ(kind({"45%", "12%"}), ColumnKind::Number);
    EXPECT_EQ(kind({"\"NA\"", "EU"}), ColumnKind::Category);
    EXPECT_EQ(kind({"20240131", "20240201"}), ColumnKind::Number);
}

TEST(DatasetTest, WordsBetweenQuotesAreNotMissing) {
    const auto dataset = read(column({"\"NA\"", "NA", "\"\"", "EU", "NaN"}));
    const Column& x = *dataset->find("x");
    EXPECT_THAT(std::get<CodedTexts>(x.values).codes,
                ElementsAre(0, code_missing, code_missing, 1, code_missing));
    EXPECT_EQ(x.missing_count, 3U);
}

TEST(DatasetTest, APercentAmongPlainNumbersIsMissingAndOneAmongPercentsIsRead) {
    auto fields = numbered(40);
    fields.push_back("45%");
    const auto plain = read(column(fields));
    EXPECT_THAT(plain->find("x")->odd.first, ElementsAre(FieldAt{"45%", 40}));
    auto percents = numbered(40);
    for (auto& field : percents) field += "%";
    percents.push_back("7");
    const auto dataset = read(column(percents));
    EXPECT_THAT(dataset->find("x")->odd.first, ElementsAre(FieldAt{"7", 40}));
    EXPECT_EQ(std::get<CodedTexts>(dataset->find("x")->values).numbers[39], 0.39);
}

TEST(DatasetTest, GivenKindsComeBeforeTheRule) {
    const auto kind = [](const std::vector<std::string>& fields, ColumnKind given) {
        auto reader = CsvReader::open(csv_text_source(column(fields)), "t.csv");
        ReadingOptions options;
        options.columns["x"] = given;
        return read_dataset(*reader, options).value()->columns()[0];
    };
    EXPECT_EQ(kind({"1", "2"}, ColumnKind::Category).kind, ColumnKind::Category);
    EXPECT_EQ(kind({"a", "1", "b"}, ColumnKind::Number).odd.count, 2U);
    const Column dates = kind({"3/4/2024", "x"}, ColumnKind::DateDayFirst);
    EXPECT_EQ(std::get<CodedTexts>(dates.values).numbers[0], 19816);
    EXPECT_EQ(
        std::get<CodedTexts>(kind({"3/4/2024"}, ColumnKind::DateMonthFirst).values).numbers[0],
        19786);
    EXPECT_TRUE(std::get<CodedTexts>(kind({"a", "b"}, ColumnKind::Ignore).values).texts.empty());
}

TEST(DatasetTest, TheIdIsKeptAsItIsWritten) {
    const auto dataset = read("id,x\n007,1\n1.50,2\n,3\n", "id");
    const auto& ids = std::get<Texts>(dataset->find("id")->values);
    EXPECT_EQ(ids[0], "007");
    EXPECT_EQ(ids[1], "1.50");
    EXPECT_EQ(ids.first_empty, 2U);
}

// A quoted field may hold line ends, so rows and lines part.
TEST(DatasetTest, RowsAreFoundByTheirLines) {
    const auto dataset = read("x,y\na,1\n\"b\nb\",2\nc,3\n\"d\n\nd\",4\n\"e\ne\",5\nf,6\n");
    std::vector<std::uint64_t> lines;
    for (std::uint64_t row = 0; row < 6; ++row) {
        EXPECT_EQ(dataset->place(row).row, row + 1);
        lines.push_back(dataset->place(row).line);
    }
    EXPECT_THAT(lines, ElementsAre(2, 3, 5, 6, 9, 11));
}

TEST(DatasetTest, OneTableGivesOneSequenceOfBytes) {
    const std::string text = test_support::generate_passengers({3000, 7});
    EXPECT_EQ(bytes_of(text), bytes_of(text));
    const Bytes bytes = bytes_of(text);
    const auto dataset = Dataset::open(bytes, nullptr);
    ASSERT_TRUE(dataset);
    EXPECT_EQ((*dataset)->row_count(), 3000U);
    EXPECT_EQ((*dataset)->bytes(), bytes.size());
}

// A disk may give back anything: what does not fit is refused, at whichever byte it ends.
TEST(DatasetTest, BytesThatAreNoWholeDatasetAreRefused) {
    const Bytes bytes = bytes_of(column({"b", "a", "12", ""}));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(Dataset::open(ByteSpan{bytes}.first(size), nullptr)) << size;
    }
    Bytes longer = bytes;
    longer.resize(bytes.size() + 8);
    EXPECT_FALSE(Dataset::open(longer, nullptr));
    for (std::size_t place = 0; place < 44; ++place) {
        Bytes changed = bytes;
        changed[place] ^= std::byte{0x80};
        EXPECT_FALSE(Dataset::open(changed, nullptr)) << place;
    }
}

TEST(DatasetTest, ASinkThatFailsEndsTheReading) {
    for (int failing = 1; failing <= 6; ++failing) {
        auto reader = CsvReader::open(csv_text_source(column(numbered(300))), "t.csv");
        int call = 0;
        const auto done = read_dataset(*reader, {}, [&](ByteSpan) -> Result<void> {
            if (++call == failing) return unexpected(ErrorCode::Unavailable, "disk full");
            return {};
        });
        if (call < failing) break;
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().message, "disk full");
    }
}

}  // namespace
}  // namespace netcompute::data
