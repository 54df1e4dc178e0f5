#include "data/prediction_data.hpp"

#include "data/training_data.hpp"
#include "memory_blobs.hpp"
#include "newton_reference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute::data {
namespace {

using test_support::MemoryBlobs;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A model of a numeric column, a text column with a missing category, one without, and a
/// dropped one.
class PredictionDataTest : public testing::Test {
 protected:
    void SetUp() override {
        std::string text = "id,y,age,port,sex,name\n";
        const char* const ports[] = {"S", "C", ""};
        for (int i = 0; i < 30; ++i) {
            text += std::to_string(i) + "," + std::to_string(i % 2) + "," + std::to_string(i % 10) +
                    "," + ports[i % 3] + "," + (i % 5 == 0 ? "f" : "m") + ",n" + std::to_string(i) +
                    "\n";
        }
        auto reader = CsvReader::open(csv_text_source(text), "train.csv");
        const auto training = prepare_training(*reader, {"y", "id"}, blobs_.sink());
        ASSERT_TRUE(training) << training.error().message;
        model_.preprocessing = training->preprocessing;
        model_.classes = training->classes;
        model_.id = "id";
        model_.target = "y";
        model_.linear.weights.assign(training->plan.feature_count, 1.0);
        ASSERT_THAT(model_.preprocessing.feature_names(),
                    ElementsAre("age", "port=C", "port=S", "port=(missing)", "sex=m"));
    }

    Result<PreparedPrediction> prepare(std::string_view text) {
        auto reader = CsvReader::open(csv_text_source(text), "test.csv");
        if (!reader) return unexpected(reader.error());
        return prepare_prediction(*reader, model_, "id", blobs_.sink());
    }
    std::string error_of(std::string_view text) {
        const auto prepared = prepare(text);
        return prepared ? "no error" : prepared.error().message;
    }
    /// Undoes the standardisation: what each feature of a row was before it.
    std::vector<double> raw_row(const PreparedPrediction& prepared, Eigen::Index row) {
        std::vector<Standardization> figures;
        for (const auto& column : model_.preprocessing.columns) {
            if (const auto* numeric = std::get_if<NumericEncoding>(&column.encoding)) {
                figures.push_back(numeric->standardization);
            } else if (const auto* text = std::get_if<CategoricalEncoding>(&column.encoding)) {
                figures.insert(figures.end(), text->standardizations.begin(),
                               text->standardizations.end());
            }
        }
        const auto rows = test_support::rows_of_tiles(blobs_, prepared.plan.shards);
        std::vector<double> raw;
        for (std::size_t i = 0; i < figures.size(); ++i) {
            const double value = rows(row, static_cast<Eigen::Index>(i));
            raw.push_back(std::round(1e9 * (value * figures[i].deviation + figures[i].mean)) / 1e9);
        }
        return raw;
    }

