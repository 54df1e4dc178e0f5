#pragma once

#include "jobs/job_type.hpp"
#include "jobs/table_params.hpp"
#include "learning/ids.hpp"
#include "learning/learner.hpp"

#include <cstdint>
#include <string>

namespace netcompute::jobs {

// The params of whatever learns from a table.
inline constexpr InputFile training_data{
    .name = "data",
    .what = "The table to learn from: a CSV file with a header",
    .otherwise = "Data/train.csv"};
inline constexpr Text training_target{
    .name = "target",
    .what = "The column to predict: classes, or, for some learners, numbers",
    .otherwise = "Survived"};
inline constexpr Text training_id{
    .name = "id",
    .what = "The column that names the rows",
    .example = "PassengerId",
    .if_left_out = "`PassengerId`, or found, or the rows are numbered"};
inline constexpr WholeNumber max_categories{
    .name = "max_categories",
    .what = "Categories of a column of texts; the less frequent ones are one more, \"other\"",
    .min = 2,
    .max = learning::categories_given_max,
    .example = 50,
    .if_left_out = "20, and columns of more are left out"};

/// Errors: InvalidArgument for a target that is the id column as well; those of Learner::check.
[[nodiscard]] Result<void> check_training_params(const ParamValues& values,
                                                 const learning::Learner& learner);

/// A table that is ready to be learned from.
struct TrainingTable {
    data::Table table;
    learning::PreparedTraining prepared;
    learning::RowIds ids;
    std::string id;                ///< Their column; empty: the rows are numbered.
    std::string target;            ///< The column to predict.
    data::ReadingOptions reading;  ///< What a model remembers of the reading.
};

/// What a training asks for besides its params.
struct TrainingWishes {
    std::uint32_t bins_max = 0;  ///< As TrainingOptions.
    std::string passed_over;     ///< A column to learn nothing from; empty: none.
};

/// Reads and prepares the table that the params name, whose blobs become the job's. Errors: those
/// of DatasetCatalog::table() and of learning::prepare_training(); NotFound for columns in the
/// params that the table has not.
[[nodiscard]] Result<TrainingTable> take_training_table(const ParamValues& values,
                                                        const JobContext& context,
                                                        const learning::Learner& learner,
                                                        const TrainingWishes& wishes);

/// A model of this table, but for what is learned.
[[nodiscard]] learning::Model planned_model(const TrainingTable& table,
                                            const learning::Learner& learner,
                                            const ParamValues& learner_values);

}  // namespace netcompute::jobs
