#include "params/reading_params.hpp"

#include <netcompute/printable.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace netcompute::params {
namespace {

using data::ReadingOptions;
using nlohmann::json;

constexpr std::size_t shown_max = 100;
constexpr std::size_t words_max = 1000;
constexpr std::uint64_t skip_lines_max = 1'000'000;

std::string shown_json(const json& value) {
    return printable(value.dump(-1, ' ', false, json::error_handler_t::replace), shown_max);
}

Unexpected refused_key(const std::string& key, const json& value, const std::string& wanted) {
    return unexpected(ErrorCode::InvalidArgument, key + ": " + shown_json(value) + " " + wanted);
}

/// One character; `may_be_none` also takes an empty text, as '\0'.
Result<char> read_character(const std::string& key, const json& value, bool may_be_none) {
    const auto* const text = value.get_ptr<const std::string*>();
    const bool is_ascii = text != nullptr && text->size() == 1 && text->front() > 0 &&
                          text->front() != '\n' && text->front() != '\r';
    if (is_ascii) return text->front();
    if (may_be_none && text != nullptr && text->empty()) return '\0';
    return refused_key(
        key, value,
        may_be_none ? "is not one ASCII character, or none (\"\")" : "is not one ASCII character");
}

Result<void> read_decimal(const json& value, ReadingOptions& options) {
    if (value != "." && value != ",") return refused_key("decimal", value, "is neither . nor ,");
    options.dialect.decimal = value.get<std::string>().front();
    return {};
}

/// Marks of thousands are found; the one that is given tells the decimal mark apart.
Result<void> read_thousands(const json& value, ReadingOptions& options) {
    constexpr std::array<const char*, 5> marks{",", ".", " ", "'", ""};
    if (std::ranges::none_of(marks, [&](const char* mark) { return value == mark; })) {
        return refused_key("thousands", value, "is not one of \",\", \".\", \" \", \"'\" and \"\"");
    }
    if (!options.dialect.decimal && value == ",") options.dialect.decimal = '.';
    if (!options.dialect.decimal && value == ".") options.dialect.decimal = ',';
    const auto decimal = options.dialect.decimal;
    if (decimal && value == std::string(1, *decimal)) {
        return refused_key("thousands", value, "is the decimal mark as well");
    }
    return {};
}

Result<void> read_one_key(const std::string& key, const json& value, ReadingOptions& options) {
    const auto character = [&](std::optional<char>& target, bool may_be_none) -> Result<void> {
        const auto read = read_character(key, value, may_be_none);
        if (!read) return unexpected(read.error());
        target = *read;
        return {};
    };
    if (key == "separator") return character(options.dialect.separator, false);
    if (key == "quote") return character(options.dialect.quote, true);
    if (key == "comment") return character(options.dialect.comment, true);
    if (key == "decimal") return read_decimal(value, options);
    if (key == "usual_decimal") {  // Of models: see GivenDialect.
        if (auto given = character(options.dialect.usual_decimal, false); !given) return given;
        return {};
    }
    if (key == "thousands") return read_thousands(value, options);
    if (key == "encoding") {
        const auto* const name = value.get_ptr<const std::string*>();
        options.encoding = name == nullptr ? std::nullopt : data::find_encoding(*name);
        if (options.encoding) return {};
        return refused_key(key, value, "is not one of utf-8, utf-16le, utf-16be, windows-1252");
    }
    if (key == "skip_lines") {
        if (!value.is_number_unsigned() || value.get<std::uint64_t>() > skip_lines_max) {
            return refused_key(key, value, "is not a whole number from 0 to 1000000");
        }
        options.dialect.skip_lines = value.get<std::uint64_t>();
        return {};
    }
    return unexpected(ErrorCode::InvalidArgument,
                      printable(key, shown_max) +
                          ": is not known; there are separator, decimal, thousands, quote, "
                          "comment, encoding and skip_lines");
}

Result<void> read_reading(const json& value, ReadingOptions& options) {
    if (!value.is_object()) return refused_key("reading", value, "is not an object");
    for (const auto& [key, each] : value.items()) {
        if (auto one = read_one_key(key, each, options); !one) {
            return unexpected(one.error().code, "reading." + one.error().message);
        }
    }
    return {};
}

Result<void> read_columns(const json& value, ReadingOptions& options) {
    if (!value.is_object()) {
        return refused_key("columns", value, "is not an object of names and kinds");
    }
    for (const auto& [name, each] : value.items()) {
        const auto* const word = each.get_ptr<const std::string*>();
        const auto kind = word == nullptr ? std::nullopt : data::find_column_kind(*word);
        if (!kind) {
            std::string words;
            for (const auto known : data::column_kind_names) {
                words += (words.empty() ? "" : ", ") + std::string{known};
            }
            return refused_key("columns." + printable(name, shown_max), each,
                               "is not one of " + words);
        }
        options.columns[name] = *kind;
    }
    return {};
}

Result<void> read_missing(const json& value, ReadingOptions& options) {
    const auto is_word = [](const json& each) { return each.is_string(); };
    if (!value.is_array() || value.size() > words_max || !std::ranges::all_of(value, is_word)) {
        return refused_key("missing", value, "is not a list of at most 1000 texts");
    }
    options.missing = value.get<std::vector<std::string>>();
    return {};
}

using ReadKey = Result<void> (*)(const json& value, ReadingOptions& options);

template <ReadKey read>
Result<void> check(const json& value) {
    ReadingOptions options;
    return read(value, options);
}

}  // namespace

