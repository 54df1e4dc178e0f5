#include "params/params.hpp"

#include <netcompute/assert.hpp>
#include <netcompute/printable.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace netcompute::params {
namespace {

constexpr std::size_t shown_bytes_max = 100;  ///< Of what a message repeats.
constexpr std::size_t text_bytes_max = 4096;  ///< A path's length; names of columns are shorter.

using Value = ParamValues::Value;

std::string shown(const nlohmann::json& value) {
    return printable(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                     shown_bytes_max);
}

std::string shown(double value) {
    return nlohmann::json(value).dump();
}

Unexpected refused(std::string_view name, const std::string& what) {
    return unexpected(ErrorCode::InvalidArgument, "params." + std::string{name} + ": " + what);
}

/// 1e9 is a whole number too, though JSON reads it as a floating-point one.
std::optional<std::uint64_t> whole(const nlohmann::json& value) {
    constexpr double exact_max = 9007199254740992.0;
    if (value.is_number_integer()) {
        if (!value.is_number_unsigned() && value < 0) return std::nullopt;
        return value.get<std::uint64_t>();
    }
    if (!value.is_number_float()) return std::nullopt;
    const double number = value.get<double>();
    if (!(number >= 0 && number <= exact_max) || number != std::floor(number)) return std::nullopt;
    return static_cast<std::uint64_t>(number);
}

Result<Value> read(const WholeNumber& param, const nlohmann::json& value) {
    const auto number = whole(value);
    if (number && *number >= param.min && *number <= param.max) return Value{*number};
    return refused(param.name, shown(value) + " is not a whole number from " +
                                   std::to_string(param.min) + " to " + std::to_string(param.max));
}

Result<Value> read(const Number& param, const nlohmann::json& value) {
    const double number = value.is_number() ? value.get<double>() : std::nan("");
    if (number >= param.min && number <= param.max) return Value{number};
    return refused(param.name, shown(value) + " is not a number from " + shown(param.min) + " to " +
                                   shown(param.max));
}

Result<Value> read_text(std::string_view name, const nlohmann::json& value) {
    const auto* const text = value.get_ptr<const std::string*>();
    if (text != nullptr && text->size() > text_bytes_max) {
        return refused(name, "has " + std::to_string(text->size()) + " bytes; give at most " +
                                 std::to_string(text_bytes_max));
    }
    if (text != nullptr && !text->empty()) return Value{*text};
    return refused(name, shown(value) + " is not a text of at least one letter");
}

Result<Value> read(const Choice& param, const nlohmann::json& value) {
    const auto* const word = value.get_ptr<const std::string*>();
    std::string words;
    for (const std::string_view choice : param.choices) {
        if (word != nullptr && *word == choice) return Value{*word};
        words += (words.empty() ? "" : ", ") + std::string{choice};
    }
    return refused(param.name, shown(value) + " is not one of " + words);
}

Result<Value> read(const Structured& param, const nlohmann::json& value) {
    const auto good = param.check(value);
    if (!good) return unexpected(good.error().code, "params." + good.error().message);
    return Value{ParamValues::Json{value}};
}

/// A file's name, for now.
template <typename NamedText>
Result<Value> read(const NamedText& param, const nlohmann::json& value) {
    return read_text(param.name, value);
}

/// The value where none is given; null if there is none either.
template <typename Kind>
nlohmann::json default_of(const Kind& param) {
    if constexpr (requires { param.otherwise.has_value(); }) {
        return param.otherwise ? nlohmann::json(*param.otherwise) : nlohmann::json();
    } else {
        return param.otherwise;
    }
}

template <typename Kind>
bool is_required(const Kind& param) {
    if constexpr (requires { param.if_left_out; }) {
        if (!param.if_left_out.empty()) return false;
    }
    return default_of(param).is_null();
}

/// What to do about one that must be given and is not there.
template <typename Kind>
Unexpected missing(const Kind& param) {
    std::string what = "is missing";
    if constexpr (requires { param.example; }) {
        what += "; give it, for example " + shown(nlohmann::json(param.example));
    }
    return refused(param.name, what);
}

Result<void> read_one(const Param& param, const nlohmann::json& params, ParamValues& values) {
    return std::visit(
        [&](const auto& kind) -> Result<void> {
            const auto given = params.find(kind.name);
            if (given == params.end() && is_required(kind)) return missing(kind);
            const nlohmann::json json = given == params.end() ? default_of(kind) : *given;
            if (given == params.end() && json.is_null()) return {};
            auto value = read(kind, json);
            if (!value) return unexpected(value.error());
            values.put(kind.name, std::move(*value));
            return {};
        },
        param);
}

Result<void> refuse_unknown(std::span<const Param> table, const nlohmann::json& params) {
    for (const auto& [key, value] : params.items()) {
        const auto has_key = [&key = key](const Param& param) { return param_name(param) == key; };
        if (std::any_of(table.begin(), table.end(), has_key)) continue;
        std::string names;
        for (const Param& param : table) {
            names += (names.empty() ? "" : ", ") + std::string{param_name(param)};
        }
        return refused(printable(key, shown_bytes_max),
                       table.empty() ? "is not a parameter of this type; it takes none"
                                     : "is not a parameter of this type; it takes " + names);
    }
    return {};
}

Result<void> open_input(const InputFile& param, ParamValues& values, ParamFiles& files) {
    if (!values.has(param)) return {};
    const std::string text = values[Text{param.name, param.what}];
    auto file = files.input(std::string{param.name}, text);
    if (file) {
        values.put(param.name, std::move(*file));
        return {};
    }
    if (param.if_missing.empty() || file.error().code != ErrorCode::NotFound) {
        return unexpected(file.error());
    }
    return unexpected(ErrorCode::NotFound, "params." + std::string{param.name} + ": " + text +
                                               ": " + std::string{param.if_missing});
}

Result<void> name_output(const OutputFile& param, ParamValues& values, ParamFiles& files) {
    auto path = files.output(std::string{param.name}, values[Text{param.name, param.what}]);
    if (!path) return unexpected(path.error());
    values.put(param.name, std::move(*path));
    return {};
}

/// Replaces the names of files by the files. Outputs come last: none may be an input.
Result<void> open_files(std::span<const Param> table, ParamValues& values, ParamFiles& files) {
    for (const Param& param : table) {
        const auto* const input = std::get_if<InputFile>(&param);
        if (input == nullptr) continue;
        if (auto opened = open_input(*input, values, files); !opened) return opened;
    }
    for (const Param& param : table) {
        const auto* const output = std::get_if<OutputFile>(&param);
        if (output == nullptr) continue;
        if (auto named = name_output(*output, values, files); !named) return named;
    }
    return {};
}

void describe(const WholeNumber& param, nlohmann::json& document) {
    document["type"] = "integer";
    document["minimum"] = param.min;
    document["maximum"] = param.max;
}

void describe(const Number& param, nlohmann::json& document) {
    document["type"] = "number";
    document["minimum"] = param.min;
    document["maximum"] = param.max;
}

void describe(const Text&, nlohmann::json& document) {
    document["type"] = "string";
}

void describe(const Choice& param, nlohmann::json& document) {
    document["type"] = "string";
    document["enum"] = std::vector<std::string_view>(param.choices.begin(), param.choices.end());
}

void describe(const Structured& param, nlohmann::json& document) {
    document.update(nlohmann::json::parse(param.schema, nullptr, false));
}

void describe(const InputFile&, nlohmann::json& document) {
    document["type"] = "string";
    document["format"] = "input_file";
}

void describe(const OutputFile&, nlohmann::json& document) {
    document["type"] = "string";
    document["format"] = "output_file";
}

}  // namespace

