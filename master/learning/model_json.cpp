#include "data/field_kinds.hpp"
#include "data/field_place.hpp"
#include "learning/learner.hpp"
#include "learning/model.hpp"
#include "learning/model_json_text.hpp"
#include "learning/model_reader.hpp"
#include "params/reading_params.hpp"
#include <netcompute/json_file.hpp>

#include <algorithm>
#include <utility>

namespace netcompute::learning {
namespace {

using data::quote;
using data::quote_list;
using nlohmann::json;
using nlohmann::ordered_json;
using params::read_reading_json;
using params::reading_json;

constexpr std::string_view format_name = "netcompute-model";

// Writing.

ordered_json to_json(const FeatureColumn& column) {
    ordered_json object{{"name", column.name}};
    if (const auto* numeric = std::get_if<NumericEncoding>(&column.encoding)) {
        object["kind"] = "numeric";
        object["median"] = numeric->median;
        object["mean"] = numeric->standardization.mean;
        object["deviation"] = numeric->standardization.deviation;
    } else if (const auto* text = std::get_if<CategoricalEncoding>(&column.encoding)) {
        object["kind"] = "categorical";
        object["categories"] = text->categories;
        object["missing_is_a_category"] = text->has_missing;
        if (text->has_other) object["others_are_a_category"] = true;
        if (text->are_booleans) object["are_booleans"] = true;
        ordered_json means = ordered_json::array();
        ordered_json deviations = ordered_json::array();
        for (const Standardization& figures : text->standardizations) {
            means.push_back(figures.mean);
            deviations.push_back(figures.deviation);
        }
        object["means"] = std::move(means);
        object["deviations"] = std::move(deviations);
    } else if (const auto* dates = std::get_if<DateEncoding>(&column.encoding)) {
        object["kind"] = data::column_kind_name(dates->kind);
        ordered_json parts = ordered_json::array();
        for (const NumericEncoding& part : dates->parts) {
            parts.push_back({{"median", part.median},
                             {"mean", part.standardization.mean},
                             {"deviation", part.standardization.deviation}});
        }
        object["parts"] = std::move(parts);
    } else {
        object["kind"] = "dropped";
    }
    return object;
}

ordered_json to_json(const Metrics& metrics) {
    ordered_json object{{"rows", metrics.row_count}};
    for (const Figure& figure : metrics.figures) {
        object[figure.name] = figure.value ? ordered_json(*figure.value) : ordered_json(nullptr);
    }
    return object;
}

/// Two classes as every format has them; the keys of format 4 else: "classes" is a list, or null
/// where the target is a number.
ordered_json to_json(const Classes& classes) {
    if (classes.size() == 2) {
        return {{"negative", classes.texts[0]}, {"positive", classes.texts[1]}};
    }
    return classes.empty() ? ordered_json(nullptr) : ordered_json(classes.texts);
}

// Reading.

Standardization read_standardization(ModelReader& reader, double mean, double deviation) {
    if (!(deviation > 0)) reader.fail("deviation", "must be above 0");
    return {mean, deviation};
}

CategoricalEncoding read_categories(ModelReader& reader) {
    CategoricalEncoding encoding;
    encoding.categories = reader.texts("categories");
    encoding.has_missing = reader.truth("missing_is_a_category");
    // Keys of format 3, written only where they hold.
    encoding.has_other =
        reader.has("others_are_a_category") && reader.truth("others_are_a_category");
    encoding.are_booleans = reader.has("are_booleans") && reader.truth("are_booleans");
    const auto& names = encoding.categories;
    const bool are_sorted =
        std::adjacent_find(names.begin(), names.end(), std::greater_equal<>{}) == names.end();
    if (names.empty() || names.size() > categories_given_max || !are_sorted) {
        reader.fail("categories", "must be 1 to " + std::to_string(categories_given_max) +
                                      " distinct texts in byte order");
        return encoding;
    }
    const auto means = reader.numbers("means");
    const auto deviations = reader.numbers("deviations");
    if (means.size() != encoding.feature_count() || deviations.size() != means.size()) {
        reader.fail("means", "there must be " + std::to_string(encoding.feature_count()) +
                                 " means and deviations, one a feature");
        return encoding;
    }
    for (std::size_t i = 0; i < means.size(); ++i) {
        encoding.standardizations.push_back(read_standardization(reader, means[i], deviations[i]));
    }
    return encoding;
}

DateEncoding read_dates(ModelReader& reader, data::ColumnKind kind, const std::string& path,
                        Error& error) {
    DateEncoding encoding;
    encoding.kind = kind;
    const json& parts = reader.array("parts");
    for (std::size_t i = 0; i < parts.size(); ++i) {
        ModelReader part{parts[i], path + ".parts[" + std::to_string(i) + "]", error};
        const double median = part.number("median");
        encoding.parts.push_back(
            {median, read_standardization(part, part.number("mean"), part.number("deviation"))});
    }
    if (parts.size() < 3 || parts.size() > date_part_names.size()) {
        reader.fail("parts", "there must be 3 or 4 parts of a date");
    }
    return encoding;
}

FeatureColumn read_column(ModelReader reader, const std::string& path, Error& error) {
    FeatureColumn column;
    column.name = reader.text("name");
    const std::string kind = reader.text("kind");
    if (kind == "numeric") {
        const double median = reader.number("median");
        column.encoding = NumericEncoding{
            median,
            read_standardization(reader, reader.number("mean"), reader.number("deviation"))};
    } else if (kind == "categorical") {
        column.encoding = read_categories(reader);
    } else if (kind == "dropped") {
        column.encoding = DroppedEncoding{};
    } else if (const auto date = data::find_column_kind(kind); date && data::is_date(*date)) {
        column.encoding = read_dates(reader, *date, path, error);
    } else {
        reader.fail("kind", quote(kind) + " is none of numeric, categorical, date and dropped");
    }
    return column;
}

Preprocessing read_preprocessing(ModelReader reader, Error& error) {
    Preprocessing preprocessing;
    const json& columns = reader.array("columns");
    std::vector<std::string> names;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const std::string path = "preprocessing.columns[" + std::to_string(i) + "]";
        preprocessing.columns.push_back(
            read_column(ModelReader{columns[i], path, error}, path, error));
        names.push_back(preprocessing.columns.back().name);
    }
    std::sort(names.begin(), names.end());
    if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end()) {
        reader.fail("columns", "two are named " + quote(*twice));
    }
    return preprocessing;
}

