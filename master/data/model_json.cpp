#include "data/field_place.hpp"
#include "data/model.hpp"
#include <netcompute/json_file.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace netcompute::data {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

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
        ordered_json means = ordered_json::array();
        ordered_json deviations = ordered_json::array();
        for (const Standardization& figures : text->standardizations) {
            means.push_back(figures.mean);
            deviations.push_back(figures.deviation);
        }
        object["means"] = std::move(means);
        object["deviations"] = std::move(deviations);
    } else {
        object["kind"] = "dropped";
    }
    return object;
}

ordered_json to_json(const Metrics& metrics) {
    ordered_json object{{"rows", metrics.row_count},
                        {"accuracy", metrics.accuracy},
                        {"log_loss", metrics.log_loss}};
    object["auc"] = metrics.auc ? ordered_json(*metrics.auc) : ordered_json(nullptr);
    return object;
}

// Reading.

/// An object of the file. Each read names the key and its value where something is wrong; the
/// first error is kept, so that a caller reads everything and looks once.
class ObjectReader {
 public:
    ObjectReader(const json& object, std::string path, Error& error)
        : object_{object}, path_{std::move(path)}, error_{error} {
        if (!object_.is_object()) fail("", quote_json(object_) + " is not an object");
    }

    double number(const char* key) { return number_of(value(key), key); }

    std::vector<double> numbers(const char* key) {
        std::vector<double> list;
        const json& found = array(key);
        for (std::size_t i = 0; i < found.size(); ++i) {
            list.push_back(number_of(found[i], std::string{key} + "[" + std::to_string(i) + "]"));
        }
        return list;
    }

    std::string text(const char* key) { return text_of(value(key), key); }

    std::vector<std::string> texts(const char* key) {
        std::vector<std::string> list;
        const json& found = array(key);
        for (std::size_t i = 0; i < found.size(); ++i) {
            list.push_back(text_of(found[i], std::string{key} + "[" + std::to_string(i) + "]"));
        }
        return list;
    }

    std::uint64_t count(const char* key) {
        const json& found = value(key);
        if (found.is_number_unsigned()) return found.get<std::uint64_t>();
        fail(key, quote_json(found) + " is not a count");
        return 0;
    }

    bool truth(const char* key) {
        const json& found = value(key);
        if (found.is_boolean()) return found.get<bool>();
        fail(key, quote_json(found) + " is neither true nor false");
        return false;
    }

    const json& array(const char* key) {
        static const json none = json::array();
        const json& found = value(key);
        if (found.is_array()) return found;
        fail(key, quote_json(found) + " is not a list");
        return none;
    }

    ObjectReader object(const char* key) { return {value(key), path_of(key), error_}; }

    const json& value(const char* key) {
        static const json nothing;
        if (!object_.is_object()) return nothing;
        const auto found = object_.find(key);
        return found == object_.end() ? nothing : *found;
    }
    [[nodiscard]] const json& whole() const { return object_; }

    void fail(const std::string& key, const std::string& what) {
        if (error_.message.empty())
            error_ = {ErrorCode::InvalidArgument, path_of(key) + ": " + what};
    }

 private:
    [[nodiscard]] std::string path_of(const std::string& key) const {
        return key.empty() || path_.empty() ? path_ + key : path_ + "." + key;
    }
    double number_of(const json& found, const std::string& key) {
        if (found.is_number() && std::isfinite(found.get<double>())) return found.get<double>();
        fail(key, quote_json(found) + " is not a finite number");
        return 0;
    }
    std::string text_of(const json& found, const std::string& key) {
        if (found.is_string()) return found.get<std::string>();
        fail(key, quote_json(found) + " is not a text");
        return {};
    }

    const json& object_;
    std::string path_;
    Error& error_;
};

Standardization read_standardization(ObjectReader& reader, double mean, double deviation) {
    if (!(deviation > 0)) reader.fail("deviation", "must be above 0");
    return {mean, deviation};
}

CategoricalEncoding read_categories(ObjectReader& reader) {
    CategoricalEncoding encoding;
    encoding.categories = reader.texts("categories");
    encoding.has_missing = reader.truth("missing_is_a_category");
    const auto& names = encoding.categories;
    const bool are_sorted =
        std::adjacent_find(names.begin(), names.end(), std::greater_equal<>{}) == names.end();
    if (names.empty() || names.size() > categories_max || !are_sorted) {
        reader.fail("categories", "must be 1 to " + std::to_string(categories_max) +
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

FeatureColumn read_column(ObjectReader reader) {
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
    } else {
        reader.fail("kind", quote(kind) + " is none of numeric, categorical and dropped");
    }
    return column;
}

Preprocessing read_preprocessing(ObjectReader reader, Error& error) {
    Preprocessing preprocessing;
    const json& columns = reader.array("columns");
    std::vector<std::string> names;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const std::string path = "preprocessing.columns[" + std::to_string(i) + "]";
        preprocessing.columns.push_back(read_column(ObjectReader{columns[i], path, error}));
        names.push_back(preprocessing.columns.back().name);
    }
    std::sort(names.begin(), names.end());
    if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end()) {
        reader.fail("columns", "two are named " + quote(*twice));
    }
    return preprocessing;
}

