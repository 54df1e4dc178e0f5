#pragma once

#include "data/data_path.hpp"
#include "data/input_file.hpp"
#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace netcompute::params {

// The kinds of parameters. Each has a name, a sentence for people, and a default in `otherwise`;
// one without a default must be given, and shows an example. Parameters are constants: the texts
// that they point to live as long as the program.

struct WholeNumber {
    std::string_view name;
    std::string_view what;
    std::uint64_t min = 0;
    std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
    std::optional<std::uint64_t> otherwise = {};
    std::uint64_t example = 0;
    std::string_view unit = {};         ///< "bytes"; empty for what is only counted.
    std::string_view if_left_out = {};  ///< As for Text.
};

struct Number {
    std::string_view name;
    std::string_view what;
    double min = 0;  ///< Finite, as max is.
    double max = 0;
    std::optional<double> otherwise = {};
    double example = 0;
    std::string_view unit = {};  ///< "seconds"; empty for a plain number.
};

/// Any text of at least one letter: the name of a column.
struct Text {
    std::string_view name;
    std::string_view what;
    std::optional<std::string_view> otherwise = {};
    std::string_view example = {};
    /// What happens without it: "the model's". Then it may be left out, and its value is empty.
    std::string_view if_left_out = {};
};

/// One of some words.
struct Choice {
    std::string_view name;
    std::string_view what;
    std::span<const std::string_view> choices;
    std::string_view otherwise;
};

/// A file that the job reads: below Data/, but for those of the master's own command line. It is
/// open, and its hash goes into the receipt.
struct InputFile {
    std::string_view name;
    std::string_view what;
    std::optional<std::string_view> otherwise = {};
    std::string_view example = {};
    std::string_view if_left_out = {};  ///< As for Text.
    std::string_view if_missing = {};   ///< What to do where there is no such file; or empty.
};

/// A file below Data/ that the job writes, with OutputWriter.
struct OutputFile {
    std::string_view name;
    std::string_view what;
    std::string_view otherwise;
};

/// An object or a list, whose form a JSON Schema tells.
struct Structured {
    std::string_view name;
    std::string_view what;
    std::string_view schema;  ///< As JSON: {"type": "object", …}.
    /// Errors: InvalidArgument, which begins with the key and says what is wrong.
    Result<void> (*check)(const nlohmann::json& value) = nullptr;
    std::string_view example = {};      ///< As JSON.
    std::string_view if_left_out = {};  ///< As for Text.
    std::optional<std::string_view> otherwise = {};
};

using Param = std::variant<WholeNumber, Number, Text, Choice, InputFile, OutputFile, Structured>;

[[nodiscard]] std::string_view param_name(const Param& param);

/// Parameters that there are only while a Choice has this value.
struct Variant {
    std::string_view value;
    std::vector<Param> params;
};

/// The parameters of a kind of job, in their order. Those of a variant come behind the choice.
struct ParamTable {
    std::vector<Param> common = {};
    std::optional<Choice> choice = {};   ///< One of `common`, that has variants.
    std::vector<Variant> variants = {};  ///< One a value of it.

    /// Those that go with these params. Where they choose no variant that there is, those of all:
    /// then the choice itself is refused.
    [[nodiscard]] std::vector<Param> of(const nlohmann::json& params) const;
    /// All of them.
    [[nodiscard]] std::vector<Param> all() const;
};

/// The values of a job's parameters, each by the parameter itself: `values[samples]`.
class ParamValues {
 public:
    [[nodiscard]] std::uint64_t operator[](const WholeNumber& param) const;
    [[nodiscard]] double operator[](const Number& param) const;
    [[nodiscard]] const std::string& operator[](const Text& param) const;
    [[nodiscard]] const std::string& operator[](const Choice& param) const;
    /// Only of one that has() a value.
    [[nodiscard]] const data::InputFile& operator[](const InputFile& param) const;
    [[nodiscard]] const data::DataPath& operator[](const OutputFile& param) const;

    /// Null where it was left out.
    [[nodiscard]] const nlohmann::json& operator[](const Structured& param) const;

    /// Whether it was given or has a default.
    [[nodiscard]] bool has(const Param& param) const;

    /// Tells a Structured one from texts and numbers, which JSON holds too.
    struct Json {
        nlohmann::json value;
    };
    using Value =
        std::variant<std::uint64_t, double, std::string, data::InputFile, data::DataPath, Json>;
    void put(std::string_view name, Value value);

 private:
    template <typename T>
    [[nodiscard]] const T& get(std::string_view name) const;

    std::map<std::string_view, Value> values_;
};

/// Opens the files that parameters name. Errors name the parameter.
class ParamFiles {
 public:
    ParamFiles() = default;
    ParamFiles(const ParamFiles&) = delete;
    ParamFiles& operator=(const ParamFiles&) = delete;
    virtual ~ParamFiles() = default;

    /// Opens a file to read.
    [[nodiscard]] virtual Result<data::InputFile> input(const std::string& key,
                                                        const std::string& text) = 0;
    /// A file to write. It is asked for after the inputs.
    [[nodiscard]] virtual Result<data::DataPath> output(const std::string& key,
                                                        const std::string& text) = 0;
};

/// What no parameter can tell alone; it sees no files.
using CheckTogether = std::function<Result<void>(const ParamValues&)>;

/// The values of those of `table` that are no files and have one, by name.
[[nodiscard]] nlohmann::json values_document(std::span<const Param> table,
                                             const ParamValues& values);

/// Reads `params` by their table, and opens the files that they name, in the order of the table:
/// inputs, then outputs. Errors: InvalidArgument for one that is unknown, else for the first that
/// is bad or missing; those of `check_together` and of `files`.
[[nodiscard]] Result<ParamValues> read_params(std::span<const Param> table,
                                              const nlohmann::json& params,
                                              const CheckTogether& check_together,
                                              ParamFiles& files);

/// What `GET /api/v1/job_types` says of a parameter: name, description, whether it is required, and
/// type, default, range, unit and example in the words of JSON Schema.
[[nodiscard]] nlohmann::json param_document(const Param& param);
/// That of each parameter; of one of a variant also `only_with`: {"param", "value"}.
[[nodiscard]] nlohmann::json params_document(const ParamTable& table);

}  // namespace netcompute::params