std::string_view param_name(const Param& param) {
    return std::visit([](const auto& kind) { return kind.name; }, param);
}

std::vector<Param> ParamTable::of(const nlohmann::json& params) const {
    if (!choice) return common;
    const auto given = params.find(choice->name);
    const auto* const word = given == params.end() ? nullptr : given->get_ptr<const std::string*>();
    const std::string_view value = word == nullptr ? choice->otherwise : std::string_view{*word};
    std::vector<Param> table;
    for (const Param& param : common) {
        table.push_back(param);
        if (param_name(param) != choice->name) continue;
        const auto chosen = std::ranges::find(variants, value, &Variant::value);
        for (const Variant& variant : variants) {
            if (chosen != variants.end() && variant.value != value) continue;
            table.insert(table.end(), variant.params.begin(), variant.params.end());
        }
    }
    return table;
}

std::vector<Param> ParamTable::all() const {
    return of(choice ? nlohmann::json{{choice->name, ""}} : nlohmann::json::object());
}

template <typename T>
const T& ParamValues::get(std::string_view name) const {
    const auto found = values_.find(name);
    NETCOMPUTE_ASSERT(found != values_.end(), "a job type asks for the parameters of its table");
    const T* const value = std::get_if<T>(&found->second);
    NETCOMPUTE_ASSERT(value != nullptr, "a parameter has the kind that its table says");
    return *value;
}

