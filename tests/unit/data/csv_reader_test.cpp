#include "data/csv_reader.hpp"

#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace netcompute::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Rows = std::vector<std::vector<std::string>>;

/// Everything in a text, header first, or the error that reading met.
Result<Rows> read_all(std::string_view text, const CsvLimits& limits = {}) {
    auto reader = CsvReader::open(csv_text_source(text), "t.csv", limits);
    if (!reader) return unexpected(reader.error());
    Rows rows{reader->header()};
    for (;;) {
        const auto more = reader->next();
        if (!more) return unexpected(more.error());
        if (!*more) return rows;
        rows.emplace_back(reader->fields().begin(), reader->fields().end());
    }
}

std::string error_of(std::string_view text, const CsvLimits& limits = {}) {
    const auto rows = read_all(text, limits);
    return rows ? "no error" : rows.error().message;
}

/// The rows, read in chunks of every small size, so that each byte once ends a chunk.
Rows rows_of(std::string_view text) {
    const auto whole = read_all(text);
    EXPECT_TRUE(whole) << whole.error().message;
    if (!whole) return {};
    for (std::size_t chunk_bytes = 1; chunk_bytes <= text.size() + 1; ++chunk_bytes) {
        const auto chunked = read_all(text, {.chunk_bytes = chunk_bytes});
        EXPECT_TRUE(chunked && *chunked == *whole) << "in chunks of " << chunk_bytes;
    }
    return *whole;
}

TEST(CsvReaderTest, PlainFieldsAreSplitAtCommas) {
    EXPECT_EQ(rows_of("a,b\n1,2\n3,\n"), (Rows{{"a", "b"}, {"1", "2"}, {"3", ""}}));
}

TEST(CsvReaderTest, QuotedFieldsHoldCommasQuotesAndLines) {
    EXPECT_EQ(rows_of("a,b\n\"x,y\",\"say \"\"hi\"\"\"\n\"two\nlines\",\"\"\n"),
              (Rows{{"a", "b"}, {"x,y", "say \"hi\""}, {"two\nlines", ""}}));
    EXPECT_EQ(rows_of("a\n\"\"\"\"\n\"\"\"x\"\n\"x\"\"\""),
              (Rows{{"a"}, {"\""}, {"\"x"}, {"x\""}}));
}

TEST(CsvReaderTest, LinesMayEndWithCrlfAndTheLastOneWithNothing) {
    EXPECT_EQ(rows_of("a,b\r\n1,\"2\"\r\n3,4"), (Rows{{"a", "b"}, {"1", "2"}, {"3", "4"}}));
    EXPECT_EQ(rows_of("a,b\n1,\"2\""), (Rows{{"a", "b"}, {"1", "2"}}));
    EXPECT_EQ(rows_of("a,b\n1,"), (Rows{{"a", "b"}, {"1", ""}}));
}

TEST(CsvReaderTest, AByteOrderMarkIsPassedOver) {
    EXPECT_EQ(rows_of("\xEF\xBB\xBF"
                      "a,b\n1,2\n"),
              (Rows{{"a", "b"}, {"1", "2"}}));
    EXPECT_EQ(rows_of("\xEF\xBB\xBF\"a\",b\n1,2\n"), (Rows{{"a", "b"}, {"1", "2"}}));
}

TEST(CsvReaderTest, BlankLinesAtTheEndArePassedOver) {
    EXPECT_EQ(rows_of("a,b\n1,2\n\n\r\n\n"), (Rows{{"a", "b"}, {"1", "2"}}));
}

TEST(CsvReaderTest, TextOfAllPlanesIsKept) {
    EXPECT_EQ(rows_of("naïve,東京\n😀,\"Zoë\"\n"), (Rows{{"naïve", "東京"}, {"😀", "Zoë"}}));
}

TEST(CsvReaderTest, RowsAndLinesAreCountedAsAnEditorShowsThem) {
    auto reader = CsvReader::open(csv_text_source("a,b\n\"x\ny\",1\nz,2\n"), "t.csv");
    ASSERT_TRUE(reader);
    ASSERT_TRUE(*reader->next());
    EXPECT_EQ(reader->row(), 1U);
    EXPECT_EQ(reader->line(), 2U);
    ASSERT_TRUE(*reader->next());
    EXPECT_EQ(reader->row(), 2U);
    EXPECT_EQ(reader->line(), 4U);
}

