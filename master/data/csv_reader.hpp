#pragma once

#include "data/csv_source.hpp"
#include "data/dialect.hpp"
#include <netcompute/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::data {

struct CsvLimits {
    std::size_t row_bytes_max = std::size_t{16} << 20;
    std::size_t column_count_max = 16'384;           ///< As many as a spreadsheet has.
    std::size_t chunk_bytes = std::size_t{1} << 18;  ///< Read at a time; a longer row grows it.
};

/// What a reader passed over, for a note: lines count from 1; 0 where there was none.
struct PassedOver {
    std::uint64_t first_blank_line = 0;  ///< A blank line that rows follow.
    std::uint64_t first_empty_row = 0;   ///< The line of a row whose fields are all empty.
    std::uint64_t empty_rows = 0;
};

/// Reads a table row by row, in memory bounded by its longest row: UTF-8 after RFC 4180, with the
/// marks that a Dialect gives, lines ended by LF or CRLF, the first line naming the columns. A byte
/// order mark, blank lines, comments and rows of empty fields are passed over. It is strict where
/// guessing would shift values into other columns: each error names file, line, row, column and
/// what to do.
class CsvReader {
 public:
    /// Reads the header. `name` is what messages call the table, usually its path.
    /// A column without a name is called as pandas calls it: "Unnamed: 0", counted from 0.
    /// Errors: InvalidArgument for an empty source and a name given twice; those of the source;
    /// those of next().
    [[nodiscard]] static Result<CsvReader> open(std::unique_ptr<CsvSource> source, std::string name,
                                                const CsvLimits& limits = {},
                                                const Dialect& dialect = {});

    /// Moves to the next row; false at the end.
    /// Errors: InvalidArgument for a row with another number of fields than the header, bytes that
    /// are not UTF-8, a NUL, a quote that never closes or stands inside a field, text after a
    /// closing quote, a line ended by CR alone, and a header that no row follows; LimitExceeded
    /// for a row that is too long. No row can be read after an error.
    [[nodiscard]] Result<bool> next();

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::vector<std::string>& header() const { return header_; }
    /// The row's fields, as many as header(), unquoted. They live until the next call of next().
    [[nodiscard]] std::span<const std::string_view> fields() const { return fields_; }
    /// Whether a field of the row was written between quotes.
    [[nodiscard]] bool is_quoted(std::size_t field) const {
        const char* const begin = fields_[field].data();
        return row_is_quoted_ && begin != buffer_.data() && begin[-1] == dialect_.quote;
    }
    /// As far as the table has been read.
    [[nodiscard]] const PassedOver& passed_over() const { return passed_over_; }
    /// The row's number among the data rows, from 1.
    [[nodiscard]] std::uint64_t row() const { return row_; }
    /// The number of the line in which the row begins, from 1; the header is line 1.
    [[nodiscard]] std::uint64_t line() const { return line_; }

 private:
    enum class Scan { Row, NeedsMore, Failed };

    CsvReader(std::unique_ptr<CsvSource> source, std::string name, const CsvLimits& limits,
              const Dialect& dialect);

    [[nodiscard]] Result<void> read_header();
    [[nodiscard]] Result<void> skip_lines();
    void name_the_nameless(std::vector<std::string>& names) const;
    [[nodiscard]] bool is_passed_over();
    [[nodiscard]] Result<void> check_names(std::span<const std::string> names) const;
    [[nodiscard]] Result<bool> read_row();
    [[nodiscard]] Result<void> refill();
    [[nodiscard]] Scan scan_row();
    [[nodiscard]] Scan scan_comment();
    [[nodiscard]] Scan scan_quoted(std::size_t& at);
    [[nodiscard]] Scan scan_plain(std::size_t& at);
    [[nodiscard]] Result<void> check_bytes() const;
    [[nodiscard]] Result<void> check_field_count() const;
    void unescape_fields();
    void keep_field(std::size_t begin, std::size_t end);
    [[nodiscard]] Scan fail_at(std::size_t offset, std::string what);
    [[nodiscard]] Error error_at(std::size_t offset, const std::string& what) const;
    [[nodiscard]] std::string place() const;

    std::unique_ptr<CsvSource> source_;
    std::string name_;
    CsvLimits limits_;
    Dialect dialect_;
    std::uint64_t separator_pattern_ = 0;  ///< The separator in each byte; likewise the quote.
    std::uint64_t quote_pattern_ = 0;
    PassedOver passed_over_;
    std::uint64_t blank_line_ = 0;  ///< Whether rows follow it is not known yet.
    std::vector<std::string> header_;

    std::vector<char> buffer_;  ///< Longer than capacity_: the scanner reads a little past it.
    std::size_t capacity_ = 0;
    std::size_t filled_ = 0;     ///< Bytes of the buffer that came from the source.
    std::size_t row_begin_ = 0;  ///< The current row is [row_begin_, row_end_) of the buffer,
    std::size_t row_end_ = 0;    ///< its line end included.
    bool source_ended_ = false;

    std::vector<std::string_view> fields_;
    std::vector<std::size_t> escaped_fields_;  ///< Those that hold doubled quotes.
    std::size_t field_count_ = 0;              ///< Also counts fields too many to keep.
    std::size_t kept_fields_max_ = 0;
    bool row_is_quoted_ = false;  ///< A quoted field may hold line ends.
    Error scan_error_;

    std::uint64_t row_ = 0;
    std::uint64_t line_ = 1;
    std::uint64_t next_line_ = 1;
};

}  // namespace netcompute::data
