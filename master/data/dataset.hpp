#pragma once

#include "data/field_place.hpp"
#include "data/reading_options.hpp"
#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

namespace netcompute::data {

/// Where a column of numbers has none. No table holds it as a value: what is not finite counts as
/// missing, and is told of.
inline constexpr double missing_number = std::numeric_limits<double>::quiet_NaN();

/// A column of at most this many distinct texts keeps a byte a row.
inline constexpr std::size_t coded_texts_max = 250;
inline constexpr std::uint8_t code_missing = 255;

/// One field of a column.
struct FieldAt {
    std::string text;
    std::uint64_t row = 0;  ///< From 0.
    friend bool operator==(const FieldAt&, const FieldAt&) = default;
};

/// Fields of a column that people should know of.
struct FieldsAt {
    std::uint64_t count = 0;
    std::vector<FieldAt> first;  ///< The first few of them.
};

/// A column of few distinct fields; they may all be numbers.
struct CodedTexts {
    std::vector<FieldAt> texts;           ///< Distinct, each where it came first, in that order.
    std::vector<double> numbers;          ///< Of each; missing_number where it is none.
    std::span<const std::uint8_t> codes;  ///< A row each: an index of `texts`, or code_missing.
};

/// A column of many distinct fields that are numbers, or days since 1970 for dates.
struct Numbers {
    std::span<const double> values;  ///< A row each; missing_number where there is none.
    std::vector<FieldAt> examples;   ///< The first few distinct fields.
};

/// A column of many distinct texts, or the one that names the rows: as they are written, but for
/// missing ones of the former, which are empty.
struct Texts {
    std::span<const std::uint64_t> ends;  ///< A row each: where its text ends in `characters`.
    std::string_view characters;
    std::vector<FieldAt> examples;             ///< The first few distinct fields, blank ones apart.
    std::optional<std::uint64_t> first_empty;  ///< The row of the first text of no letter.

    [[nodiscard]] std::size_t size() const { return ends.size(); }
    [[nodiscard]] std::string_view operator[](std::size_t row) const {
        const std::uint64_t begin = row == 0 ? 0 : ends[row - 1];
        return characters.substr(begin, ends[row] - begin);
    }
};

struct Column {
    std::string name;
    ColumnKind kind = ColumnKind::Category;
    std::uint64_t missing_count = 0;       ///< Of fields that stand for nothing: see MissingWords.
    std::optional<FieldAt> first_missing;  ///< As it was written: "NA".
    std::optional<FieldAt> first_trimmed;  ///< The first with blanks around it, without them.
    std::optional<FieldAt> not_finite;     ///< The first number that is too large, or infinite.
    FieldsAt marked = {};                  ///< Numbers that are written for people: "64,659".
    /// Of numbers or dates those that are neither, and so count as missing; of categories, where
    /// there are numbers, those that are none.
    FieldsAt odd = {};
    std::optional<FieldAt> first_inexact;  ///< The first whole number that a double rounds.
    std::optional<FieldAt> first_unclear;  ///< The first date of a column of 3/4/2024s alone.
    std::variant<CodedTexts, Numbers, Texts> values;
};

/// How a table was read.
struct ReadingFound {
    char separator = ',';
    char decimal = '.';
    std::string encoding = "utf-8";
    std::string compression;         ///< Empty: none.
    std::vector<std::string> notes;  ///< For people: what is not plain in it.
};

/// A table that was read once: typed columns, in the order of the file. Immutable; its values lie
/// in a mapped file or in memory, which live as long as it does.
class Dataset {
 public:
    /// `bytes` are those of a dataset's file, at an 8-byte boundary; `owner` keeps them.
    /// Errors: InvalidArgument for bytes of another kind or length.
    [[nodiscard]] static Result<std::shared_ptr<const Dataset>> open(
        ByteSpan bytes, std::shared_ptr<const void> owner);

    [[nodiscard]] std::uint64_t row_count() const { return row_count_; }
    [[nodiscard]] std::span<const Column> columns() const { return columns_; }
    [[nodiscard]] const ReadingFound& reading() const { return reading_; }
    /// The column that names the rows, or nullptr.
    [[nodiscard]] const Column* id() const;
    /// The column of that name, or nullptr.
    [[nodiscard]] const Column* find(std::string_view name) const;
    /// How people find a row, which counts from 0 here.
    [[nodiscard]] RowPlace place(std::uint64_t row) const;
    /// Of its file.
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
    Dataset() = default;

    std::shared_ptr<const void> owner_;
    std::uint64_t row_count_ = 0;
    std::uint64_t bytes_ = 0;
    ReadingFound reading_;
    std::vector<Column> columns_;
    std::unordered_map<std::string_view, const Column*> by_name_;
    /// Rows whose lines are not those after the row before, ascending, and how many lines were
    /// passed over up to there: pairs.
    std::span<const std::uint64_t> jumps_;
};

/// A dataset, and what messages call the table that it was read from.
struct Table {
    std::string name;
    std::shared_ptr<const Dataset> dataset;

    /// `train.csv: line 5 (row 4), column "Age"`.
    [[nodiscard]] std::string place(std::uint64_t row, std::string_view column) const {
        return describe_place(name, dataset->place(row), column);
    }
};

/// The field of a row, as it was written but for numbers of a column of many, which are written
/// anew, and for missing ones but the first, which are empty.
[[nodiscard]] std::string field_text(const Column& column, std::uint64_t row);

/// Whether the field of a row stands for nothing. Of a column that names the rows: is empty.
[[nodiscard]] bool is_missing_at(const Column& column, std::uint64_t row);

/// In the order of the columns.
[[nodiscard]] std::vector<std::string> column_names(const Dataset& dataset);

/// The column that must be there; `role` says what for: "the id".
/// Errors: NotFound, naming the columns that are there.
[[nodiscard]] Result<const Column*> require_column(const Table& table, std::string_view column,
                                                   std::string_view role);
/// The same before a table is read, by its header.
[[nodiscard]] Result<void> require_name(std::string_view table, std::span<const std::string> header,
                                        std::string_view column, std::string_view role);

}  // namespace netcompute::data
