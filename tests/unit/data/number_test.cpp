#include "data/number.hpp"

#include <gtest/gtest.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

namespace netcompute::data {
namespace {

TEST(NumberTest, DecimalNotationIsRead) {
    const auto value_of = [](const char* text) {
        const ParsedNumber number = parse_number(text);
        EXPECT_EQ(number.kind, NumberKind::Finite) << text;
        return number.value;
    };
    EXPECT_EQ(value_of("0"), 0);
    EXPECT_EQ(value_of("-12.5"), -12.5);
    EXPECT_EQ(value_of("+7"), 7);
    EXPECT_EQ(value_of(" \t3e2 "), 300);
    EXPECT_EQ(value_of("1E-2"), 0.01);
    EXPECT_EQ(value_of(".5"), 0.5);
    EXPECT_EQ(value_of("5."), 5);
    EXPECT_EQ(value_of("007"), 7);
    EXPECT_EQ(value_of("1.7976931348623157e308"), std::numeric_limits<double>::max());
    EXPECT_EQ(value_of("4.9e-324"), std::numeric_limits<double>::denorm_min());
}

TEST(NumberTest, MinusZeroIsZero) {
    for (const char* text : {"-0", "-0.0", "-0e5"}) {
        EXPECT_FALSE(std::signbit(parse_number(text).value)) << text;
    }
}

TEST(NumberTest, WhatIsTooSmallIsZeroAndWhatIsTooLargeIsNotFinite) {
    for (const char* text : {"1e-400", "-1e-400", "0.0000001e-320", "1e-99999999999999999999"}) {
        EXPECT_EQ(parse_number(text).kind, NumberKind::Finite) << text;
        EXPECT_EQ(parse_number(text).value, 0) << text;
    }
    const std::string digits(400, '9');
    for (const std::string& text :
         {std::string{"1e400"}, std::string{"-1e400"}, digits, digits + ".5",
          std::string{"0.001e999"}, std::string{"1e+99999999999999999999"}}) {
        EXPECT_EQ(parse_number(text).kind, NumberKind::NotFinite) << text;
    }
}

TEST(NumberTest, NamesOfWhatIsNotFiniteAreKnown) {
    for (const char* text : {"nan", "NaN", "-nan", "inf", "Inf", "-INF", "infinity", "+inf"}) {
        EXPECT_EQ(parse_number(text).kind, NumberKind::NotFinite) << text;
    }
}

TEST(NumberTest, OtherTextIsNotANumber) {
    for (const char* text : {"", " ", "-", "+", "+-1", "--1", "1,5", "1 2", "0x10", "1e", "e5",
                             "12a", "1.2.3", "$5", "NA", "1_000",
                             "\xC2\xA0"
                             "1"}) {
        EXPECT_EQ(parse_number(text).kind, NumberKind::NotANumber) << text;
    }
}

TEST(NumberTest, EveryDoubleReadsBackFromItsShortestNotation) {
    std::mt19937_64 dice{9};
    for (int i = 0; i < 100'000; ++i) {
        const std::uint64_t bits = dice();
        double value = 0;
        std::memcpy(&value, &bits, sizeof value);
        if (!std::isfinite(value)) continue;
        std::array<char, 40> digits{};
        const auto end = std::to_chars(digits.begin(), digits.end(), value).ptr;
        const ParsedNumber number =
            parse_number({digits.data(), static_cast<std::size_t>(end - digits.data())});
        ASSERT_EQ(number.kind, NumberKind::Finite);
        ASSERT_EQ(number.value, value);
    }
}

TEST(NumberTest, MissingValuesAreTheListedWordsAndBlanks) {
    for (const char* text : {"", " ", "\t", "NA", "N/A", "n/a", "NULL", "null", "None", "#N/A",
                             "<NA>", " NA ", "NaN", "nan", "-nan", "#NA", "1.#IND", "\xC2\xA0"}) {
        EXPECT_TRUE(is_missing(text)) << text;
    }
    for (const char* text : {"na", "Na", "none", "Null", "0", "-", "?", "NA1"}) {
        EXPECT_FALSE(is_missing(text)) << text;
    }
}

TEST(NumberTest, OwnWordsForMissingValuesTakeThePlaceOfTheUsualOnes) {
    const MissingWords words{{"?"}};
    EXPECT_TRUE(words.contains("?") && words.contains(" ") && words.contains(""));
    EXPECT_FALSE(words.contains("NA"));
}

TEST(NumberTest, NumbersAreReadAsPeopleWriteThem) {
    struct Case {
        const char* text;
        char decimal;
        double value;
        NumberLook look;
    };
    constexpr auto plain = NumberLook::Plain;
    constexpr auto marked = NumberLook::Marked;
    for (const Case& each :
         {Case{"64,659", '.', 64659, marked}, Case{"1,234,567.5", '.', 1234567.5, marked},
          Case{"-1 234", '.', -1234, marked},
          Case{"1\xC2\xA0"
               "234",
               '.', 1234, marked},
          Case{"35.85\xC2\xA0", '.', 35.85, marked}, Case{"1'000.5", '.', 1000.5, marked},
          Case{"$5", '.', 5, marked}, Case{"-$5.50", '.', -5.5, marked},
          Case{"5 €", '.', 5, marked},
          Case{"\xE2\x88\x92"
               "7",
               '.', -7, marked},
          Case{"45%", '.', 0.45, NumberLook::Percent}, Case{"45 %", '.', 0.45, NumberLook::Percent},
          Case{"35,85", ',', 35.85, plain}, Case{"-,5", ',', -0.5, plain},
          Case{"12", ',', 12, plain}, Case{"1,5e3", ',', 1500, plain},
          Case{"1.234,5", ',', 1234.5, marked}, Case{"1.234", ',', 1234, marked}}) {
        const ReadNumber number = read_number(each.text, each.decimal);
        EXPECT_EQ(number.kind, NumberKind::Finite) << each.text;
        EXPECT_EQ(number.value, each.value) << each.text;
        EXPECT_EQ(number.look, each.look) << each.text;
    }
    for (const char* text :
         {"1,23", "1,2345", "12,345,67", "1,,234", ",123", "1, 234", "1-2", "A/5", "12 Main", "$",
          "%", "5%%", "1.2.3", "2024-01-02", "-", "0x10"}) {
        EXPECT_EQ(read_number(text).kind, NumberKind::NotANumber) << text;
    }
    EXPECT_EQ(read_number("1.5", ',').kind, NumberKind::NotANumber);
}

}  // namespace
}  // namespace netcompute::data
