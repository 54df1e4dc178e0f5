#include "golden_tables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute::learning {
namespace {

using testing::HasSubstr;

class NaiveBayesTest : public testing::Test, protected GoldenRuns {};

void expect_close(double found, double expected) {
    EXPECT_NEAR(found, expected, 1e-9 * std::max(1.0, std::abs(expected)));
}

TEST_F(NaiveBayesTest, ClassesAreDescribedAsScikitLearnDoes) {
    const data::Table table = golden_table("table.csv", "kind");
    const Learned got = learn("naive_bayes", table, "kind");
    EXPECT_EQ(got.trained.fit->form(), (ScoreForm{ScoreKind::Logits, 3}));
    const nlohmann::json& expected = golden()["naive_bayes"];
    nlohmann::json found;
    got.trained.fit->describe(got.model.form.preprocessing.feature_names(), found);
    for (std::size_t c = 0; c < 3; ++c) {
        std::size_t i = 0;
        for (const char* const feature : {"a", "b", "c", "d"}) {
            expect_close(found["theta"][feature][c], expected["theta"][c][i]);
            expect_close(found["var"][feature][c], expected["var"][c][i]);
            ++i;
        }
    }
    const auto scores = scores_of(got.model, golden_table("new_rows.csv", "kind"));
    const nlohmann::json& likelihoods = expected["joint_log_likelihood"];
    ASSERT_EQ(scores.size(), 3 * likelihoods.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
        expect_close(scores[i], likelihoods[i / 3][i % 3]);
    }
    expect_to_last(got, table);
}

TEST_F(NaiveBayesTest, RowsGivenTwiceChangeNothing) {
    std::string text = golden_text("table.csv", "two");
    const Learned once = learn("naive_bayes", read_table(text, "t.csv", "id").value(), "two");
    const std::string rows = text.substr(text.find('\n') + 1);
    const Learned twice =
        learn("naive_bayes", read_table(text + rows, "t.csv", "id").value(), "two");
    ASSERT_EQ(twice.trained.scores.size(), 2 * once.trained.scores.size());
    for (std::size_t i = 0; i < once.trained.scores.size(); ++i) {
        expect_close(twice.trained.scores[i], once.trained.scores[i]);
    }
}

TEST_F(NaiveBayesTest, AModelThatWasBrokenIsRefused) {
    const Learned got = learn("naive_bayes", golden_table("table.csv", "kind"), "kind");
    const auto said = [&](const char* at, const nlohmann::json& value) {
        return error_with(got.model, at, value);
    };
    EXPECT_THAT(said("/class_prior", {0.5, 0.5}), HasSubstr("theta: there are 3 lists, not 2"));
    EXPECT_THAT(said("/theta/1", {1, 2}), HasSubstr("theta[1]: it must be a list of 4 numbers"));
    EXPECT_THAT(said("/var/2/3", "x"), HasSubstr("var[2][3]"));
    EXPECT_THAT(said("/var/2/3", 0), HasSubstr("a variance is not above 0"));
    EXPECT_THAT(said("/class_prior/0", 0), HasSubstr("a prior is not above 0"));
    EXPECT_THAT(said("/theta/0/0", 5), HasSubstr("model_sha256"));
}

TEST_F(NaiveBayesTest, ManyClassesAreScoredInParts) {
    std::string text = "id,y,x,z\n";
    for (int row = 0; row < 9000; ++row) {
        text += std::to_string(row) + ",c" + std::to_string(row * row % 151) + "," +
                std::to_string(row % 997) + "," + std::to_string(row * row % 151 * 3 + row % 2) +
                "\n";
    }
    const auto table = read_table(text, "t.csv", "id").value();
    const Learned got = learn("naive_bayes", table, "y");
    EXPECT_GT(got.table.classes.size(), 70U);
    const Scores scores{got.trained.fit->form(), got.trained.scores};
    EXPECT_GT(measure(got.table.target, scores, got.table.classes.size())->find("accuracy").value(),
              0.9);
    EXPECT_EQ(scores_of(got.model, table), got.trained.scores);
}

}  // namespace
}  // namespace netcompute::learning