TEST(CsvReaderTest, AnEmptyTableIsRefused) {
    for (const char* empty : {"", "\xEF\xBB\xBF", "\n\n", "\r\n"}) {
        EXPECT_EQ(error_of(empty), "t.csv: is empty; its first line must name the columns");
    }
}

TEST(CsvReaderTest, AHeaderAloneIsRefused) {
    for (const char* text : {"a,b", "a,b\n", "a,b\n\n\n"}) {
        EXPECT_EQ(error_of(text), "t.csv: has a header but no rows; add the data below it");
    }
}

TEST(CsvReaderTest, ARaggedRowIsNamedWithBothCounts) {
    EXPECT_EQ(error_of("a,b\n1,2\n1,2,3\n"),
              "t.csv: line 3 (row 2): has 3 fields, but the header names 2 columns; quote fields "
              "that hold commas");
    EXPECT_THAT(error_of("a,b\n1\n"), HasSubstr("line 2 (row 1): has 1 field,"));
    EXPECT_THAT(error_of("a,b\n\"x\ny\",1\n1\n"), HasSubstr("line 4 (row 2): has 1 field,"));
}

TEST(CsvReaderTest, BlankLinesAmongRowsArePassedOverAndToldOf) {
    EXPECT_EQ(rows_of("\na,b\n1,2\n\n\n3,4\n"), (Rows{{"a", "b"}, {"1", "2"}, {"3", "4"}}));
    auto reader = CsvReader::open(csv_text_source("a,b\n1,2\n\n\n3,4\n\n"), "t.csv");
    while (*reader->next()) {
    }
    EXPECT_EQ(reader->passed_over().first_blank_line, 3U);
    auto plain = CsvReader::open(csv_text_source("a,b\n1,2\n\n"), "t.csv");
    while (*plain->next()) {
    }
    EXPECT_EQ(plain->passed_over().first_blank_line, 0U);
}

TEST(CsvReaderTest, RowsOfEmptyFieldsArePassedOverAndToldOf) {
    EXPECT_EQ(rows_of("a,b\n,\n1,2\n,\n"), (Rows{{"a", "b"}, {"1", "2"}}));
    EXPECT_EQ(rows_of("a,b\n\"\",\n"), (Rows{{"a", "b"}, {"", ""}}));
    auto reader = CsvReader::open(csv_text_source("a,b\n1,2\n,\n,\n"), "t.csv");
    while (*reader->next()) {
    }
    EXPECT_EQ(reader->passed_over().first_empty_row, 3U);
    EXPECT_EQ(reader->passed_over().empty_rows, 2U);
}

TEST(CsvReaderTest, ADialectHasItsOwnMarks) {
    const Dialect dialect{.separator = ';', .quote = '\'', .comment = '#', .skip_lines = 1};
    auto reader = CsvReader::open(
        csv_text_source("title, with \"marks\n# it's one\na;b\n'x;y';\"2\"\n# no\n'it''s';3\n"),
        "t.csv", {}, dialect);
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_THAT(reader->header(), ElementsAre("a", "b"));
    ASSERT_TRUE(*reader->next());
    EXPECT_THAT(reader->fields(), ElementsAre("x;y", "\"2\""));
    EXPECT_EQ(reader->line(), 4U);
    ASSERT_TRUE(*reader->next());
    EXPECT_THAT(reader->fields(), ElementsAre("it's", "3"));
    EXPECT_EQ(reader->line(), 6U);
    EXPECT_FALSE(*reader->next());
}

TEST(CsvReaderTest, BlanksMayStandAroundQuotes) {
    EXPECT_EQ(rows_of("a, \"b\"\n1, \"x, y\" \n"), (Rows{{"a", "b"}, {"1", "x, y"}}));
}

