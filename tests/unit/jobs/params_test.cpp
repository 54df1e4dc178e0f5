// From one table: what a job's parameters are read as, and with which words they are refused.
#include "params/params.hpp"

#include "job_world.hpp"
#include "jobs/job_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute::jobs {
namespace {

using nlohmann::json;
using test_support::JobWorld;
using ::testing::HasSubstr;

constexpr std::string_view colours[] = {"red", "green"};

constexpr WholeNumber count{
    .name = "count", .what = "How many", .min = 1, .max = 1000, .example = 5, .unit = "bytes"};
constexpr Number share{.name = "C", .what = "Which share", .min = 1e-6, .max = 1e9, .otherwise = 1};
constexpr Text column{.name = "column", .what = "Which column", .otherwise = "id"};
constexpr Text other{
    .name = "other", .what = "Which other column", .example = "x", .if_left_out = "none"};
constexpr Choice colour{
    .name = "colour", .what = "Which colour", .choices = colours, .otherwise = "green"};
constexpr InputFile input{.name = "data",
                          .what = "What is read",
                          .otherwise = "Data/in.csv",
                          .if_missing = "make one first"};
constexpr OutputFile output{.name = "output", .what = "What is written", .otherwise = "Data/o.csv"};

const std::vector<Param>& table() {
    static const std::vector<Param> all{count, share, column, other, colour, input, output};
    return all;
}

class ParamsTest : public ::testing::Test {
 protected:
    ParamsTest() { std::ofstream{world.root() / "Data/in.csv"} << "a\n1\n"; }

    Result<ParamValues> read(const json& params, const CheckTogether& together = {}) {
        const JobContext context = world.context();
        JobFiles files{context};
        return read_params(table(), params, together, files);
    }

    std::string refusal(const json& params) {
        const auto values = read(params);
        return values ? "accepted" : values.error().message;
    }

