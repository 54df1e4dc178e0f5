#pragma once

#include "data/dataset_reader.hpp"
#include "learning/learner.hpp"
#include <netcompute/programs/train.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace netcompute::learning {

inline Result<data::Table> read_table(Result<data::CsvReader> reader, std::string id) {
    if (!reader) return unexpected(reader.error());
    auto dataset = data::read_dataset(*reader, {.id = std::move(id)});
    if (!dataset) return unexpected(dataset.error());
    return data::Table{reader->name(), std::move(*dataset)};
}

/// A table in memory. Errors: those of the reader.
inline Result<data::Table> read_table(std::string_view text, std::string name, std::string id) {
    return read_table(data::CsvReader::open(data::csv_text_source(text), std::move(name)),
                      std::move(id));
}

/// The table of a file.
inline Result<data::Table> read_file_table(const std::filesystem::path& path, std::string id) {
    const auto file = data::InputFile::open(path);
    if (!file) return unexpected(file.error());
    return read_table(data::CsvReader::open(data::csv_file_source(*file), file->name()),
                      std::move(id));
}

/// What a logistic regression asks of a table.
inline TrainingOptions logistic_options(std::string target, std::string id) {
    const Learner& learner = *find_learner("logistic_regression");
    return {std::move(target), std::move(id), {learner.article}, learner.features_max};
}

/// The fit of such a model.
inline std::shared_ptr<const Fit> logistic_fit(const programs::LogisticModel& linear,
                                               std::uint32_t iterations = 1) {
    const nlohmann::json document = {
        {"weights", linear.weights}, {"intercept", linear.intercept}, {"iterations", iterations}};
    Error error;
    ModelReader reader{document, "", error};
    return find_learner("logistic_regression")
        ->read_fit(reader, static_cast<std::uint32_t>(linear.weights.size()));
}

}  // namespace netcompute::learning
