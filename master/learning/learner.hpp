#pragma once

#include "learning/model.hpp"
#include "learning/model_reader.hpp"
#include "learning/training_data.hpp"
#include "params/params.hpp"
#include <netcompute/programs/fit.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::learning {

/// What a training program has found, once it has finished.
struct Trained {
    std::shared_ptr<const Fit> fit;
    std::vector<double> scores;  ///< Of the training rows: [rows][fit->form().width].
    nlohmann::json figures;      ///< The result's keys that only this learner has.
};

/// A training that is planned.
struct Training {
    std::unique_ptr<programs::Program> program;
    /// Only while the program lives, and once it has finished.
    std::function<Trained()> finish;
};

/// A whole training as one task of fit@2.
struct FitParams {
    programs::FitFamily family = programs::FitFamily::LogisticRegression;
    Bytes params;
    ScoreForm form = {};  ///< Of the scores that it gives: those of the training's Fit.
};

/// What can learn a table's target: the one description of it. The job types `train` and
/// `predict`, documents and tests go by this. One of its own is a file and a line in learners.inc.
struct Learner {
    std::string_view name;     ///< As params.algorithm says it: "logistic_regression".
    std::string_view title;    ///< As people see it: "Logistic regression".
    std::string_view article;  ///< As messages call it: "a logistic regression".
    std::string_view summary;  ///< A sentence without its full stop.
    std::uint32_t features_max = 0;
    TakenTargets targets;  ///< Who takes both kinds has task_param too, by params_of().
    std::vector<params::Param> params;  ///< Numbers and choices; scikit-learn's or XGBoost's names.
    /// What no parameter can tell alone. Errors: InvalidArgument that begins with "params.NAME".
    std::function<Result<void>(const params::ParamValues& values)> check = {};
    /// What no parameter can tell without the table: before a training of it is planned. Errors:
    /// InvalidArgument or LimitExceeded that begins with "params.NAME".
    std::function<Result<void>(const PreparedTraining& table, const params::ParamValues& values)>
        check_table = {};
    /// Into how many bins it wants values to be cut; empty: it learns from standardised tiles.
    std::function<std::uint32_t(const params::ParamValues& values)> bins_max = {};
    /// Plans a training of these tiles, or bins.
    std::function<Training(const PreparedTraining& table, const params::ParamValues& values)> train;
    /// Reads what Fit::write() has written, of a model of so many features. What is wrong is told
    /// to the reader; then the fit is not used.
    std::function<std::shared_ptr<const Fit>(ModelReader& reader, std::uint32_t feature_count)>
        read_fit;
    /// The same training in one task, for who fits many times: `evaluate` and `search`.
    std::function<FitParams(const PreparedTraining& table, const params::ParamValues& values)> fit;
    /// Lines for who trains at the command line, from a training's result.
    std::function<std::vector<std::string>(const nlohmann::json& result)> report;
};

/// A learner's own parameters, and task_param where its targets may be of both kinds.
[[nodiscard]] std::vector<params::Param> params_of(const Learner& learner);

/// What it asks of a table's target. `values` are of params_of().
[[nodiscard]] TargetQuestion question_of(const Learner& learner, const params::ParamValues& values);

/// In the order in which people see them.
[[nodiscard]] std::span<const Learner> learners();
[[nodiscard]] const Learner* find_learner(std::string_view name);
/// Their names, for the choice of one.
[[nodiscard]] std::span<const std::string_view> learner_names();

}  // namespace netcompute::learning