    JobWorld world;
};

TEST_F(ParamsTest, WhatIsLeftOutHasItsDefault) {
    const auto values = read({{"count", 7}});
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_EQ((*values)[count], 7U);
    EXPECT_EQ((*values)[share], 1);
    EXPECT_EQ((*values)[column], "id");
    EXPECT_FALSE(values->has(other));
    EXPECT_EQ((*values)[other], "");
    EXPECT_EQ((*values)[colour], "green");
    EXPECT_EQ((*values)[input].name(), "Data/in.csv");
    EXPECT_EQ((*values)[output].shown(), "Data/o.csv");
}

TEST_F(ParamsTest, WhatIsGivenIsRead) {
    const auto values = read({{"count", 1e2},
                              {"C", 3},
                              {"column", "name"},
                              {"other", "y"},
                              {"colour", "red"},
                              {"output", "Data/more.csv"}});
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_EQ((*values)[count], 100U) << "JSON writes whole numbers like this too";
    EXPECT_EQ((*values)[share], 3);
    EXPECT_EQ((*values)[column], "name");
    EXPECT_EQ((*values)[other], "y");
    EXPECT_EQ((*values)[colour], "red");
    EXPECT_EQ((*values)[output].shown(), "Data/more.csv");
}

// Each mistake is named with its parameter, its value and what would do.
TEST_F(ParamsTest, MistakesAreNamed) {
    EXPECT_EQ(refusal(json::array()), "params: [] is not an object");
    EXPECT_EQ(refusal(json::object()), "params.count: is missing; give it, for example 5");
    for (const json& bad : {json(0), json(1001), json(-5), json(1.5), json("7"), json(nullptr)}) {
        EXPECT_EQ(refusal({{"count", bad}}),
                  "params.count: " + bad.dump() + " is not a whole number from 1 to 1000");
    }
    for (const json& bad : {json(0), json(1e10), json("x"), json(true)}) {
        EXPECT_EQ(refusal({{"count", 1}, {"C", bad}}),
                  "params.C: " + bad.dump() + " is not a number from 1e-06 to 1000000000.0");
    }
    for (const json& bad : {json(""), json(3), json::object()}) {
        EXPECT_EQ(refusal({{"count", 1}, {"column", bad}}),
                  "params.column: " + bad.dump() + " is not a text of at least one letter");
    }
    EXPECT_EQ(refusal({{"count", 1}, {"column", std::string(4097, 'x')}}),
              "params.column: has 4097 bytes; give at most 4096");
    for (const json& bad : {json("blue"), json(1)}) {
        EXPECT_EQ(refusal({{"count", 1}, {"colour", bad}}),
                  "params.colour: " + bad.dump() + " is not one of red, green");
    }
    // A name that is spelled wrong is told of before the one that is missing for it.
    for (const json& unknown : {json{{"count", 1}, {"size", 2}}, json{{"size", 2}}}) {
        EXPECT_EQ(refusal(unknown),
                  "params.size: is not a parameter of this type; it takes count, C, column, other, "
                  "colour, data, output");
    }
}

// The first in the order of the table is named, whatever the order of the request; files come last.
TEST_F(ParamsTest, TheFirstMistakeIsNamed) {
    EXPECT_THAT(refusal({{"C", 0}, {"count", 0}, {"data", "Data/no.csv"}}), HasSubstr("count: 0"));
    EXPECT_THAT(refusal({{"count", 1}, {"zzz", 0}, {"data", "Data/no.csv"}}), HasSubstr("zzz"));
}

TEST_F(ParamsTest, FilesAreRefusedByTheRulesOfFiles) {
    EXPECT_EQ(refusal({{"count", 1}, {"data", "Data/no.csv"}}),
              "params.data: Data/no.csv: make one first");
    EXPECT_THAT(refusal({{"count", 1}, {"output", "Data/in.csv"}}),
                HasSubstr("params.output: Data/in.csv: is params.data of this job as well"));
}

TEST_F(ParamsTest, WhatConcernsSeveralIsAskedOnceEachIsRight) {
    const CheckTogether together = [](const ParamValues& values) -> Result<void> {
        if (values[column] != values[other]) return {};
        return unexpected(ErrorCode::InvalidArgument, "both are " + values[column]);
    };
    EXPECT_TRUE(read({{"count", 1}, {"other", "x"}}, together));
    EXPECT_EQ(read({{"count", 1}, {"other", "id"}}, together).error().message, "both are id");
    EXPECT_THAT(read({{"count", 0}, {"other", "id"}}, together).error().message,
                HasSubstr("count: 0"));
}

TEST(ParamDocumentTest, SaysInTheWordsOfJsonSchemaWhatIsTaken) {
    EXPECT_EQ(param_document(count), (json{{"name", "count"},
                                           {"description", "How many"},
                                           {"required", true},
                                           {"type", "integer"},
                                           {"minimum", 1},
                                           {"maximum", 1000},
                                           {"example", 5},
                                           {"unit", "bytes"}}));
    EXPECT_EQ(param_document(share), (json{{"name", "C"},
                                           {"description", "Which share"},
                                           {"required", false},
                                           {"type", "number"},
                                           {"minimum", 1e-6},
                                           {"maximum", 1e9},
                                           {"default", 1.0}}));
    EXPECT_EQ(param_document(other), (json{{"name", "other"},
                                           {"description", "Which other column"},
                                           {"required", false},
                                           {"type", "string"},
                                           {"example", "x"},
                                           {"if_left_out", "none"}}));
    EXPECT_EQ(param_document(colour)["enum"], (json{"red", "green"}));
    EXPECT_EQ(param_document(input)["format"], "input_file");
    EXPECT_EQ(param_document(output)["format"], "output_file");
}

constexpr std::string_view shapes[] = {"circle", "square"};
constexpr Choice shape{
    .name = "shape", .what = "Which shape", .choices = shapes, .otherwise = "circle"};
constexpr Number radius{
    .name = "radius", .what = "Its radius", .min = 0, .max = 10, .otherwise = 1};
constexpr Number side{.name = "side", .what = "Its side", .min = 0, .max = 20, .example = 2};

const ParamTable& shapes_table() {
    static const ParamTable table{.common = {column, shape, colour},
                                  .choice = shape,
                                  .variants = {{"circle", {radius}}, {"square", {side}}}};
    return table;
}

// Some parameters are there only with a value of another one, and come behind that.
TEST_F(ParamsTest, AVariantHasParametersOfItsOwn) {
    const JobContext context = world.context();
    JobFiles files{context};
    const auto refusal_of = [&](const json& params) -> std::string {
        const auto values = read_params(shapes_table().of(params), params, {}, files);
        return values ? "accepted" : values.error().message;
    };
    EXPECT_EQ(refusal_of(json::object()), "accepted");
    EXPECT_EQ(refusal_of({{"radius", 3}}), "accepted");
    EXPECT_EQ(refusal_of({{"shape", "square"}, {"side", 11}}), "accepted");
    EXPECT_EQ(refusal_of({{"shape", "square"}}),
              "params.side: is missing; give it, for example 2.0");
    EXPECT_EQ(refusal_of({{"side", 3}}),
              "params.side: is not a parameter of this type; it takes column, shape, radius, "
              "colour");
    EXPECT_EQ(refusal_of({{"shape", "line"}, {"side", 3}}),
              "params.shape: \"line\" is not one of circle, square");
    EXPECT_EQ(refusal_of({{"shape", 7}}), "params.shape: 7 is not one of circle, square");
}

TEST_F(ParamsTest, ADocumentSaysWithWhichValueAParameterIsThere) {
    const json document = params::params_document(shapes_table());
    ASSERT_EQ(document.size(), 5U);
    EXPECT_EQ(document[2]["name"], "radius");
    EXPECT_EQ(document[3]["only_with"], (json{{"param", "shape"}, {"value", "square"}}));
    EXPECT_FALSE(document[4].contains("only_with"));
}

}  // namespace
}  // namespace netcompute::jobs