TEST(CsvReaderTest, BytesThatAreNotUtf8AreShownByPlace) {
    EXPECT_EQ(
        error_of("a,b\n1,caf\xE9\n"),
        "t.csv: line 2, position 6 (row 1): bytes that are not UTF-8; save the file as UTF-8, or "
        "say what it is: reading: {\"encoding\": \"windows-1252\"}");
    EXPECT_THAT(error_of("a,\xFF\n1,2\n"), HasSubstr("line 1, position 3: bytes"));
    EXPECT_THAT(error_of("a,b\n\"x\n\xC0\x80\",2\n"), HasSubstr("line 3, position 1 (row 1)"));
}

TEST(CsvReaderTest, EveryKindOfBadUtf8IsRefused) {
    for (const std::string_view bad :
         {"\x80", "\xC3", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xEF\xBF",
          "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x28\xA1"}) {
        EXPECT_THAT(error_of("a,b\n1," + std::string{bad} + "\n"), HasSubstr("not UTF-8"));
    }
}

TEST(CsvReaderTest, Utf16IsRecognized) {
    EXPECT_EQ(error_of(std::string_view{"\xFF\xFE"
                                        "a\0,\0",
                                        6}),
              "t.csv: is UTF-16; save it as CSV in UTF-8");
}

TEST(CsvReaderTest, ANulByteIsShownByPlace) {
    EXPECT_THAT(error_of(std::string_view{"a,b\n1,\0\n", 8}),
                HasSubstr("t.csv: line 2, position 3 (row 1): a NUL byte"));
}

TEST(CsvReaderTest, AQuoteThatNeverClosesIsShownWhereItOpens) {
    EXPECT_EQ(error_of("a,b\n1,2\n3,\"x\ny,z\n"),
              "t.csv: line 3, position 3 (row 2): the quote that opens here never closes");
}

TEST(CsvReaderTest, TextAfterAClosingQuoteIsShownByPlace) {
    EXPECT_EQ(error_of("a,b\n\"x\ny\"z,2\n"),
              "t.csv: line 3, position 3 (row 1): text after a closing quote; write a quote inside "
              "a field twice");
    EXPECT_THAT(error_of("a,b\n\"x\" z,2\n"), HasSubstr("position 5 (row 1): text after"));
}

TEST(CsvReaderTest, AQuoteInsideAPlainFieldIsShownByPlace) {
    EXPECT_THAT(error_of("a,b\n1,5\"\n"),
                HasSubstr("line 2, position 4 (row 1): a quote inside a field"));
}

TEST(CsvReaderTest, CarriageReturnsAloneAreRefused) {
    EXPECT_THAT(error_of("a,b\r1,2\r"), HasSubstr("line 1, position 4: a carriage return"));
    EXPECT_THAT(error_of("a,b\n1,2\r"), HasSubstr("line 2, position 4 (row 1): a carriage"));
    EXPECT_EQ(rows_of("a\n\"x\ry\"\n"), (Rows{{"a"}, {"x\ry"}}));
}

TEST(CsvReaderTest, ColumnsNeedNamesOfTheirOwn) {
    EXPECT_EQ(error_of("a,b,a\n1,2,3\n"),
              "t.csv: line 1, position 1: two columns are named \"a\"; give each its own name");
}

TEST(CsvReaderTest, ColumnsWithoutNamesGetThoseOfPandas) {
    EXPECT_EQ(rows_of(",a,\n0,1,2\n"), (Rows{{"Unnamed: 0", "a", "Unnamed: 2"}, {"0", "1", "2"}}));
    EXPECT_EQ(rows_of(",Unnamed: 0\n0,1\n"), (Rows{{"Unnamed: 0.1", "Unnamed: 0"}, {"0", "1"}}));
}

TEST(CsvReaderTest, ARowOverTheLimitIsRefusedWhetherItEndsOrNot) {
    const CsvLimits limits{.row_bytes_max = 100, .chunk_bytes = 16};
    const std::string fits(96, 'x');
    EXPECT_EQ(error_of("a,b\n" + fits + ",1\n", limits), "no error");
    EXPECT_THAT(error_of("a,b\n" + fits + "xxx,1\n", limits),
                HasSubstr("line 2 (row 1): the row is longer than 100 bytes"));
    EXPECT_THAT(error_of("a,b\n1,2\n\"" + std::string(1000, '\n'), limits),
                HasSubstr("line 3 (row 2): the row is longer than 100 bytes; perhaps a quote"));
}