std::uint64_t ParamValues::operator[](const WholeNumber& param) const {
    return get<std::uint64_t>(param.name);
}

double ParamValues::operator[](const Number& param) const {
    return get<double>(param.name);
}

const std::string& ParamValues::operator[](const Text& param) const {
    static const std::string left_out;
    if (!param.if_left_out.empty() && !has(param)) return left_out;
    return get<std::string>(param.name);
}

const std::string& ParamValues::operator[](const Choice& param) const {
    return get<std::string>(param.name);
}

const nlohmann::json& ParamValues::operator[](const Structured& param) const {
    static const nlohmann::json left_out;
    return has(param) ? get<Json>(param.name).value : left_out;
}

const data::InputFile& ParamValues::operator[](const InputFile& param) const {
    return get<data::InputFile>(param.name);
}

const data::DataPath& ParamValues::operator[](const OutputFile& param) const {
    return get<data::DataPath>(param.name);
}

bool ParamValues::has(const Param& param) const {
    return values_.contains(param_name(param));
}

void ParamValues::put(std::string_view name, Value value) {
    values_.insert_or_assign(name, std::move(value));
}

Result<ParamValues> read_params(std::span<const Param> table, const nlohmann::json& params,
                                const CheckTogether& check_together, ParamFiles& files) {
    if (!params.is_object()) {
        return unexpected(ErrorCode::InvalidArgument,
                          "params: " + shown(params) + " is not an object");
    }
    // First: a name that is spelled wrong is missing under its right one.
    if (auto known = refuse_unknown(table, params); !known) return unexpected(known.error());
    ParamValues values;
    for (const Param& param : table) {
        if (auto one = read_one(param, params, values); !one) return unexpected(one.error());
    }
    if (check_together) {
        if (auto fits = check_together(values); !fits) return unexpected(fits.error());
    }
    if (auto opened = open_files(table, values, files); !opened) return unexpected(opened.error());
    return values;
}

nlohmann::json values_document(std::span<const Param> table, const ParamValues& values) {
    nlohmann::json document = nlohmann::json::object();
    for (const Param& param : table) {
        if (!values.has(param)) continue;
        std::visit(
            [&](const auto& kind) {
                if constexpr (requires { nlohmann::json(values[kind]); }) {
                    document[std::string{kind.name}] = values[kind];
                }
            },
            param);
    }
    return document;
}

nlohmann::json params_document(const ParamTable& table) {
    nlohmann::json document = nlohmann::json::array();
    for (const Param& param : table.common) {
        document.push_back(param_document(param));
        if (!table.choice || param_name(param) != table.choice->name) continue;
        for (const Variant& variant : table.variants) {
            for (const Param& own : variant.params) {
                document.push_back(param_document(own));
                document.back()["only_with"] = {{"param", table.choice->name},
                                                {"value", variant.value}};
            }
        }
    }
    return document;
}

nlohmann::json param_document(const Param& param) {
    return std::visit(
        [](const auto& kind) {
            nlohmann::json document = {
                {"name", kind.name}, {"description", kind.what}, {"required", is_required(kind)}};
            describe(kind, document);
            if (auto value = default_of(kind); !value.is_null()) {
                document["default"] = std::move(value);
            } else if constexpr (requires { kind.schema; }) {
                document["example"] = nlohmann::json::parse(kind.example, nullptr, false);
            } else if constexpr (requires { kind.example; }) {
                document["example"] = kind.example;
            }
            if constexpr (requires { kind.if_left_out; }) {
                if (!kind.if_left_out.empty()) document["if_left_out"] = kind.if_left_out;
            }
            if constexpr (requires { kind.unit; }) {
                if (!kind.unit.empty()) document["unit"] = kind.unit;
            }
            return document;
        },
        param);
}

}  // namespace netcompute::params
