#include "params/reading_params.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute::params {
namespace {

using nlohmann::json;
using testing::HasSubstr;

data::ReadingOptions read_options(const char* text) {
    return read_reading_json(json::parse(text)).value();
}

std::string refusal_of(const char* text) {
    const auto read = read_reading_json(json::parse(text));
    return read ? "no error" : read.error().message;
}

TEST(ReadingParamsTest, WhatIsGivenReadsBackAsItWasWritten) {
    const auto options = read_options(
        R"({"reading": {"separator": "\t", "decimal": ",", "quote": "", "comment": "%",
            "encoding": "utf-16le", "skip_lines": 3},
            "columns": {"a": "number", "b": "date_day_first"}, "missing": ["?", ""]})");
    EXPECT_EQ(options.dialect.separator, '\t');
    EXPECT_EQ(options.dialect.quote, '\0');
    EXPECT_EQ(options.columns.at("b"), data::ColumnKind::DateDayFirst);
    EXPECT_EQ(read_reading_json(json(reading_json(options))).value(), options);
    EXPECT_EQ(read_options("{}"), data::ReadingOptions{});
    EXPECT_TRUE(reading_json({}).empty());
}

TEST(ReadingParamsTest, AMarkOfThousandsTellsTheDecimalMark) {
    EXPECT_EQ(read_options(R"({"reading": {"thousands": "."}})").dialect.decimal, ',');
    EXPECT_EQ(read_options(R"({"reading": {"thousands": ","}})").dialect.decimal, '.');
    EXPECT_THAT(refusal_of(R"({"reading": {"decimal": ",", "thousands": ","}})"),
                HasSubstr("is the decimal mark as well"));
}

TEST(ReadingParamsTest, WhatIsWrongIsNamed) {
    EXPECT_THAT(refusal_of(R"({"reading": {"separator": "ab"}})"),
                HasSubstr("reading.separator: \"ab\" is not one ASCII character"));
    EXPECT_THAT(refusal_of(R"({"reading": {"encoding": "latin1"}})"),
                HasSubstr("is not one of utf-8"));
    EXPECT_THAT(refusal_of(R"({"reading": {"skip_lines": -1}})"), HasSubstr("whole number"));
    EXPECT_THAT(refusal_of(R"({"columns": {"a": 1}})"), HasSubstr("columns.a: 1 is not one of"));
    EXPECT_THAT(refusal_of(R"({"missing": ["a", 1]})"), HasSubstr("is not a list"));
}

TEST(ReadingParamsTest, WhatAJobIsToldComesBeforeWhatItsModelWas) {
    const auto model = read_options(
        R"({"reading": {"separator": ";", "decimal": ","}, "columns": {"a": "text"}})");
    const auto job = read_options(
        R"({"reading": {"separator": "|"}, "columns": {"a": "number"}, "missing": []})");
    const auto both = merged(model, job);
    EXPECT_EQ(both.dialect.separator, '|');
    EXPECT_EQ(both.dialect.decimal, ',');
    EXPECT_EQ(both.columns.at("a"), data::ColumnKind::Number);
    EXPECT_TRUE(both.missing && both.missing->empty());
}

}  // namespace
}  // namespace netcompute::params
