#include "learning/training_data.hpp"

#include "generate_csv.hpp"
#include "learning/ids.hpp"
#include "memory_blobs.hpp"
#include "newton_reference.hpp"
#include "read_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace netcompute::learning {
namespace {

using test_support::MemoryBlobs;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const TrainingOptions options = logistic_options("y", "id");

Result<PreparedTraining> prepare(std::string_view text, MemoryBlobs& blobs) {
    const auto table = read_table(text, "t.csv", "id");
    if (!table) return unexpected(table.error());
    return prepare_training(*table, options, blobs.sink());
}

/// What a good table is prepared to, with its features put together again.
struct Prepared {
    PreparedTraining prepared;
    Eigen::MatrixXd features;  ///< Shape [row_count][feature_count].
};

Prepared table_of(std::string_view text) {
    MemoryBlobs blobs;
    auto prepared = prepare(text, blobs);
    EXPECT_TRUE(prepared) << prepared.error().message;
    if (!prepared) return {};
    const auto features = test_support::rows_of_tiles(blobs, prepared->features.blobs);
    return {*std::move(prepared), features};
}

std::string error_of(std::string_view text) {
    MemoryBlobs blobs;
    const auto prepared = prepare(text, blobs);
    return prepared ? "no error" : prepared.error().message;
}

/// A table with one feature column "x" of these fields, and targets 0, 1, 0, 1, ….
std::string one_column(const std::vector<std::string>& fields) {
    std::string text = "id,y,x\n";
    for (std::size_t i = 0; i < fields.size(); ++i) {
        text += std::to_string(i + 1) + (i % 2 == 0 ? ",0," : ",1,") + fields[i] + "\n";
    }
    return text;
}

const FeatureColumn& only_column(const Prepared& table) {
    EXPECT_EQ(table.prepared.preprocessing.columns.size(), 1U);
    return table.prepared.preprocessing.columns.at(0);
}

std::vector<double> column(const Prepared& table, Eigen::Index index) {
    const Eigen::VectorXd values = table.features.col(index);
    return {values.data(), values.data() + values.size()};
}

TEST(TrainingDataTest, NumbersAreStandardizedWithThePopulationDeviation) {
    const Prepared table = table_of(one_column({"1", "2", "3", "4"}));
    const double unit = 1 / std::sqrt(1.25);
    EXPECT_EQ(column(table, 0), (std::vector{-1.5 * unit, -0.5 * unit, 0.5 * unit, 1.5 * unit}));
    EXPECT_EQ(only_column(table).encoding,
              decltype(FeatureColumn::encoding)(NumericEncoding{2.5, {2.5, std::sqrt(1.25)}}));
}

TEST(TrainingDataTest, EverySpellingOfAMissingNumberBecomesTheMedian) {
    const Prepared table = table_of(one_column(
        {"1", "", "NA", "N/A", "n/a", "NULL", "null", "None", "#N/A", "<NA>", "  ", "2", "9"}));
    const auto& encoding = std::get<NumericEncoding>(only_column(table).encoding);
    EXPECT_EQ(encoding.median, 2);
    for (Eigen::Index row = 1; row <= 11; ++row) {
        EXPECT_EQ(table.features(row, 0), table.features(11, 0)) << row;
    }
    EXPECT_LT(table.features(0, 0), table.features(11, 0));
}

TEST(TrainingDataTest, TheMedianOfAnEvenCountIsTheMeanOfTheMiddleTwo) {
    const Prepared table = table_of(one_column({"10", "", "1", "4", "2"}));
    EXPECT_EQ(std::get<NumericEncoding>(only_column(table).encoding).median, 3);
}

TEST(TrainingDataTest, AConstantColumnBecomesZeroExactly) {
    const Prepared table = table_of(one_column({"0.1", "0.1", "0.1"}));
    EXPECT_EQ(column(table, 0), (std::vector{0.0, 0.0, 0.0}));
    const Prepared text = table_of(one_column({"a", "a", "a"}));
    EXPECT_EQ(column(text, 0), (std::vector{0.0, 0.0, 0.0}));
}

TEST(TrainingDataTest, NumbersMayHaveSignsExponentsAndBlanks) {
    const Prepared table = table_of(one_column({"+1e1", "-2.5", " 3 ", ".5", "1e-999", "-0"}));
    const auto& encoding = std::get<NumericEncoding>(only_column(table).encoding);
    EXPECT_EQ(encoding.median, 0.25);
    EXPECT_DOUBLE_EQ(encoding.standardization.mean, 11.0 / 6);
    EXPECT_EQ(table.features(4, 0), table.features(5, 0));
}

// One word in four is too many for a column of numbers.
TEST(TrainingDataTest, WordsAmongNumbersMakeAColumnOfCategoriesAndAreTold) {
    const Prepared table = table_of(one_column({"1", "2", "two", "1"}));
    EXPECT_THAT(table.prepared.preprocessing.feature_names(), ElementsAre("x=1", "x=2", "x=two"));
    EXPECT_THAT(std::get<CategoricalEncoding>(only_column(table).encoding).categories,
                ElementsAre("1", "2", "two"));
    EXPECT_THAT(
        table.prepared.notes,
        ElementsAre(HasSubstr("column \"x\": has numbers and other texts (line 4: \"two\")")));
}

TEST(TrainingDataTest, TwoCategoriesMakeOneFeatureTheLaterOne) {
    const Prepared table = table_of(one_column({"b", "a", "b", "b"}));
    EXPECT_THAT(table.prepared.preprocessing.feature_names(), ElementsAre("x=b"));
    const double deviation = std::sqrt(0.75 * 0.25);
    const double one = 0.25 / deviation;
    const double zero = -0.75 / deviation;
    EXPECT_EQ(column(table, 0), (std::vector{one, zero, one, one}));
}

TEST(TrainingDataTest, CategoriesAreInByteOrder) {
    const Prepared table = table_of(one_column({"ä", "b", "B", "a", "aa"}));
    EXPECT_THAT(std::get<CategoricalEncoding>(only_column(table).encoding).categories,
                ElementsAre("B", "a", "aa", "b", "ä"));
}

TEST(TrainingDataTest, AMissingTextIsACategoryOfItsOwnAndTheLast) {
    const Prepared table = table_of(one_column({"b", "", "a", "NA"}));
    EXPECT_THAT(table.prepared.preprocessing.feature_names(),
                ElementsAre("x=a", "x=b", "x=(missing)"));
    EXPECT_EQ(column(table, 2), (std::vector<double>{-1, 1, -1, 1}));
}

// As in scikit-learn, a missing value counts among the two of drop='if_binary'.
TEST(TrainingDataTest, OneTextAndMissingMakeOneFeature) {
    const Prepared table = table_of(one_column({"a", "", "a", "a"}));
    EXPECT_THAT(table.prepared.preprocessing.feature_names(), ElementsAre("x=(missing)"));
    EXPECT_GT(table.features(1, 0), table.features(0, 0));
}

std::vector<std::string> words(int count);

TEST(TrainingDataTest, TheMostFrequentTextsAreCategoriesAndTheRestIsOther) {
    std::string text = "id,y,x\n";
    for (int i = 0; i < 600; ++i) {
        const std::string word = i % 3 == 0 ? "a" : i % 5 == 0 ? "b" : "w" + std::to_string(i);
        text += std::to_string(i) + "," + std::to_string(i % 2) + "," + word + "\n";
    }
    MemoryBlobs blobs;
    TrainingOptions some = options;
    some.max_categories = 3;
    const auto prepared = prepare_training(*read_table(text, "t.csv", "id"), some, blobs.sink());
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_THAT(prepared->preprocessing.feature_names(), ElementsAre("x=a", "x=b", "x=(other)"));
    const auto rows = test_support::rows_of_tiles(blobs, prepared->features.blobs);
    EXPECT_GT(rows(0, 0), 0);
    EXPECT_GT(rows(1, 2), 0);
    EXPECT_LT(rows(1, 0), 0);
    EXPECT_GT(rows(5, 1), 0);
}

std::vector<std::string> words(int count) {
    std::vector<std::string> list;
    for (int i = 0; i < count; ++i) list.push_back("w" + std::to_string(100 + i));
    return list;
}

TEST(TrainingDataTest, TwentyTextsAreKeptAndTwentyOneAreLeftOutAndSaidSo) {
    auto fields = words(20);
    fields.push_back("");
    EXPECT_EQ(table_of(one_column(fields)).features.cols(), 21);

    std::string text = "id,y,x,name\n";
    const auto names = words(21);
    for (std::size_t i = 0; i < names.size(); ++i) {
        text += std::to_string(i) + "," + std::to_string(i % 2) + "," + std::to_string(i) + "," +
                names[i] + "\n";
    }
    const Prepared table = table_of(text);
    EXPECT_EQ(table.features.cols(), 1);
    EXPECT_THAT(table.prepared.notes,
                ElementsAre("column \"name\": left out: text with more than 20 distinct values"));
}

TEST(TrainingDataTest, AWordAfterManyNumbersIsMissingAndNamedWithItsLine) {
    std::string text = "id,y,x,z\n";
    for (int i = 0; i < 100; ++i) {
        text += std::to_string(i) + "," + std::to_string(i % 2) + "," + std::to_string(i) + "," +
                (i == 99 ? "word" : std::to_string(i)) + "\n";
    }
    const Prepared table = table_of(text);
    EXPECT_THAT(table.prepared.preprocessing.feature_names(), ElementsAre("x", "z"));
    EXPECT_THAT(table.prepared.notes,
                ElementsAre(HasSubstr("column \"z\": 1 field that is no number counts as missing "
                                      "(line 101: \"word\")")));
}

TEST(TrainingDataTest, ANumberThatIsNotFiniteIsNamedWithItsRow) {
    EXPECT_EQ(
        error_of(one_column({"1", "inf", "3"})),
        "t.csv: line 3 (row 2), column \"x\": \"inf\" is not a finite number; leave the field "
        "empty if it is missing");
    for (const char* bad : {"inf", "-inf", "Infinity", "1e999", "-1e999", " inf "}) {
        EXPECT_THAT(error_of(one_column({"1", "2", bad})),
                    HasSubstr("line 4 (row 3), column \"x\""))
            << bad;
    }
    // Also past the point where the reader knows that there are many distinct values.
    std::vector<std::string> many;
    for (int i = 0; i < 40; ++i) many.push_back(std::to_string(i));
    many[30] = "inf";
    EXPECT_THAT(error_of(one_column(many)), HasSubstr("line 32 (row 31), column \"x\": \"inf\""));
}

TEST(TrainingDataTest, NanAmongWordsIsMissingUnlessItIsQuoted) {
    const Prepared table = table_of(one_column({"bread", "nan", "roti"}));
    EXPECT_THAT(table.prepared.preprocessing.feature_names(),
                ElementsAre("x=bread", "x=roti", "x=(missing)"));
    const Prepared quoted = table_of(one_column({"bread", "\"nan\"", "roti"}));
    EXPECT_THAT(quoted.prepared.preprocessing.feature_names(),
                ElementsAre("x=bread", "x=nan", "x=roti"));
}

TEST(TrainingDataTest, AColumnThatIsAllMissingIsLeftOutAndSaidSo) {
    const Prepared table = table_of("id,y,x,z\n1,0,,5\n2,1,NA,6\n3,0,,8\n");
    EXPECT_THAT(table.prepared.preprocessing.feature_names(), ElementsAre("z"));
    EXPECT_THAT(table.prepared.notes,
                ElementsAre("column \"x\": left out: every value is missing"));
    EXPECT_THAT(error_of(one_column({"", "NA", ""})), HasSubstr("no column is left to learn from"));
}

// 0.1 + 0.2 is not 0.3, and both stand for the same thing.
TEST(TrainingDataTest, NumbersThatDifferByRoundingAreConstantAndSaidSo) {
    const Prepared table = table_of(one_column({"0.3", "0.30000000000000004", "0.3", "0.3"}));
    const auto& encoding = std::get<NumericEncoding>(only_column(table).encoding);
    EXPECT_EQ(encoding.standardization.deviation, 1);
    EXPECT_LT(table.features.cwiseAbs().maxCoeff(), 1e-15);
    EXPECT_THAT(table.prepared.notes, ElementsAre(HasSubstr("column \"x\": is constant")));
    EXPECT_THAT(
        table_of(one_column({"a", "a"})).prepared.notes,
        ElementsAre("column \"x\": is constant (each field is \"a\"), so nothing is learned "
                    "from it"));
}

TEST(TrainingDataTest, WholeNumbersThatADoubleRoundsAreToldOf) {
    const Prepared table = table_of(one_column({"9007199254740992", "9007199254740993"}));
    EXPECT_THAT(table.prepared.notes,
                ElementsAre(HasSubstr("last digits are lost (the first in line 3"),
                            HasSubstr("is constant")));
}

TEST(TrainingDataTest, NoTwoFeaturesHaveOneName) {
    const Prepared table =
        table_of("id,y,x,x=red\n1,0,red,4\n2,1,blue,5\n3,0,green,7\n4,1,red,8\n");
    EXPECT_THAT(table.prepared.preprocessing.feature_names(),
                ElementsAre("x=blue", "x=green", "x=red (category)", "x=red"));
}

TEST(TrainingDataTest, SpellingsOfOneBooleanAreOne) {
    const Prepared table =
        table_of("id,y,x\n1,True,false\n2,false,TRUE\n3,TRUE,False\n4,False,true\n");
    EXPECT_EQ(table.prepared.classes, (Classes{{"false", "True"}}));
    EXPECT_THAT(table.prepared.target.labels, ElementsAre(1, 0, 1, 0));
    EXPECT_THAT(table.prepared.preprocessing.feature_names(), ElementsAre("x=false"));
}

TEST(TrainingDataTest, BlanksAroundTextsDoNotCountAndAreToldOf) {
    const Prepared table = table_of("id,y,x\n1, no,a \n2,yes, b\n3,no ,a\n");
    EXPECT_EQ(table.prepared.classes, (Classes{{"no", "yes"}}));
    EXPECT_THAT(table.prepared.preprocessing.feature_names(), ElementsAre("x=b"));
    EXPECT_THAT(table.prepared.notes, ElementsAre(HasSubstr("column \"y\": blanks around"),
                                                  HasSubstr("column \"x\": blanks around")));
}

TEST(TrainingDataTest, DatesMakeDaysMonthAndWeekday) {
    const Prepared table = table_of(one_column({"2024-01-01", "2024-02-05", "", "2024-03-10"}));
    EXPECT_THAT(table.prepared.preprocessing.feature_names(),
                ElementsAre("x days", "x month", "x weekday"));
    const auto& dates = std::get<DateEncoding>(only_column(table).encoding);
    EXPECT_EQ(dates.parts[0].median, 19758);
    EXPECT_EQ(dates.parts[1].median, 2);
    EXPECT_EQ(table.features(1, 0), table.features(2, 0));
    const Prepared times = table_of(one_column({"2024-01-01 06:00", "2024-02-05 18:30"}));
    EXPECT_EQ(times.prepared.preprocessing.feature_names().back(), "x hour");
}

TEST(TrainingDataTest, NumbersTooLargeToAverageAreRefusedByColumn) {
    EXPECT_THAT(error_of(one_column({"1e308", "1e308", "-1e308"})),
                HasSubstr("t.csv: column \"x\": the numbers are too large"));
}

TEST(TrainingDataTest, NumbersOfAnySizeInRangeAreStandardized) {
    for (const char* power : {"e-320", "e-300", "e-160", "e160", "e300"}) {
        const std::string p = power;
        const Prepared table = table_of(one_column({"1" + p, "2" + p, "3" + p, "4" + p}));
        if (p == "e-320") {
            EXPECT_TRUE(table.features.allFinite());
        } else {
            EXPECT_NEAR(table.features(3, 0), 1.5 / std::sqrt(1.25), 1e-12) << p;
        }
    }
}

// The naive sum of a million times 1e9 loses the digits that the deviation is made of.
TEST(TrainingDataTest, ALargeOffsetDoesNotSpoilMeanAndDeviation) {
    std::vector<std::string> fields;
    for (int i = 0; i < 100'000; ++i)
        fields.push_back(i % 2 == 0 ? "1000000000.1" : "1000000000.3");
    const Prepared table = table_of(one_column(fields));
    const auto& figures = std::get<NumericEncoding>(only_column(table).encoding).standardization;
    EXPECT_NEAR(figures.mean, 1000000000.2, 2e-7);
    EXPECT_NEAR(figures.deviation, 0.1, 1e-7);
    EXPECT_NEAR(table.features.col(0).mean(), 0, 1e-6);
}

TEST(TrainingDataTest, TheLargerNumberIsThePositiveClass) {
    const auto target = table_of("id,y,x\n1,10,1\n2,9,2\n3,10.0,3\n").prepared;
    EXPECT_EQ(target.classes, (Classes{{"9", "10"}}));
    EXPECT_THAT(target.target.labels, ElementsAre(1, 0, 1));
}

TEST(TrainingDataTest, TheFirstSpellingOfAClassIsKept) {
    const auto target = table_of("id,y,x\n1,1.0,1\n2,0,2\n3,1,3\n4,00,4\n").prepared;
    EXPECT_EQ(target.classes, (Classes{{"0", "1.0"}}));
    EXPECT_THAT(target.target.labels, ElementsAre(1, 0, 1, 0));
}

TEST(TrainingDataTest, OfTwoWordsTheLaterInByteOrderIsPositive) {
    const auto target = table_of("id,y,x\n1,yes,1\n2,no,2\n").prepared;
    EXPECT_EQ(target.classes, (Classes{{"no", "yes"}}));
    EXPECT_THAT(target.target.labels, ElementsAre(1, 0));
    // As texts, 10 comes before 9: but a word beside it makes both texts.
    EXPECT_EQ(table_of("id,y,x\n1,9,1\n2,ten,2\n").prepared.classes, (Classes{{"9", "ten"}}));
}

TEST(TrainingDataTest, ATargetWithoutTwoClassesSaysWhatWasFound) {
    EXPECT_EQ(error_of("id,y,x\n1,1,1\n2,1.0,2\n"),
              "t.csv: column \"y\": has one class only: \"1\"; the target of a logistic regression "
              "must have exactly two");
    EXPECT_THAT(error_of("id,y,x\n1,a,1\n2,b,2\n3,c,3\n"),
                HasSubstr("column \"y\": has more than two classes: \"a\", \"b\", \"c\"; "));
    std::string many = "id,y,x\n";
    for (int i = 0; i < 1000; ++i) many += "1," + std::to_string(i) + ",1\n";
    EXPECT_THAT(error_of(many), HasSubstr("\"8\" and many more; "));
}

TEST(TrainingDataTest, AMissingOrNonFiniteTargetIsNamedWithItsRow) {
    EXPECT_THAT(error_of("id,y,x\n1,1,1\n2,,2\n"),
                HasSubstr("t.csv: line 3 (row 2), column \"y\": no value"));
    EXPECT_THAT(error_of("id,y,x\n1,1,1\n2,inf,2\n"),
                HasSubstr("t.csv: line 3 (row 2), column \"y\": \"inf\" is not a finite number"));
    EXPECT_THAT(error_of("id,y,x\n1,no,1\n2,None,2\n"),
                HasSubstr("line 3 (row 2), column \"y\": \"None\" counts as missing, but this is "
                          "the target"));
}

TEST(TrainingDataTest, MissingIdAndTargetColumnsAreNamedWithThoseThatAreThere) {
    EXPECT_EQ(error_of("a,b\n1,2\n"),
              "t.csv: no column \"id\" (the id); its columns are \"a\", \"b\"");
    EXPECT_EQ(error_of("id,b\n1,2\n"),
              "t.csv: no column \"y\" (the target); its columns are \"id\", \"b\"");
    EXPECT_THAT(error_of("id,y\n1,2\n"), HasSubstr("no columns besides the id and the target"));
    EXPECT_THAT(error_of("id,y,x\n1,1,1\n,0,2\n"),
                HasSubstr("line 3 (row 2), column \"id\": no value"));
}

TEST(TrainingDataTest, OneColumnCannotBeIdAndTarget) {
    const auto table = read_table("id,x\n1,2\n", "t.csv", "id");
    MemoryBlobs blobs;
    const auto prepared = prepare_training(*table, logistic_options("id", "id"), blobs.sink());
    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().message,
              "t.csv: column \"id\": cannot be both the id and the target");
}

TEST(TrainingDataTest, ATableWithoutAnyUsableColumnIsRefused) {
    EXPECT_THAT(error_of(one_column(words(21))), HasSubstr("no column is left to learn from"));
}

TEST(TrainingDataTest, MoreFeaturesThanAKernelTakesAreRefusedBeforeAnyTaskGoesOut) {
    std::string text = test_support::generate_numbers({4, 1, 1025});
    text.replace(0, std::string_view{"PassengerId,Survived"}.size(), "id,y");
    text[text.find('\n') + 3] = '0';
    text[text.rfind('\n', text.size() - 2) + 3] = '1';
    EXPECT_EQ(error_of(text),
              "t.csv: its columns make 1025 features; a logistic regression takes at most 1024: "
              "leave some columns out");
}

TEST(TrainingDataTest, ASinkThatFailsEndsThePreparation) {
    for (int failing_call = 1; failing_call <= 2; ++failing_call) {
        const auto table = read_table("id,y,x\n1,0,1\n2,1,2\n", "t.csv", "id");
        int call = 0;
        const auto prepared =
            prepare_training(*table, options, [&](Bytes bytes) -> Result<programs::BlobRef> {
                if (++call == failing_call) return unexpected(ErrorCode::Unavailable, "disk full");
                return programs::BlobRef{sha256(bytes), bytes.size()};
            });
        ASSERT_FALSE(prepared);
        EXPECT_EQ(prepared.error().message, "disk full");
    }
}

TEST(TrainingDataTest, RowsAndIdsKeepTheirOrder) {
    const char* const text = "x,id,y\n1,c,0\n2,\"a,1\",1\n3,b,1\n";
    const auto prepared = table_of(text).prepared;
    const auto table = read_table(text, "t.csv", "id");
    const auto ids = ids_of(*table, "id");
    ASSERT_EQ(ids->size(), 3U);
    EXPECT_EQ((*ids)[0], "c");
    EXPECT_EQ((*ids)[1], "a,1");
    EXPECT_EQ((*ids)[2], "b");
    EXPECT_THAT(prepared.target.labels, ElementsAre(0, 1, 1));
    EXPECT_THAT(prepared.notes, IsEmpty());
}

TEST(ShardPlanTest, ShardsHaveA64thOfTheRowsWithinBoundsAndInSixteens) {
    const auto rows_of = [](std::uint64_t count) {
        return plan_shards(count, 10).front().row_count;
    };
    EXPECT_EQ(rows_of(1), 1U);
    EXPECT_EQ(rows_of(891), 64U);
    EXPECT_EQ(rows_of(4096), 64U);
    EXPECT_EQ(rows_of(4097), 80U);
    EXPECT_EQ(rows_of(50'000), 784U);
    EXPECT_EQ(rows_of(1'000'000), 15632U);
    EXPECT_EQ(rows_of(10'000'000), 16384U);
    EXPECT_TRUE(plan_shards(0, 10).empty());
}

// Few rows with many features would be tasks that answer with far more than they were sent.
TEST(ShardPlanTest, ShardsOfWideTablesHaveARowForEachFourFeatures) {
    const auto rows_of = [](std::uint32_t features) {
        return plan_shards(2000, features).front().row_count;
    };
    EXPECT_EQ(rows_of(256), 64U);
    EXPECT_EQ(rows_of(257), 64U);
    EXPECT_EQ(rows_of(260), 80U);
    EXPECT_EQ(rows_of(1024), 256U);
    EXPECT_EQ(rows_of(20'000), 2000U);
    EXPECT_EQ(plan_shards(1'000'000, 1'000'000).front().row_count, 16384U);
}

TEST(ShardPlanTest, ShardsCoverEveryRowOnce) {
    for (const std::uint64_t count : {1U, 63U, 64U, 65U, 891U, 4097U, 50'000U, 1'000'001U}) {
        std::uint64_t next = 0;
        for (const ShardRange& shard : plan_shards(count, 1000)) {
            ASSERT_EQ(shard.begin, next);
            ASSERT_GT(shard.row_count, 0U);
            next += shard.row_count;
        }
        EXPECT_EQ(next, count);
    }
}

// Chunks of columns, shards and files must fit together also where they do not divide.
TEST(TrainingDataTest, AGeneratedTableOf50000RowsIsWholeAndStandardized) {
    MemoryBlobs blobs;
    const std::string text = test_support::generate_passengers({50'000, 7});
    const auto table = read_table(text, "generated.csv", "PassengerId");
    ASSERT_TRUE(table);
    const auto prepared =
        prepare_training(*table, logistic_options("Survived", "PassengerId"), blobs.sink());
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_THAT(prepared->preprocessing.feature_names(),
                ElementsAre("Pclass", "Sex=male", "Age", "SibSp", "Parch", "Fare", "Embarked=C",
                            "Embarked=Q", "Embarked=S", "Embarked=(missing)"));
    const Eigen::MatrixXd features = test_support::rows_of_tiles(blobs, prepared->features.blobs);
    ASSERT_EQ(features.rows(), 50'000);
    ASSERT_TRUE(features.allFinite());
    for (Eigen::Index i = 0; i < features.cols(); ++i) {
        EXPECT_NEAR(features.col(i).mean(), 0, 1e-12) << i;
        EXPECT_NEAR(features.col(i).squaredNorm() / 50'000, 1, 1e-12) << i;
    }
    EXPECT_EQ((*ids_of(*table, "PassengerId"))[49'999], "50000");
}

TEST(GenerateCsvTest, OneSeedGivesOneTableWithOrWithoutItsTarget) {
    const auto table = test_support::generate_passengers({1000, 1});
    EXPECT_EQ(to_hex(sha256(as_byte_span(table))),
              to_hex(sha256(as_byte_span(test_support::generate_passengers({1000, 1})))));
    EXPECT_NE(table, test_support::generate_passengers({1000, 2}));
    const auto bare = test_support::generate_passengers({1000, 1, false});
    EXPECT_THAT(bare, testing::StartsWith("PassengerId,Pclass,"));
    EXPECT_EQ(table.size() - bare.size(), std::string_view{"Survived,"}.size() + 1000 * 2);
}

}  // namespace
}  // namespace netcompute::learning