Metrics read_metrics(ModelReader reader, const Classes& classes) {
    Metrics metrics;
    metrics.row_count = reader.count("rows");
    for (const std::string_view name : metric_names(classes.size())) {
        const std::string key{name};
        if (!reader.has(key.c_str())) continue;
        const bool is_there = !reader.value(key.c_str()).is_null() || !may_be_undefined(name);
        metrics.figures.push_back(
            {key, is_there ? std::optional{reader.number(key.c_str())} : std::nullopt});
    }
    return metrics;
}

Classes read_classes(ModelReader& root) {
    const json& found = root.value("classes");
    Classes classes;
    if (found.is_null() && root.has("classes")) return classes;
    if (!found.is_array()) {
        ModelReader pair = root.object("classes");
        classes.texts = {pair.text("negative"), pair.text("positive")};
        if (classes.texts[0] == classes.texts[1]) {
            root.fail("classes", "both are " + quote(classes.texts[0]));
        }
        return classes;
    }
    classes.texts = root.texts("classes");
    std::vector<std::string> sorted = classes.texts;
    std::ranges::sort(sorted);
    if (sorted.size() < 2 || sorted.size() > classes_max ||
        std::ranges::adjacent_find(sorted) != sorted.end()) {
        root.fail("classes", "must be 2 to " + std::to_string(classes_max) + " distinct texts");
    }
    return classes;
}

/// The learner's parameters: numbers and words.
json read_parameters(ModelReader reader) {
    json parameters = json::object();
    for (const auto& [key, value] : reader.whole().items()) {
        if (!value.is_string()) reader.number(key.c_str());
        parameters[key] = value;
    }
    return parameters;
}

