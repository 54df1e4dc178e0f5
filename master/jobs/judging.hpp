#pragma once

#include "jobs/training_table.hpp"
#include "learning/fits_program.hpp"
#include "learning/folds.hpp"
#include "learning/metrics.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::jobs {

/// What whoever judges models has in common: the table's params and the learner's, then those that
/// say how rows are divided.
[[nodiscard]] ParamTable judging_params(std::vector<Param> before, std::vector<Param> after);
[[nodiscard]] const learning::Learner& judged_learner(const ParamValues& values);
[[nodiscard]] learning::FoldOptions fold_options(const ParamValues& values);

/// What can be said of those before the table is read, for so many fits a split. Errors:
/// InvalidArgument, naming them, also for more than fits_max fits.
[[nodiscard]] Result<void> check_judging_params(const ParamValues& values,
                                                std::uint64_t fits_a_split);
inline constexpr std::uint64_t fits_max = 100'000;

/// Whether the metric may suit the target, by what is known of it before the table is read, for a
/// parameter of this name. Errors: InvalidArgument, naming those that do.
[[nodiscard]] Result<void> check_metric(const ParamValues& values, std::string_view param,
                                        std::string_view metric);

/// A table, read for many fits.
struct JudgedTable {
    TrainingTable training;
    std::vector<std::uint32_t> groups;  ///< A row each, or empty.
    programs::FitTable header;          ///< As fit@2 reads it: the first of the inputs.
    learning::FitInputs inputs;
    learning::ScoreForm form;  ///< Of the scores that fits give.

    [[nodiscard]] std::uint64_t row_count() const { return training.prepared.target.size(); }
    [[nodiscard]] std::size_t class_count() const { return training.prepared.classes.size(); }
    /// By name, in the order of FitRecord::figures.
    [[nodiscard]] std::span<const std::string_view> metrics() const {
        return learning::judged_metric_names(class_count());
    }
    [[nodiscard]] learning::FoldRowsInfo rows() const {
        return {row_count(), training.prepared.target.labels, groups};
    }
};

/// Reads the table. Errors: those of take_training_table(); LimitExceeded for one that is too large
/// for one task; InvalidArgument for a row without a group.
[[nodiscard]] Result<JudgedTable> take_judged_table(const ParamValues& values,
                                                    const JobContext& context,
                                                    const learning::Learner& learner,
                                                    std::uint32_t bins_max);

/// Whether so many splits of its rows can be kept. Errors: LimitExceeded.
[[nodiscard]] Result<void> check_split_count(const JudgedTable& table, std::uint64_t splits);

/// The place of a metric in the table's metrics(). Errors: InvalidArgument, naming those that suit
/// the target.
[[nodiscard]] Result<std::size_t> find_metric(const JudgedTable& table, std::string_view param,
                                              std::string_view metric);

/// The split for a plan: its roles become a blob of the job. Errors: LimitExceeded for more scores
/// than a task answers with; those of the store.
[[nodiscard]] Result<learning::FitSplit> fit_split(const learning::Split& split,
                                                   const JudgedTable& table,
                                                   const JobContext& context);

/// The true values of some rows.
[[nodiscard]] learning::TargetValues truth_of(const JudgedTable& table,
                                              std::span<const std::uint32_t> rows);

/// FitsPlan::measure by this table's target: the metrics; then, of each telling of permuted rows,
/// how much worse each of them is.
[[nodiscard]] std::function<Result<std::vector<double>>(const learning::FitSplit&,
                                                        std::span<const double>)>
measure_by(std::shared_ptr<const JudgedTable> table);

/// Mean and population deviation; nothing of no figures, or where one is not defined.
struct MeanFigure {
    double mean = 0;
    double deviation = 0;
};
[[nodiscard]] std::optional<MeanFigure> mean_of(std::span<const double> figures);
/// Of a metric over some records; nothing unless each has it.
[[nodiscard]] std::optional<MeanFigure> mean_of(std::span<const learning::FitRecord* const> records,
                                                std::size_t metric);

/// {"accuracy": …, …} of one record, or of the means or deviations of some; without what there is
/// not.
using MetricNames = std::span<const std::string_view>;
[[nodiscard]] nlohmann::json figures_document(MetricNames metrics,
                                              const learning::FitRecord& record);
[[nodiscard]] nlohmann::json means_document(MetricNames metrics,
                                            std::span<const learning::FitRecord* const> records,
                                            double MeanFigure::*part);

/// "0.79010"; and " accuracy 0.79010 ± 0.01230 …" of a document with means and deviations.
[[nodiscard]] std::string figure_text(double figure);
[[nodiscard]] std::string means_text(const nlohmann::json& document);

/// What bins_max a learner's table needs with these values of its params; 0: none.
[[nodiscard]] std::uint32_t bins_of(const learning::Learner& learner, const ParamValues& values);

}  // namespace netcompute::jobs
