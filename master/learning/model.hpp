#pragma once

#include "data/input_file.hpp"
#include "learning/metrics.hpp"
#include "learning/prediction_data.hpp"
#include <netcompute/programs/program.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::learning {

/// The last format: of targets that are numbers, or more than two classes. Models of two classes
/// are written as format 3, which older programs read. parse_model() reads all from 1 on.
inline constexpr int model_format_version = 4;

/// Larger files are refused: read into a tree, one takes up to 16 times as much.
inline constexpr std::size_t model_bytes_max = std::size_t{32} << 20;

/// A program that scores the rows of a table, and where the scores are once it has finished.
struct Scoring {
    std::unique_ptr<programs::Program> program;
    /// As the fit's form() says, in order of rows. Only while the program lives.
    std::function<std::span<const double>()> scores;
};

class OnnxGraph;

/// What a learner has found: its own part of a model. Immutable.
class Fit {
 public:
    Fit() = default;
    Fit(const Fit&) = delete;
    Fit& operator=(const Fit&) = delete;
    virtual ~Fit() = default;

    /// Of its canonical bytes: the model's name, model_sha256.
    [[nodiscard]] virtual Sha256 sha256() const = 0;
    /// Adds its keys to model.json.
    virtual void write(nlohmann::ordered_json& document) const = 0;
    /// Adds what a training's result says of it, by the names of the features.
    virtual void describe(std::span<const std::string> feature_names,
                          nlohmann::json& result) const = 0;
    /// Plans the scoring of such tiles: of bins, where it has a binning.
    [[nodiscard]] virtual Scoring score(const Tiles& features) const = 0;
    /// What its scores are.
    [[nodiscard]] virtual ScoreForm form() const { return {}; }
    /// Adds to an ONNX graph what makes scores, [rows][form().width] doubles, of features,
    /// [rows][features]: standardised, or, where there is a binning, as they were read. Returns
    /// their name; nothing: there is no such form.
    [[nodiscard]] virtual std::optional<std::string> write_onnx(
        OnnxGraph&, const std::string& /*features*/) const {
        return std::nullopt;
    }
    /// How values become the bins that score() takes; null: it takes standardised features.
    [[nodiscard]] virtual const Binning* binning() const { return nullptr; }
};

/// Everything that prediction needs: what Data/model.json holds.
struct Model {
    std::string algorithm;                                 ///< The learner's name.
    nlohmann::json parameters = nlohmann::json::object();  ///< The learner's own, by name.
    TableForm form;
    std::shared_ptr<const Fit> fit;
    Metrics training_metrics;
    std::string data_sha256;  ///< PreparedTraining::data_sha256.
};

/// The text of model.json. Every double reads back as the same bits.
[[nodiscard]] std::string model_text(const Model& model);

/// Reads model_text(). `name` is what messages call it, usually its path.
/// Errors: InvalidArgument naming the key and its value, for what is not JSON, of another format
/// version, of an unknown algorithm, of the wrong type or shape, not finite, or does not match its
/// model_sha256.
[[nodiscard]] Result<Model> parse_model(std::string_view text, std::string_view name);

/// Errors: LimitExceeded for a file that is too large; those of parse_model().
[[nodiscard]] Result<Model> load_model(const data::InputFile& file);

}  // namespace netcompute::learning
