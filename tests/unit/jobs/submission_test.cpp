#include "jobs/submission.hpp"

#include "data/dataset_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute::jobs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<data::Table> read_table(std::string_view text) {
    auto reader = data::CsvReader::open(data::csv_text_source(text), "t.csv");
    if (!reader) return unexpected(reader.error());
    return data::Table{"t.csv", data::read_dataset(*reader, {.id = "id"}).value()};
}

/// Texts that name rows, as a dataset holds them.
class Ids {
 public:
    explicit Ids(std::initializer_list<std::string_view> texts) {
        for (const auto text : texts) {
            characters_ += text;
            ends_.push_back(characters_.size());
        }
    }
    [[nodiscard]] data::Texts texts() const {
        data::Texts texts;
        texts.ends = ends_;
        texts.characters = characters_;
        return texts;
    }

 private:
    std::string characters_;
    std::vector<std::uint64_t> ends_;
};

Ids ids_of(std::initializer_list<std::string_view> texts) {
    return Ids{texts};
}

TEST(SubmissionTest, EachRowGetsALineInInputOrder) {
    const Ids ids = ids_of({"893", "892", "7"});
    const std::vector<double> scores{0.1, -3, 0};
    const learning::Classes classes{{"0", "1"}};
    const auto text =
        submission_text({"PassengerId", "Survived", ids.texts(), {{}, scores}, classes});
    ASSERT_TRUE(text);
    EXPECT_EQ(*text, "PassengerId,Survived\n893,1\n892,0\n7,0\n");
}

TEST(SubmissionTest, NamesIdsAndClassesAreQuotedWhereTheyMustBe) {
    const Ids ids = ids_of({"a,1", "say \"hi\"", "two\nlines", "plain"});
    const std::vector<double> scores{1, -1, 1, -1};
    const learning::Classes classes{{"no, never", "yes"}};
    const auto text = submission_text({"the id", "a \"b\"", ids.texts(), {{}, scores}, classes});
    ASSERT_TRUE(text);
    EXPECT_EQ(*text,
              "the id,\"a \"\"b\"\"\"\n\"a,1\",yes\n\"say \"\"hi\"\"\",\"no, never\"\n"
              "\"two\nlines\",yes\nplain,\"no, never\"\n");
}

TEST(SubmissionTest, NumbersAreWrittenAsTheyReadBack) {
    const Ids ids = ids_of({"1", "2"});
    const std::vector<double> values{0.1, -3e300};
    const auto text = submission_text(
        {"id", "price", ids.texts(), {{learning::ScoreKind::Numbers, 1}, values}, {}, true});
    ASSERT_TRUE(text);
    EXPECT_EQ(*text, "id,price\n1,0.1\n2,-3e+300\n");
}

TEST(SubmissionTest, EachClassMayHaveAColumnOfProbabilities) {
    const Ids ids = ids_of({"1", "2"});
    const std::vector<double> chances{0.25, 0.5, 0.25, 0, 0.25, 0.75};
    const learning::Classes classes{{"a", "b,c", "d"}};
    const learning::Scores scores{{learning::ScoreKind::Probabilities, 3}, chances};
    const auto text = submission_text({"id", "y", ids.texts(), scores, classes, true});
    ASSERT_TRUE(text);
    EXPECT_EQ(*text,
              "id,y,probability a,\"probability b,c\",probability d\n"
              "1,\"b,c\",0.25,0.5,0.25\n2,d,0,0.25,0.75\n");
    EXPECT_EQ(confusion_document(classes, std::vector<std::uint8_t>{1, 0}, scores),
              nlohmann::json::parse(R"({"a": {"d": 1}, "b,c": {"b,c": 1}, "d": {}})"));
}

TEST(SubmissionTest, EveryIdNeedsAScore) {
    const Ids ids = ids_of({"1", "2"});
    const std::vector<double> scores{1};
    const learning::Classes classes{{"0", "1"}};
    const auto text = submission_text({"id", "y", ids.texts(), {{}, scores}, classes});
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().message, "2 ids, but 1 score");
}

class LabelsTest : public testing::Test {
 protected:
    Result<learning::TargetValues> find(std::string_view text) {
        const auto table = read_table(text);
        if (!table) return unexpected(table.error());
        return find_truth(*table, "id", "y", {{"0", "1"}}, ids_.texts());
    }
    std::string error_of(std::string_view text) {
        const auto labels = find(text);
        return labels ? "no error" : labels.error().message;
    }

    Ids ids_ = ids_of({"a", "b", "c"});
};

TEST_F(LabelsTest, LabelsAreJoinedById) {
    const auto labels = find("y,id\n1,c\n0,x\n0,a\n1.0,b\n");
    ASSERT_TRUE(labels) << labels.error().message;
    EXPECT_THAT(labels->labels, ElementsAre(0, 1, 1));
}

TEST_F(LabelsTest, BadLabelsAreNamed) {
    EXPECT_EQ(error_of("id,y\na,1\nb,0\n"), "t.csv: no row for id \"c\"");
    EXPECT_EQ(error_of("id,y\na,1\na,0\n"),
              "t.csv: line 3 (row 2), column \"id\": \"a\" stands in a row before this one too");
    EXPECT_EQ(error_of("id,y\na,2\n"),
              "t.csv: line 2 (row 1), column \"y\": \"2\" is neither \"0\" nor \"1\"; "
              "correct it, or leave the column out");
    EXPECT_THAT(error_of("id,z\na,2\n"), HasSubstr("no column \"y\" (the target)"));
}

}  // namespace
}  // namespace netcompute::jobs
