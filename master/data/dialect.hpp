#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netcompute::data {

/// How the fields of a table are told apart.
struct Dialect {
    enum class Lacks { Nothing, First, Last };

    char separator = ',';          ///< ' ': any run of blanks and tabs.
    char quote = '"';              ///< '\0': none.
    char comment = '\0';           ///< Lines that begin with it are passed over; '\0': none.
    char decimal = '.';            ///< Before the fraction of a number.
    std::uint64_t skip_lines = 0;  ///< Before the header.
    /// The header may have no name for the first column (R's row names) or for a last one, which is
    /// empty where each row ends with a separator.
    Lacks header_lacks = Lacks::Nothing;
    friend bool operator==(const Dialect&, const Dialect&) = default;
};

/// What is known of a dialect beforehand; the rest is found.
struct GivenDialect {
    std::optional<char> separator = {};
    std::optional<char> quote = {};
    std::optional<char> comment = {};
    std::optional<char> decimal = {};
    /// For a table that shows none, such as one of whole numbers.
    std::optional<char> usual_decimal = {};
    std::optional<std::uint64_t> skip_lines = {};
    friend bool operator==(const GivenDialect&, const GivenDialect&) = default;
};

/// Finds a table's dialect from its first bytes, which are UTF-8. `is_whole`: there are no others.
///
/// The separator is the one of comma, semicolon, tab and bar that cuts all lines into the same
/// number of fields, two at least, and into the most; then runs of blanks. Where none does, it is
/// the one that most lines agree on, so that the reader names the others. The decimal mark is the
/// comma where numbers such as 12,5 or 1.234,5 show it, and where in a table of semicolons numbers
/// have commas and none has a point.
[[nodiscard]] Dialect detect_dialect(std::string_view sample, bool is_whole,
                                     const GivenDialect& given = {});

/// For messages: "commas", "semicolons".
[[nodiscard]] std::string separator_name(char separator);

/// What a column without a name is called, as pandas does: "Unnamed: 3". Counted from 0.
[[nodiscard]] std::string nameless_column(std::size_t index);
[[nodiscard]] bool is_nameless(std::string_view column);

}  // namespace netcompute::data
