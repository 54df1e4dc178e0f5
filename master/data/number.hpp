#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netcompute::data {

/// What a field of a table holds, read as a number.
enum class NumberKind {
    Finite,      ///< A number; -0 is read as 0.
    NotFinite,   ///< nan, inf, or a number too large for a double, such as 1e999.
    NotANumber,  ///< Anything else.
};

struct ParsedNumber {
    NumberKind kind = NumberKind::NotANumber;
    double value = 0;  ///< The nearest double; 0 unless Finite.
};

/// Reads decimal notation with an optional sign and exponent; blanks around it do not count. The
/// same in every locale. A number too small for a double is 0.
[[nodiscard]] ParsedNumber parse_number(std::string_view text);

/// How a number is written.
enum class NumberLook {
    Plain,    ///< As programs write it.
    Marked,   ///< For people: 64,659 or 1 234 or $5, with a no-break space, …
    Percent,  ///< 45%, which is 0.45.
};

struct ReadNumber {
    NumberKind kind = NumberKind::NotANumber;
    double value = 0;  ///< As of ParsedNumber.
    NumberLook look = NumberLook::Plain;
};

/// Reads a number that may be written for people: a decimal mark of '.' or ',', groups of three
/// digits parted by the other one of those, by blanks (also no-break ones) or apostrophes, a
/// currency's sign before or behind, a percent sign behind, a minus sign of U+2212. What
/// parse_number() reads is Plain, where the decimal mark is '.'.
[[nodiscard]] ReadNumber read_number(std::string_view text, char decimal = '.');

/// The shortest text that reads as this number.
[[nodiscard]] std::string number_text(double value);

[[nodiscard]] constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/// Without the blanks at both ends; no-break spaces (U+00A0, U+202F) are blanks here.
[[nodiscard]] std::string_view trim_blanks(std::string_view text);

/// The words that stand for a missing value: those that pandas 2 takes for it, or others. An empty
/// or blank field is always missing.
class MissingWords {
 public:
    MissingWords() = default;
    explicit MissingWords(std::vector<std::string> words) : words_{std::move(words)} {}

    [[nodiscard]] bool contains(std::string_view text) const;

 private:
    std::optional<std::vector<std::string>> words_;
};

/// The usual words, for documents.
[[nodiscard]] std::vector<std::string> usual_missing_words();

/// Whether a field stands for a missing value by the usual words.
[[nodiscard]] bool is_missing(std::string_view text);

}  // namespace netcompute::data
