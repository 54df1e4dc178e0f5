#include "data/csv_reader.hpp"
#include "learning/prediction_data.hpp"
#include "learning/training_data.hpp"
#include "read_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

/// Bytes that this program holds by `new`, and the most that it held.
std::atomic<std::size_t> held_bytes{0};
std::atomic<std::size_t> most_bytes{0};

}  // namespace

// The compiler takes what is inlined here for a mismatched pair of malloc and delete.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
void* operator new(std::size_t size) {
    void* const block = std::malloc(size);
    if (block == nullptr) throw std::bad_alloc{};
    const std::size_t held = held_bytes += ::malloc_usable_size(block);
    std::size_t most = most_bytes;
    while (held > most && !most_bytes.compare_exchange_weak(most, held)) {
    }
    return block;
}
void operator delete(void* block) noexcept {
    held_bytes -= ::malloc_usable_size(block);
    std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
    held_bytes -= ::malloc_usable_size(block);
    std::free(block);
}

namespace netcompute::learning {
namespace {

using data::csv_text_source;
using data::CsvLimits;
using data::CsvReader;
using testing::HasSubstr;

/// A table of these many feature columns, with `cell` in each of two rows.
std::string wide_table(std::size_t columns, std::string_view cell) {
    std::string text = "PassengerId,Survived";
    for (std::size_t i = 0; i < columns; ++i) text += ",c" + std::to_string(i);
    for (const std::string_view start : {"1,0", "2,1"}) {
        text += '\n';
        text += start;
        for (std::size_t i = 0; i < columns; ++i) text.append(",").append(cell);
    }
    return text + "\n";
}

/// The most that `work` held at a time, beyond what was held before.
template <typename Work>
std::size_t bytes_for(const Work& work) {
    const std::size_t before = held_bytes;
    most_bytes = before;
    work();
    return most_bytes - before;
}

Result<programs::BlobRef> drop(Bytes bytes) {
    return programs::BlobRef{{}, bytes.size()};
}

// What a table costs follows from its bytes: a small file of many columns is a small table.
TEST(TableMemoryTest, ManyColumnsOfFewRowsTakeLittle) {
    constexpr std::size_t reader_bytes = std::size_t{2} << 20;  // Its buffer, whatever the table.
    const std::size_t columns = CsvLimits{}.column_count_max - 2;
    for (const std::string_view cell : {"1", "x", ""}) {
        const std::string text = wide_table(columns, cell);
        const std::size_t bytes = bytes_for([&] {
            const auto table = read_table(text, "wide.csv", "PassengerId");
            ASSERT_TRUE(table) << table.error().message;
            const auto options = logistic_options("Survived", "PassengerId");
            std::ignore = prepare_training(*table, options, drop);
        });
        EXPECT_LT(bytes, reader_bytes + 200 * text.size()) << "\"" << cell << "\" in each field";
    }
}

TEST(TableMemoryTest, MoreColumnsThanMakeSenseAreRefusedFromTheHeader) {
    const std::string text = wide_table(20'000, "1");
    std::string message;
    const std::size_t bytes = bytes_for([&] {
        const auto reader = CsvReader::open(csv_text_source(text), "wide.csv");
        ASSERT_FALSE(reader);
        EXPECT_EQ(reader.error().code, ErrorCode::LimitExceeded);
        message = reader.error().message;
    });
    EXPECT_THAT(message, HasSubstr("has 20002 columns; a table may have 16384"));
    EXPECT_LT(bytes, std::size_t{4} << 20);
}

// A header of commas alone: counted to its end, not kept.
TEST(TableMemoryTest, AnEndlessHeaderIsNotKept) {
    const std::string text(std::size_t{20} << 20, ',');
    const std::size_t bytes = bytes_for([&] {
        const auto reader = CsvReader::open(csv_text_source(text), "wide.csv");
        ASSERT_FALSE(reader);
        EXPECT_EQ(reader.error().code, ErrorCode::LimitExceeded);
    });
    EXPECT_LT(bytes, std::size_t{80} << 20);
}

// A quote that opens and never closes is looked for within the longest row only.
TEST(TableMemoryTest, AQuoteThatNeverClosesEndsAtTheLongestRow) {
    std::string text = "PassengerId,Survived,x\n1,0,\"";
    text.append(std::size_t{40} << 20, 'a');
    const std::size_t bytes = bytes_for([&] {
        auto reader = CsvReader::open(csv_text_source(text), "quote.csv");
        ASSERT_TRUE(reader);
        const auto row = reader->next();
        ASSERT_FALSE(row);
        EXPECT_EQ(row.error().code, ErrorCode::LimitExceeded);
        EXPECT_THAT(row.error().message, HasSubstr("a quote that opens in it never closes"));
    });
    EXPECT_LT(bytes, std::size_t{100} << 20);
}

// Prediction with a table of the most columns that there may be takes no square of their number.
TEST(TableMemoryTest, APredictionOfManyColumnsTakesLittle) {
    const std::size_t columns = CsvLimits{}.column_count_max - 2;
    const std::string text = wide_table(columns, "1");
    const std::size_t bytes = bytes_for([&] {
        const auto table = read_table(text, "wide.csv", "PassengerId");
        ASSERT_TRUE(table);
        const auto prepared = prepare_prediction(*table, {}, "PassengerId", drop);
        ASSERT_FALSE(prepared);
        EXPECT_THAT(prepared.error().message, HasSubstr("columns that the model does not know"));
        EXPECT_LT(prepared.error().message.size(), 1000U);
    });
    EXPECT_LT(bytes, (std::size_t{2} << 20) + 150 * text.size());
}

}  // namespace
}  // namespace netcompute::learning
