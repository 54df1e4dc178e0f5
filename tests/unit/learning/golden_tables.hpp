#pragma once

#include "learner_runs.hpp"
#include "learning/metrics.hpp"

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace netcompute::learning {

/// What scikit-learn finds in the tables beside it: see tests/fixtures/learning/golden.py.
inline const nlohmann::json& golden() {
    static const nlohmann::json figures = nlohmann::json::parse(
        std::ifstream{NETCOMPUTE_SOURCE_DIR "/tests/fixtures/learning/golden.json"});
    return figures;
}

/// Id, features and one of the targets ("kind", "two", "amount") of a table of golden.py, as CSV.
inline std::string golden_text(const char* file, std::string_view target) {
    std::ifstream lines{std::string{NETCOMPUTE_SOURCE_DIR "/tests/fixtures/learning/"} + file};
    std::string text;
    std::size_t at = 0;
    for (std::string line; std::getline(lines, line);) {
        std::vector<std::string> fields;
        std::istringstream split{line};
        for (std::string field; std::getline(split, field, ',');) fields.push_back(field);
        if (at == 0)
            at = static_cast<std::size_t>(std::ranges::find(fields, target) - fields.begin());
        for (std::size_t i = 0; i < 5; ++i) text += fields[i] + ",";
        text += fields[at] + "\n";
    }
    return text;
}

inline data::Table golden_table(const char* file, std::string_view target) {
    return read_table(golden_text(file, target), file, "id").value();
}

/// A learner's parameters, its defaults but for what is given. Errors: those of reading them.
inline Result<params::ParamValues> values_of(const Learner& learner, const nlohmann::json& params) {
    struct NoFiles final : params::ParamFiles {
        Result<data::InputFile> input(const std::string& key, const std::string&) override {
            return unexpected(ErrorCode::NotFound, key);
        }
        Result<data::DataPath> output(const std::string& key, const std::string&) override {
            return unexpected(ErrorCode::NotFound, key);
        }
    };
    NoFiles files;
    const auto table = params_of(learner);
    return params::read_params(table, params, learner.check, files);
}

/// Trainings by a learner's name, with its defaults but for what is given.
class GoldenRuns : protected LearnerRuns {
 protected:
    Learned learn(std::string_view name, const data::Table& table, const std::string& target,
                  const nlohmann::json& params = nlohmann::json::object()) {
        const Learner& learner = *find_learner(name);
        const params::ParamValues values = values_of(learner, params).value();
        auto prepared = prepare_training(
            table, {target, "id", question_of(learner, values), learner.features_max},
            blobs_.sink());
        EXPECT_TRUE(prepared) << prepared.error().message;
        Training training = learner.train(*prepared, values);
        run(*training.program);
        Trained trained = training.finish();
        Model model;
        model.algorithm = name;
        model.form = {prepared->preprocessing, "id", target, prepared->classes};
        model.fit = trained.fit;
        return {std::move(*prepared), std::move(trained), std::move(model)};
    }

    /// Expects the model to be read back from its text as it is, and to score `table`, which it
    /// learned from, as the training did.
    void expect_to_last(const Learned& got, const data::Table& table) {
        const std::string text = model_text(got.model);
        const auto read = parse_model(text, "model.json");
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(model_text(*read), text);
        EXPECT_EQ(scores_of(*read, table), got.trained.scores);
    }

    /// What is said of the model's text with another value at a JSON pointer.
    static std::string error_with(const Model& model, const char* at, const nlohmann::json& value) {
        auto document = nlohmann::ordered_json::parse(model_text(model));
        document[nlohmann::ordered_json::json_pointer{at}] = value;
        const auto read = parse_model(document.dump(), "model.json");
        return read ? "no error" : read.error().message;
    }
};

}  // namespace netcompute::learning