/// Whether the fit's scores are of these classes.
void check_form(const Model& model, ModelReader& root) {
    if (model.fit == nullptr) return;
    const ScoreForm form = model.fit->form();
    const std::size_t classes = form.kind == ScoreKind::Numbers   ? 0
                                : form.kind == ScoreKind::LogOdds ? 2
                                                                  : form.width;
    if (classes == model.form.classes.size()) return;
    root.fail("classes", "there are " + std::to_string(model.form.classes.size()) +
                             ", but what was learned is of " + std::to_string(classes));
}

/// The checks that look at several keys together.
void check_whole(const Model& model, ModelReader& root) {
    const std::string stated = root.text("model_sha256");
    if (model.fit == nullptr) return;
    const std::string actual = to_hex(model.fit->sha256());
    if (stated != actual) {
        root.fail("model_sha256", quote(stated) +
                                      " is not the hash of what was learned, which is " + actual +
                                      "; the file was changed or damaged: train again");
    }
}

}  // namespace

std::string model_text(const Model& model) {
    const TableForm& form = model.form;
    ordered_json document{{"format", format_name},
                          {"format_version", form.classes.size() == 2 ? 3 : 4},
                          {"algorithm", model.algorithm},
                          {"parameters", model.parameters},
                          {"id", form.id},
                          {"target", form.target}};
    document["classes"] = to_json(form.classes);
    // As a training's params say it; nothing where none did.
    const ordered_json reading = reading_json(form.reading);
    for (const auto& [key, value] : reading.items()) document[key] = value;
    ordered_json columns = ordered_json::array();
    for (const FeatureColumn& column : form.preprocessing.columns) {
        columns.push_back(to_json(column));
    }
    document["preprocessing"]["columns"] = std::move(columns);
    document["features"] = form.preprocessing.feature_names();
    model.fit->write(document);
    document["metrics"]["train"] = to_json(model.training_metrics);
    document["data_sha256"] = model.data_sha256;
    document["model_sha256"] = to_hex(model.fit->sha256());
    return document_text(document);
}

Result<Model> parse_model(std::string_view text, std::string_view name) {
    const Result<json> document = parse_json(text, name);
    if (!document) return unexpected(document.error());
    Error error;
    ModelReader root{*document, "", error};
    if (root.text("format") != format_name) {
        root.fail("format", quote_json(root.value("format")) + " is not " + quote(format_name));
    }
    const std::uint64_t version = root.count("format_version");
    if (version < 1 || version > model_format_version) {
        root.fail("format_version", quote_json(root.value("format_version")) +
                                        " is not one that this version reads (1 to " +
                                        std::to_string(model_format_version) + "); train again");
    }

    Model model;
    model.algorithm = root.text("algorithm");
    const Learner* const learner = find_learner(model.algorithm);
    if (learner == nullptr) {
        const auto names = learner_names();
        root.fail("algorithm", quote(model.algorithm) + " is not one that this version has: " +
                                   quote_list(std::vector<std::string>{names.begin(), names.end()},
                                              names.size()));
    }
    model.parameters = read_parameters(root.object("parameters"));
    model.form.id = root.text("id");
    model.form.target = root.text("target");
    model.form.classes = read_classes(root);
    if (auto reading = read_reading_json(*document); !reading) {
        root.fail("reading", reading.error().message);
    } else {
        model.form.reading = *std::move(reading);
    }
    model.form.preprocessing = read_preprocessing(root.object("preprocessing"), error);
    const std::uint32_t feature_count = model.form.preprocessing.feature_count();
    if (learner != nullptr) model.fit = learner->read_fit(root, feature_count);
    check_form(model, root);
    model.training_metrics =
        read_metrics(root.object("metrics").object("train"), model.form.classes);
    model.data_sha256 = root.text("data_sha256");
    check_whole(model, root);
    if (!error.message.empty()) {
        return unexpected(error.code, std::string{name} + ": " + error.message);
    }
    return model;
}

}  // namespace netcompute::learning
