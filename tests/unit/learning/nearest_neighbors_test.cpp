#include "golden_tables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute::learning {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class NearestNeighborsTest : public testing::Test, protected GoldenRuns {};

TEST_F(NearestNeighborsTest, SayWhatThoseOfScikitLearnSay) {
    for (const char* const weights : {"uniform", "distance"}) {
        for (const char* const target : {"kind", "amount"}) {
            const data::Table table = golden_table("table.csv", target);
            const Learned got = learn("nearest_neighbors", table, target,
                                      {{"n_neighbors", 7}, {"weights", weights}});
            const auto scores = scores_of(got.model, golden_table("new_rows.csv", target));
            const json& expected = golden()["nearest_neighbors"][weights][target];
            const std::uint32_t width = got.trained.fit->form().width;
            ASSERT_EQ(scores.size(), width * expected.size());
            for (std::size_t i = 0; i < scores.size(); ++i) {
                const json& row = expected[i / width];
                const double due =
                    row.is_array() ? row[i % width].get<double>() : row.get<double>();
                EXPECT_NEAR(scores[i], due, 1e-9) << weights << " " << target << " " << i;
            }
            expect_to_last(got, table);
        }
    }
}

TEST_F(NearestNeighborsTest, OfEquallyNearRowsTheFirstOnesAreAsked) {
    // Rows at -1, 1, -1, 1, … of two classes: a row at 0 is as near to all of them.
    const auto text = [](const char* first, const char* second) {
        std::string lines = "id,y,x\n";
        for (int row = 0; row < 60; ++row) {
            lines += std::to_string(row) + "," + (row < 3 ? first : second) + "," +
                     (row % 2 == 0 ? "-1.5" : "1.5") + "\n";
        }
        return lines;
    };
    const auto asked = read_table("id,y,x\n0,a,0\n", "t.csv", "id").value();
    for (const bool swapped : {false, true}) {
        const auto table = read_table(swapped ? text("b", "a") : text("a", "b"), "t.csv", "id");
        const Learned got = learn("nearest_neighbors", *table, "y", {{"n_neighbors", 3}});
        const std::vector<double> due =
            swapped ? std::vector<double>{0, 1} : std::vector<double>{1, 0};
        EXPECT_EQ(scores_of(got.model, asked), due);
    }
}

TEST_F(NearestNeighborsTest, WhatCannotBeKeptIsRefusedByName) {
    const Learner& learner = *find_learner("nearest_neighbors");
    const auto said = [&](const data::Table& table, const json& params) -> std::string {
        const auto values = values_of(learner, params).value();
        const auto prepared = prepare_training(
            table, {"y", "id", question_of(learner, values), learner.features_max}, blobs_.sink());
        const auto checked = learner.check_table(*prepared, values);
        return checked ? "no error" : checked.error().message;
    };
    std::string text = "id,y,x\n";
    for (int row = 0; row < 30; ++row) {
        text += std::to_string(row) + "," + (row % 3 == 0 ? "a" : "b") + "," +
                std::to_string(row * row) + "\n";
    }
    const auto table = read_table(text, "t.csv", "id").value();
    EXPECT_EQ(said(table, {{"n_neighbors", 30}}), "no error");
    EXPECT_THAT(said(table, {{"n_neighbors", 31}}),
                HasSubstr("params.n_neighbors: 31 is more than the 30 rows"));
    PreparedTraining large;
    large.target.numbers.resize(800'000);
    large.features.feature_count = 1;
    const auto checked = learner.check_table(large, values_of(learner, json::object()).value());
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().message,
                HasSubstr("800000 rows of 1 features are 1600000 numbers"));
}

TEST_F(NearestNeighborsTest, AModelThatWasBrokenIsRefused) {
    const Learned got = learn("nearest_neighbors", golden_table("table.csv", "kind"), "kind");
    const auto said = [&](const char* at, const json& value) {
        return error_with(got.model, at, value);
    };
    EXPECT_THAT(said("/n_neighbors", 181), HasSubstr("n_neighbors: 181 is not 1 to the number"));
    EXPECT_THAT(said("/rows/3", {1, 2}), HasSubstr("rows[3]: it must be a list of 4 numbers"));
    EXPECT_THAT(said("/targets", {0, 1}), HasSubstr("rows: there are 180 lists, not 2"));
    EXPECT_THAT(said("/targets/5", 3), HasSubstr("a target is none of the classes"));
    EXPECT_THAT(said("/rows/0/0", 0.25), HasSubstr("model_sha256"));
}

}  // namespace
}  // namespace netcompute::learning