    MemoryBlobs blobs_;
    Model model_;
};

TEST_F(PredictionDataTest, ColumnsMayComeInAnyOrderAndDroppedOnesMayBeMissing) {
    const auto prepared = prepare("sex,port,id,age\nm,C,a,3\nf,S,b,4\n");
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_EQ(raw_row(*prepared, 0), (std::vector<double>{3, 1, 0, 0, 1}));
    EXPECT_EQ(raw_row(*prepared, 1), (std::vector<double>{4, 0, 1, 0, 0}));
    EXPECT_EQ(prepared->ids[1], "b");
    EXPECT_THAT(prepared->notes, IsEmpty());
    EXPECT_THAT(prepared->plan.row_counts, ElementsAre(2U));
    EXPECT_FALSE(prepared->labels);
}

// The test rows alone would have another median, mean and deviation.
TEST_F(PredictionDataTest, MissingValuesTakeTheTrainingMedianAndTheMissingCategory) {
    const auto prepared = prepare("id,age,port,sex,name\na,,,m,x\nb,100,NA,m,y\n");
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_EQ(raw_row(*prepared, 0), (std::vector<double>{4.5, 0, 0, 1, 1}));
    EXPECT_EQ(raw_row(*prepared, 1), (std::vector<double>{100, 0, 0, 1, 1}));
    EXPECT_THAT(prepared->notes, IsEmpty());
}

TEST_F(PredictionDataTest, AnUnknownTextIsOfNoCategoryAndNoted) {
    const auto prepared = prepare("id,age,port,sex\na,1,Q,m\nb,2,Z,m\nc,3,C,m\n");
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_EQ(raw_row(*prepared, 0), (std::vector<double>{1, 0, 0, 0, 1}));
    EXPECT_THAT(prepared->notes,
                ElementsAre("column \"port\": 2 values that the training data did not have (the "
                            "first in line 2: \"Q\"); counted as no category"));
}

TEST_F(PredictionDataTest, AMissingTextWhereTrainingHadNoneIsOfNoCategoryAndNoted) {
    const auto prepared = prepare("id,age,port,sex\na,1,C,m\nb,2,C,\n");
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_EQ(raw_row(*prepared, 1), (std::vector<double>{2, 1, 0, 0, 0}));
    EXPECT_THAT(prepared->notes,
                ElementsAre("column \"sex\": 1 missing value, where the training data had none "
                            "(the first in line 3); counted as no category"));
}

// Rows may be named by another column; the training table's id is no feature either way.
TEST_F(PredictionDataTest, AnotherIdColumnMayBeChosen) {
    auto reader =
        CsvReader::open(csv_text_source("id,age,port,sex,name\n1,2,C,m,Ada\n"), "test.csv");
    const auto prepared = prepare_prediction(*reader, model_, "name", blobs_.sink());
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_EQ(prepared->ids[0], "Ada");
}

TEST_F(PredictionDataTest, LackingColumnsAreAllNamed) {
    EXPECT_EQ(error_of("id,port\na,C\n"),
              "test.csv: lacks columns that the model needs: \"age\", \"sex\"");
}

TEST_F(PredictionDataTest, UnknownColumnsAreAllNamed) {
    EXPECT_EQ(
        error_of("id,age,port,sex,deck,fare\na,1,C,m,A,3\n"),
        "test.csv: has columns that the model does not know: \"deck\", \"fare\"; remove them, "
        "or train again with them");
}

TEST_F(PredictionDataTest, AMissingIdColumnOrValueIsNamed) {
    EXPECT_THAT(error_of("age,port,sex\n1,C,m\n"), HasSubstr("no column \"id\" (the id)"));
    EXPECT_THAT(error_of("id,age,port,sex\n,1,C,m\n"),
                HasSubstr("test.csv: line 2 (row 1), column \"id\": no value"));
}

TEST_F(PredictionDataTest, AWordAmongNumbersIsNamedWithItsRow) {
    EXPECT_EQ(
        error_of("id,age,port,sex\na,1,C,m\nb,old,C,m\n"),
        "test.csv: line 3 (row 2), column \"age\": \"old\" is not a number; the model learned "
        "from a column of numbers");
    EXPECT_THAT(error_of("id,age,port,sex\na,inf,C,m\n"),
                HasSubstr("line 2 (row 1), column \"age\": \"inf\" is not a finite number"));
}

TEST_F(PredictionDataTest, ANumberThatCannotBeScaledIsNamedWithItsRow) {
    std::get<NumericEncoding>(model_.preprocessing.columns[0].encoding).standardization.deviation =
        1e-10;
    EXPECT_THAT(error_of("id,age,port,sex\na,1e300,C,m\n"),
                HasSubstr("column \"age\": \"1e300\" is too far from the training data's numbers"));
}

TEST_F(PredictionDataTest, TheTargetIsReadWhereItIsThere) {
    const auto prepared = prepare("id,y,age,port,sex\na,1.0,1,C,m\nb,0,2,C,m\n");
    ASSERT_TRUE(prepared) << prepared.error().message;
    ASSERT_TRUE(prepared->labels);
    EXPECT_THAT(*prepared->labels, ElementsAre(1, 0));
}

TEST_F(PredictionDataTest, ATargetWithGapsIsNotScoredAndSaidSo) {
    const auto prepared = prepare("id,y,age,port,sex\na,,1,C,m\nb,0,2,C,m\n");
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_FALSE(prepared->labels);
    EXPECT_THAT(prepared->notes,
                ElementsAre("column \"y\": 1 missing value, so the predictions are not scored"));
}

TEST_F(PredictionDataTest, ATargetOfNeitherClassIsNamedWithItsRow) {
    EXPECT_THAT(
        error_of("id,y,age,port,sex\na,2,1,C,m\n"),
        HasSubstr("test.csv: line 2 (row 1), column \"y\": \"2\" is neither \"0\" nor \"1\""));
}

TEST_F(PredictionDataTest, ThePlanCarriesTheModel) {
    const auto prepared = prepare("id,age,port,sex\na,1,C,m\n");
    ASSERT_TRUE(prepared);
    EXPECT_EQ(prepared->plan.model.weights, model_.linear.weights);
}

}  // namespace
}  // namespace netcompute::data