TEST(CsvReaderTest, TooManyColumnsAreRefused) {
    EXPECT_EQ(
        error_of("a,b,c\n1,2,3\n", {.column_count_max = 2}),
        "t.csv: has 3 columns; a table may have 2: leave out those that nothing is learned from");
}

// Memory stays at the size of a chunk: what is read is not kept.
TEST(CsvReaderTest, AFileMuchLargerThanAChunkIsReadRowByRow) {
    const test_support::TemporaryFolder folder;
    std::string text = "a,b\n";
    for (int i = 0; i < 5000; ++i) text += std::to_string(i) + ",\"v" + std::to_string(i) + "\"\n";
    auto source = csv_file_source(*InputFile::open(folder.write("long.csv", text)));
    auto reader = CsvReader::open(std::move(source), "long.csv", {.chunk_bytes = 64});
    ASSERT_TRUE(reader);
    for (int i = 0; i < 5000; ++i) {
        const auto more = reader->next();
        ASSERT_TRUE(more && *more);
        ASSERT_THAT(reader->fields(), ElementsAre(std::to_string(i), "v" + std::to_string(i)));
    }
    const auto more = reader->next();
    EXPECT_TRUE(more && !*more);
}

TEST(CsvReaderTest, AFileThatCannotBeReadIsNamed) {
    const test_support::TemporaryFolder folder;
    const auto missing = InputFile::open(folder.path() / "none.csv");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
    EXPECT_EQ(missing.error().message,
              (folder.path() / "none.csv").string() + ": there is no such file");
    const auto is_folder = InputFile::open(folder.path());
    ASSERT_FALSE(is_folder);
    EXPECT_EQ(is_folder.error().message,
              folder.path().string() + ": is a folder; name a file in it");
}

/// A source that breaks after some bytes, as a disk may.
class BreakingSource final : public CsvSource {
 public:
    explicit BreakingSource(std::string_view text) : rest_{text} {}
    Result<std::size_t> read(std::span<char> target) override {
        if (rest_.empty())
            return unexpected(ErrorCode::Unavailable, "t.csv: could not read: broken");
        const std::size_t taken = std::min(rest_.size(), target.size());
        std::copy_n(rest_.data(), taken, target.data());
        rest_.remove_prefix(taken);
        return taken;
    }

 private:
    std::string_view rest_;
};

TEST(CsvReaderTest, AReadErrorEndsTheTableWhereverItComes) {
    constexpr std::string_view text = "a,b\n1,\"2\"\n3,4\n5,6\n";
    for (std::size_t bytes_before = 0; bytes_before <= text.size(); ++bytes_before) {
        auto reader =
            CsvReader::open(std::make_unique<BreakingSource>(text.substr(0, bytes_before)), "t.csv",
                            {.chunk_bytes = 2});
        Error error;
        while (reader) {
            const auto more = reader->next();
            if (!more) {
                error = more.error();
                break;
            }
            ASSERT_TRUE(*more) << "the table ended as if it were whole";
        }
        if (!reader) error = reader.error();
        EXPECT_EQ(error.message, "t.csv: could not read: broken") << bytes_before;
    }
}

// Any bytes at all give rows or an error: the same ones however they are cut into chunks.
TEST(CsvReaderTest, RandomBytesGiveTheSameAnswerInEveryChunking) {
    constexpr std::string_view alphabet = "ab,,\"\"\n\n\r\xC3\xA9";
    std::mt19937 dice{20260101};
    int table_count = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string text = i % 2 == 0 ? "a,b\n" : "";
        for (std::size_t size = dice() % 24; size > 0; --size) {
            text += alphabet[dice() % alphabet.size()];
        }
        const auto whole = read_all(text);
        const auto chunked = read_all(text, {.chunk_bytes = 1 + dice() % 5});
        ASSERT_EQ(whole.has_value(), chunked.has_value()) << text;
        if (whole) {
            ++table_count;
            ASSERT_EQ(*whole, *chunked) << text;
        } else {
            ASSERT_EQ(whole.error(), chunked.error()) << text;
        }
    }
    EXPECT_GT(table_count, 50);
}

}  // namespace
}  // namespace netcompute::data