const Structured reading_param{
    .name = "reading",
    .what = "How the table is written, where it does not tell by itself",
    .schema = R"({"type": "object", "additionalProperties": false, "properties": {
        "separator": {"type": "string", "description": "A blank: any run of blanks"},
        "decimal": {"type": "string", "enum": [".", ","]},
        "thousands": {"type": "string", "enum": [",", ".", " ", "'", ""]},
        "quote": {"type": "string", "description": "Empty: none"},
        "comment": {"type": "string", "description": "Lines that begin with it are passed over"},
        "encoding": {"type": "string", "enum": ["utf-8", "utf-16le", "utf-16be", "windows-1252"]},
        "skip_lines": {"type": "integer", "minimum": 0, "description": "Before the header"}}})",
    .check = check<read_reading>,
    .example = R"({"separator": ";", "decimal": ","})",
    .if_left_out = "found"};

const Structured columns_param{
    .name = "columns",
    .what = "What columns are, where their fields do not tell",
    .schema = R"({"type": "object", "additionalProperties": {"type": "string", "enum": [
        "number", "category", "text", "date", "date_day_first", "date_month_first", "boolean", "id",
        "ignore"]}})",
    .check = check<read_columns>,
    .example = R"({"zip": "category"})",
    .if_left_out = "found"};

const Structured missing_param{.name = "missing",
                               .what = "The words for missing values, besides empty fields",
                               .schema = R"({"type": "array", "items": {"type": "string"}})",
                               .check = check<read_missing>,
                               .example = R"(["NA", "?"])",
                               .if_left_out = "those of pandas 2"};

Result<ReadingOptions> read_reading_json(const json& object) {
    ReadingOptions options;
    const auto read = [&](const char* key, ReadKey reader) -> Result<void> {
        const auto found = object.find(key);
        return found == object.end() ? Result<void>{} : reader(*found, options);
    };
    if (!object.is_object()) return options;
    options.finds_id = object.value("id_is_found", json(false)) == json(true);
    if (auto done = read("reading", read_reading); !done) return unexpected(done.error());
    if (auto done = read("columns", read_columns); !done) return unexpected(done.error());
    if (auto done = read("missing", read_missing); !done) return unexpected(done.error());
    return options;
}

nlohmann::ordered_json reading_json(const ReadingOptions& options) {
    nlohmann::ordered_json reading = nlohmann::ordered_json::object();
    const auto add = [&](const char* key, const std::optional<char>& value) {
        if (value) reading[key] = *value == '\0' ? std::string{} : std::string(1, *value);
    };
    add("separator", options.dialect.separator);
    add("decimal", options.dialect.decimal);
    add("usual_decimal", options.dialect.usual_decimal);
    add("quote", options.dialect.quote);
    add("comment", options.dialect.comment);
    if (options.encoding) reading["encoding"] = data::encoding_name(*options.encoding);
    if (options.dialect.skip_lines) reading["skip_lines"] = *options.dialect.skip_lines;
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    if (options.finds_id) object["id_is_found"] = true;
    if (!reading.empty()) object["reading"] = std::move(reading);
    for (const auto& [name, kind] : options.columns) {
        object["columns"][name] = data::column_kind_name(kind);
    }
    if (options.missing) object["missing"] = *options.missing;
    return object;
}

ReadingOptions merged(const ReadingOptions& under, const ReadingOptions& over) {
    ReadingOptions both = over;
    both.finds_id = over.finds_id || under.finds_id;
    const auto fill = [](auto& target, const auto& other) {
        if (!target) target = other;
    };
    fill(both.dialect.separator, under.dialect.separator);
    fill(both.dialect.quote, under.dialect.quote);
    fill(both.dialect.comment, under.dialect.comment);
    fill(both.dialect.decimal, under.dialect.decimal);
    fill(both.dialect.usual_decimal, under.dialect.usual_decimal);
    fill(both.dialect.skip_lines, under.dialect.skip_lines);
    fill(both.encoding, under.encoding);
    fill(both.missing, under.missing);
    for (const auto& [name, kind] : under.columns) both.columns.emplace(name, kind);
    return both;
}

}  // namespace netcompute::params