Metrics read_metrics(ObjectReader reader) {
    Metrics metrics;
    metrics.row_count = reader.count("rows");
    metrics.accuracy = reader.number("accuracy");
    metrics.log_loss = reader.number("log_loss");
    if (!reader.value("auc").is_null()) metrics.auc = reader.number("auc");
    return metrics;
}

std::uint32_t read_iterations(ObjectReader& root) {
    const std::uint64_t count = root.count("iterations");
    if (count <= std::numeric_limits<std::uint32_t>::max())
        return static_cast<std::uint32_t>(count);
    root.fail("iterations", std::to_string(count) + " is too many");
    return 0;
}

/// The checks that look at several keys together.
void check_whole(const Model& model, ObjectReader& root) {
    const std::uint32_t feature_count = model.preprocessing.feature_count();
    if (model.linear.weights.size() != feature_count || feature_count == 0) {
        root.fail("weights", "there are " + std::to_string(model.linear.weights.size()) +
                                 ", but the columns make " + std::to_string(feature_count) +
                                 " features");
    }
    if (model.classes.negative == model.classes.positive) {
        root.fail("classes", "both are " + quote(model.classes.positive));
    }
    const std::string stated = root.text("model_sha256");
    const std::string actual = to_hex(model_sha256(model.linear));
    if (stated != actual) {
        root.fail("model_sha256", quote(stated) + " is not the hash of the weights, which is " +
                                      actual + "; the file was changed or damaged: train again");
    }
}

}  // namespace

std::string model_text(const Model& model) {
    ordered_json document{{"format", format_name},
                          {"format_version", model_format_version},
                          {"algorithm", model.algorithm},
                          {"parameters", model.parameters},
                          {"id", model.id},
                          {"target", model.target}};
    document["classes"] = {{"negative", model.classes.negative},
                           {"positive", model.classes.positive}};
    ordered_json columns = ordered_json::array();
    for (const FeatureColumn& column : model.preprocessing.columns) {
        columns.push_back(to_json(column));
    }
    document["preprocessing"]["columns"] = std::move(columns);
    document["features"] = model.preprocessing.feature_names();
    document["weights"] = model.linear.weights;
    document["intercept"] = model.linear.intercept;
    document["iterations"] = model.iterations;
    document["metrics"]["train"] = to_json(model.training_metrics);
    document["data_sha256"] = model.data_sha256;
    document["model_sha256"] = to_hex(model_sha256(model.linear));
    return document.dump(2) + "\n";
}

Result<Model> parse_model(std::string_view text, std::string_view name) {
    const Result<json> document = parse_json(text, name);
    if (!document) return unexpected(document.error());
    Error error;
    ObjectReader root{*document, "", error};
    if (root.text("format") != format_name) {
        root.fail("format", quote_json(root.value("format")) + " is not " + quote(format_name));
    }
    if (root.count("format_version") != model_format_version) {
        root.fail("format_version", quote_json(root.value("format_version")) +
                                        " is not one that this version reads (" +
                                        std::to_string(model_format_version) + "); train again");
    }

    Model model;
    model.algorithm = root.text("algorithm");
    const json& parameters = root.value("parameters");
    ObjectReader parameter_reader = root.object("parameters");
    if (parameters.is_object()) {
        for (const auto& item : parameters.items()) {
            model.parameters[item.key()] = parameter_reader.number(item.key().c_str());
        }
    }
    model.id = root.text("id");
    model.target = root.text("target");
    ObjectReader classes = root.object("classes");
    model.classes = {classes.text("negative"), classes.text("positive")};
    model.preprocessing = read_preprocessing(root.object("preprocessing"), error);
    model.linear = {root.numbers("weights"), root.number("intercept")};
    model.iterations = read_iterations(root);
    model.training_metrics = read_metrics(root.object("metrics").object("train"));
    model.data_sha256 = root.text("data_sha256");
    check_whole(model, root);
    if (!error.message.empty()) {
        return unexpected(error.code, std::string{name} + ": " + error.message);
    }
    return model;
}

}  // namespace netcompute::data
