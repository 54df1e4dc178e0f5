#include "learning/prediction_data.hpp"

#include "learning/ids.hpp"
#include "learning/training_data.hpp"
#include "memory_blobs.hpp"
#include "newton_reference.hpp"
#include "read_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute::learning {
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
        const auto table = read_table(text, "train.csv", "id");
        ASSERT_TRUE(table) << table.error().message;
        const auto training = prepare_training(*table, logistic_options("y", "id"), blobs_.sink());
        ASSERT_TRUE(training) << training.error().message;
        form_ = {training->preprocessing, "id", "y", training->classes};
        ASSERT_THAT(form_.preprocessing.feature_names(),
                    ElementsAre("age", "port=C", "port=S", "port=(missing)", "sex=m"));
    }

    Result<PreparedPrediction> prepare(std::string_view text) {
        const auto table = read_table(text, "test.csv", "id");
        if (!table) return unexpected(table.error());
        return prepare_prediction(*table, form_, "id", blobs_.sink());
    }
    std::string error_of(std::string_view text) {
        const auto prepared = prepare(text);
        return prepared ? "no error" : prepared.error().message;
    }
    /// Undoes the standardisation: what each feature of a row was before it.
    std::vector<double> raw_row(const PreparedPrediction& prepared, Eigen::Index row) {
        std::vector<Standardization> figures;
        for (const auto& column : form_.preprocessing.columns) {
            if (const auto* numeric = std::get_if<NumericEncoding>(&column.encoding)) {
                figures.push_back(numeric->standardization);
            } else if (const auto* text = std::get_if<CategoricalEncoding>(&column.encoding)) {
                figures.insert(figures.end(), text->standardizations.begin(),
                               text->standardizations.end());
            }
        }
        const auto rows = test_support::rows_of_tiles(blobs_, prepared.features.blobs);
        std::vector<double> raw;
        for (std::size_t i = 0; i < figures.size(); ++i) {
            const double value = rows(row, static_cast<Eigen::Index>(i));
            raw.push_back(std::round(1e9 * (value * figures[i].deviation + figures[i].mean)) / 1e9);
        }
        return raw;
    }

    MemoryBlobs blobs_;
    TableForm form_;
};

TEST_F(PredictionDataTest, ColumnsMayComeInAnyOrderAndDroppedOnesMayBeMissing) {
    const auto prepared = prepare("sex,port,id,age\nm,C,a,3\nf,S,b,4\n");
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_EQ(raw_row(*prepared, 0), (std::vector<double>{3, 1, 0, 0, 1}));
    EXPECT_EQ(raw_row(*prepared, 1), (std::vector<double>{4, 0, 1, 0, 0}));
    EXPECT_THAT(prepared->notes, IsEmpty());
    EXPECT_THAT(prepared->features.row_counts, ElementsAre(2U));
    EXPECT_FALSE(prepared->truth);
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
    const auto table = read_table("id,age,port,sex,name\n1,2,C,m,Ada\n", "test.csv", "name");
    ASSERT_TRUE(table);
    const auto prepared = prepare_prediction(*table, form_, "name", blobs_.sink());
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_EQ((*ids_of(*table, "name"))[0], "Ada");
}

// A feature may name the rows as well; it is read as it is written, and is a number all the same.
TEST_F(PredictionDataTest, TheIdMayBeAFeature) {
    const auto table = read_table("age,port,sex\n07,C,m\n3,S,m\n", "test.csv", "age");
    ASSERT_TRUE(table);
    const auto prepared = prepare_prediction(*table, form_, "age", blobs_.sink());
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_EQ(raw_row(*prepared, 0), (std::vector<double>{7, 1, 0, 0, 1}));
    EXPECT_EQ((*ids_of(*table, "age"))[0], "07");
}

// More distinct values than a column of categories keeps codes of, with numbers among them.
TEST_F(PredictionDataTest, ManyUnknownTextsAreOfNoCategoryAndCounted) {
    std::string text = "id,age,port,sex\n";
    for (int i = 0; i < 600; ++i) {
        text += std::to_string(i) + ",1," + (i % 2 == 0 ? "C" : "p" + std::to_string(i)) + ",m\n";
    }
    const auto prepared = prepare(text);
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_EQ(raw_row(*prepared, 598), (std::vector<double>{1, 1, 0, 0, 1}));
    EXPECT_EQ(raw_row(*prepared, 599), (std::vector<double>{1, 0, 0, 0, 1}));
    EXPECT_THAT(prepared->notes,
                ElementsAre("column \"port\": 300 values that the training data did not have (the "
                            "first in line 3: \"p1\"); counted as no category"));
}

TEST_F(PredictionDataTest, ColumnsWithoutNamesArePassedOverAndRowsNeedNoId) {
    const auto table = read_table(",age,port,sex\n0,3,C,m\n", "test.csv", "");
    const auto prepared = prepare_prediction(*table, form_, "", blobs_.sink());
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_EQ(raw_row(*prepared, 0), (std::vector<double>{3, 1, 0, 0, 1}));
    const auto ids = row_ids(*table, "");
    EXPECT_EQ(ids->name, "row");
    EXPECT_EQ(ids->texts[0], "1");
}

TEST_F(PredictionDataTest, OneOddFieldAmongNumbersIsMissingAndNamed) {
    std::string text = "id,age,port,sex\n";
    for (int i = 0; i < 30; ++i) text += std::to_string(i) + ",4,C,m\n";
    const auto prepared = prepare(text + "30,old,C,m\n31,?,C,m\n");
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_EQ(raw_row(*prepared, 30), (std::vector<double>{4.5, 1, 0, 0, 1}));
    EXPECT_THAT(
        prepared->notes,
        ElementsAre(HasSubstr(
            "column \"age\": 2 fields that are no numbers count as missing (line 32: \"old\"")));
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
    std::get<NumericEncoding>(form_.preprocessing.columns[0].encoding).standardization.deviation =
        1e-10;
    EXPECT_THAT(error_of("id,age,port,sex\na,1e300,C,m\n"),
                HasSubstr("column \"age\": \"1e300\" is too far from the training data's numbers"));
}

TEST_F(PredictionDataTest, TheTargetIsReadWhereItIsThere) {
    const auto prepared = prepare("id,y,age,port,sex\na,1.0,1,C,m\nb,0,2,C,m\n");
    ASSERT_TRUE(prepared) << prepared.error().message;
    ASSERT_TRUE(prepared->truth);
    EXPECT_THAT(prepared->truth->labels, ElementsAre(1, 0));
}

TEST_F(PredictionDataTest, ATargetWithGapsIsNotScoredAndSaidSo) {
    const auto prepared = prepare("id,y,age,port,sex\na,,1,C,m\nb,0,2,C,m\n");
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_FALSE(prepared->truth);
    EXPECT_THAT(prepared->notes,
                ElementsAre("column \"y\": 1 missing value, so the predictions are not scored"));
}

TEST_F(PredictionDataTest, ATargetOfNeitherClassIsNamedWithItsRow) {
    EXPECT_THAT(
        error_of("id,y,age,port,sex\na,2,1,C,m\n"),
        HasSubstr("test.csv: line 2 (row 1), column \"y\": \"2\" is neither \"0\" nor \"1\""));
}

}  // namespace
}  // namespace netcompute::learning
