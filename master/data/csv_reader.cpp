#include "data/csv_reader.hpp"

#include "data/field_place.hpp"
#include "data/number.hpp"
#include "data/utf8.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace netcompute::data {
namespace {

constexpr std::uint64_t ones = 0x0101010101010101U;

/// The same byte eight times.
constexpr std::uint64_t pattern_of(char byte) {
    return ones * static_cast<unsigned char>(byte);
}

/// The highest bit of each byte of `word` that equals that of `pattern`; above the first such byte
/// there may be others. Source: Mycroft's null-byte detection.
constexpr std::uint64_t mark_bytes(std::uint64_t word, std::uint64_t pattern) {
    const std::uint64_t differences = word ^ pattern;
    return (differences - ones) & ~differences & (ones << 7U);
}

std::uint64_t mark_stops(const char* at, std::uint64_t separators, std::uint64_t quotes) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return mark_bytes(word, separators) | mark_bytes(word, pattern_of('\n')) |
           mark_bytes(word, pattern_of('\r')) | mark_bytes(word, quotes);
}

/// What the buffer has beyond its bytes: the scanner's stop, and what it reads past that.
constexpr std::size_t stop_padding = 2 * sizeof(std::uint64_t);

/// How many bytes there are before the first that may end a plain field. There must be one, with
/// stop_padding readable bytes from it on. Two words at a time, chosen between without a branch:
/// most fields end within them, and no processor foresees in which.
std::size_t plain_field_size(const char* begin, std::uint64_t separators, std::uint64_t quotes) {
    constexpr std::size_t word_size = sizeof(std::uint64_t);
    for (const char* at = begin;; at += 2 * word_size) {
        const std::uint64_t first = mark_stops(at, separators, quotes);
        const std::uint64_t second = mark_stops(at + word_size, separators, quotes);
        if ((first | second) == 0) continue;
        const std::uint64_t stops = first != 0 ? first : second;
        const std::size_t skipped = first != 0 ? 0 : word_size;
        return static_cast<std::size_t>(at - begin) + skipped +
               static_cast<std::size_t>(std::countr_zero(stops)) / 8;
    }
}

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

}  // namespace

CsvReader::CsvReader(std::unique_ptr<CsvSource> source, std::string name, const CsvLimits& limits,
                     const Dialect& dialect)
    : source_{std::move(source)},
      name_{std::move(name)},
      limits_{limits},
      dialect_{dialect},
      separator_pattern_{pattern_of(dialect.separator)},
      // Without quotes the scanner stops for line ends only.
      quote_pattern_{pattern_of(dialect.quote == '\0' ? '\n' : dialect.quote)} {
    capacity_ = std::max<std::size_t>(limits_.chunk_bytes, 1);
    buffer_.resize(capacity_ + stop_padding);
    kept_fields_max_ = limits_.column_count_max;
}

Result<CsvReader> CsvReader::open(std::unique_ptr<CsvSource> source, std::string name,
                                  const CsvLimits& limits, const Dialect& dialect) {
    CsvReader reader{std::move(source), std::move(name), limits, dialect};
    if (const auto read = reader.read_header(); !read) return unexpected(read.error());
    return reader;
}

Result<void> CsvReader::read_header() {
    while (filled_ < byte_order_mark.size() && !source_ended_) {
        if (const auto read = refill(); !read) return unexpected(read.error());
    }
    const std::string_view start{buffer_.data(), filled_};
    if (start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF")) {
        return unexpected(ErrorCode::InvalidArgument,
                          name_ + ": is UTF-16; save it as CSV in UTF-8");
    }
    if (start.starts_with(byte_order_mark)) row_end_ = byte_order_mark.size();
    if (auto skipped = skip_lines(); !skipped) return skipped;

    const auto read = read_row();
    if (!read) return unexpected(read.error());
    if (!*read) {
        return unexpected(ErrorCode::InvalidArgument,
                          name_ + ": is empty; its first line must name the columns");
    }
    if (field_count_ > limits_.column_count_max) {
        return unexpected(ErrorCode::LimitExceeded,
                          name_ + ": has " + std::to_string(field_count_) +
                              " columns; a table may have " +
                              std::to_string(limits_.column_count_max) +
                              ": leave out those that nothing is learned from");
    }
    std::vector<std::string> names{fields_.begin(), fields_.end()};
    name_the_nameless(names);
    if (const auto good = check_names(names); !good) return unexpected(good.error());
    header_ = std::move(names);
    kept_fields_max_ = header_.size();
    return {};
}

/// Lines before the header, whatever they hold.
Result<void> CsvReader::skip_lines() {
    for (std::uint64_t left = dialect_.skip_lines; left > 0; --left) {
        row_begin_ = row_end_;
        for (;;) {
            const void* const end =
                std::memchr(buffer_.data() + row_begin_, '\n', filled_ - row_begin_);
            if (end != nullptr) {
                row_end_ =
                    static_cast<std::size_t>(static_cast<const char*>(end) - buffer_.data()) + 1;
                break;
            }
            if (source_ended_) {
                row_end_ = filled_;
                return {};
            }
            if (const auto read = refill(); !read) return read;
        }
        ++next_line_;
    }
    return {};
}

/// Columns without a name get one; so does one that the header does not have at all.
void CsvReader::name_the_nameless(std::vector<std::string>& names) const {
    if (dialect_.header_lacks == Dialect::Lacks::First) names.insert(names.begin(), "");
    if (dialect_.header_lacks == Dialect::Lacks::Last) names.emplace_back();
    for (std::size_t i = 0; i < names.size(); ++i) {
        names[i] = trim_blanks(names[i]);
        if (!names[i].empty()) continue;
        // A table that pandas wrote twice may have that name already.
        std::string name = nameless_column(i);
        while (std::ranges::find(names, name) != names.end()) name += ".1";
        names[i] = std::move(name);
    }
}

Result<void> CsvReader::check_names(std::span<const std::string> names) const {
    std::vector<std::string_view> sorted{names.begin(), names.end()};
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice == sorted.end()) return {};
    return unexpected(error_at(
        row_begin_, "two columns are named " + quote(*twice) + "; give each its own name"));
}

Result<bool> CsvReader::next() {
    Result<bool> read = read_row();
    if (!read) return read;
    if (!*read) {
        if (row_ > 0) return false;
        return unexpected(ErrorCode::InvalidArgument,
                          name_ + ": has a header but no rows; add the data below it");
    }
    if (const auto whole = check_field_count(); !whole) return unexpected(whole.error());
    ++row_;
    return true;
}

Result<bool> CsvReader::read_row() {
    for (;;) {
        line_ = next_line_;
        row_begin_ = row_end_;
        Scan scan = scan_row();
        while (scan == Scan::NeedsMore) {
            if (const auto read = refill(); !read) return unexpected(read.error());
            scan = scan_row();
        }
        if (scan == Scan::Failed) return unexpected(scan_error_);
        if (row_begin_ == row_end_) return false;
        if (row_end_ - row_begin_ > limits_.row_bytes_max) {
            return unexpected(ErrorCode::LimitExceeded, place() + ": the row is longer than " +
                                                            std::to_string(limits_.row_bytes_max) +
                                                            " bytes");
        }
        if (const auto good = check_bytes(); !good) return unexpected(good.error());
        next_line_ = line_ + 1;
        if (row_is_quoted_) {
            next_line_ = line_ + static_cast<std::uint64_t>(std::count(
                                     buffer_.data() + row_begin_, buffer_.data() + row_end_, '\n'));
        }
        if (!is_passed_over()) break;
    }
    if (blank_line_ != 0 && passed_over_.first_blank_line == 0) {
        passed_over_.first_blank_line = blank_line_;
    }
    unescape_fields();
    return true;
}

/// Blank lines, comments, and rows of nothing but separators, which spreadsheets write.
bool CsvReader::is_passed_over() {
    if (!fields_.empty() && !fields_.front().empty()) {
        return dialect_.comment != '\0' && buffer_[row_begin_] == dialect_.comment;
    }
    if (row_is_quoted_) return false;
    if (field_count_ == 1) {
        if (blank_line_ == 0) blank_line_ = line_;
        return true;
    }
    if (header_.empty() || field_count_ != header_.size()) return false;
    const auto is_empty = [](std::string_view field) { return field.empty(); };
    if (!std::ranges::all_of(fields_, is_empty)) return false;
    if (passed_over_.empty_rows++ == 0) passed_over_.first_empty_row = line_;
    return true;
}

Result<void> CsvReader::refill() {
    std::memmove(buffer_.data(), buffer_.data() + row_begin_, filled_ - row_begin_);
    filled_ -= row_begin_;
    row_end_ -= row_begin_;
    row_begin_ = 0;
    if (filled_ > limits_.row_bytes_max) {
        return unexpected(ErrorCode::LimitExceeded,
                          place() + ": the row is longer than " +
                              std::to_string(limits_.row_bytes_max) +
                              " bytes; perhaps a quote that opens in it never closes");
    }
    if (filled_ > capacity_ / 2) {
        capacity_ *= 2;
        buffer_.resize(capacity_ + stop_padding);
    }
    while (filled_ < capacity_ && !source_ended_) {
        const auto read = source_->read(std::span{buffer_}.subspan(filled_, capacity_ - filled_));
        if (!read) return unexpected(read.error());
        filled_ += *read;
        source_ended_ = *read == 0;
    }
    return {};
}

/// Finds the fields of the row that begins at row_begin_, and its end.
CsvReader::Scan CsvReader::scan_row() {
    fields_.clear();
    escaped_fields_.clear();
    field_count_ = 0;
    row_is_quoted_ = false;
    row_end_ = row_begin_;
    buffer_[filled_] = '\n';  // Stops the scanner; told from a line end by its place.
    std::size_t at = row_begin_;
    if (at == filled_) return source_ended_ ? Scan::Row : Scan::NeedsMore;
    if (dialect_.comment != '\0' && buffer_[at] == dialect_.comment) return scan_comment();

    for (;;) {
        const bool is_quoted = buffer_[at] == dialect_.quote && at < filled_;
        const Scan field = is_quoted ? scan_quoted(at) : scan_plain(at);
        if (field != Scan::Row) return field;
        if (at == filled_) {
            if (!source_ended_) return Scan::NeedsMore;
            row_end_ = at;
            return Scan::Row;
        }
        const char stop = buffer_[at];
        if (stop == dialect_.separator) {
            ++at;
            continue;
        }
        if (stop == '\r') {
            ++at;
            if (at == filled_ && !source_ended_) return Scan::NeedsMore;
            if (at == filled_ || buffer_[at] != '\n') {
                return fail_at(at - 1,
                               "a carriage return (CR) without a line feed (LF); save the "
                               "file with lines ended by LF or CRLF");
            }
        }
        row_end_ = at + 1;
        return Scan::Row;
    }
}

/// A line that is one field, whatever it holds.
CsvReader::Scan CsvReader::scan_comment() {
    const void* const end = std::memchr(buffer_.data() + row_begin_, '\n', filled_ - row_begin_);
    if (end == nullptr && !source_ended_) return Scan::NeedsMore;
    row_end_ = end == nullptr
                   ? filled_
                   : static_cast<std::size_t>(static_cast<const char*>(end) - buffer_.data()) + 1;
    keep_field(row_begin_, row_end_);
    return Scan::Row;
}

/// `at` goes from the first byte of a plain field to the byte that ends it.
CsvReader::Scan CsvReader::scan_plain(std::size_t& at) {
    const std::size_t begin = at;
    at += plain_field_size(buffer_.data() + begin, separator_pattern_, quote_pattern_);
    if (buffer_[at] == dialect_.quote && at < filled_) {
        if (trim_blanks({buffer_.data() + begin, at - begin}).empty()) return scan_quoted(at);
        return fail_at(at,
                       "a quote inside a field that does not begin with one; quote the whole "
                       "field and write each quote in it twice");
    }
    keep_field(begin, at);
    return Scan::Row;
}

/// `at` goes from the opening quote to the byte after the closing one.
CsvReader::Scan CsvReader::scan_quoted(std::size_t& at) {
    const std::size_t opening = at;
    row_is_quoted_ = true;
    bool is_escaped = false;
    for (++at;;) {
        const void* const found = std::memchr(buffer_.data() + at, dialect_.quote, filled_ - at);
        if (found == nullptr) {
            if (!source_ended_) return Scan::NeedsMore;
            return fail_at(opening, "the quote that opens here never closes");
        }
        at = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()) + 1;
        if (at == filled_) {
            if (!source_ended_) return Scan::NeedsMore;
            break;
        }
        if (buffer_[at] != dialect_.quote) break;
        is_escaped = true;
        ++at;
    }
    const std::size_t closing = at - 1;
    while (at < filled_ && buffer_[at] != dialect_.separator && is_blank(buffer_[at])) ++at;
    if (at == filled_ && !source_ended_) return Scan::NeedsMore;
    const char after = buffer_[at];
    if (after != dialect_.separator && after != '\n' && after != '\r') {
        return fail_at(at, "text after a closing quote; write a quote inside a field twice");
    }
    if (is_escaped) escaped_fields_.push_back(field_count_);
    keep_field(opening + 1, closing);
    return Scan::Row;
}

/// Fields past the last column are counted for the message, not kept.
void CsvReader::keep_field(std::size_t begin, std::size_t end) {
    if (field_count_ < kept_fields_max_) fields_.emplace_back(buffer_.data() + begin, end - begin);
    ++field_count_;
}

/// Doubled quotes become single ones, in place: no field grows.
void CsvReader::unescape_fields() {
    for (const std::size_t index : escaped_fields_) {
        if (index >= fields_.size()) continue;
        char* const begin = buffer_.data() + (fields_[index].data() - buffer_.data());
        char* out = begin;
        for (const char* in = begin; in < begin + fields_[index].size(); ++in) {
            *out++ = *in;
            if (*in == dialect_.quote) ++in;
        }
        fields_[index] = {begin, static_cast<std::size_t>(out - begin)};
    }
}

Result<void> CsvReader::check_bytes() const {
    const std::string_view row{buffer_.data() + row_begin_, row_end_ - row_begin_};
    if (const auto nul = row.find('\0'); nul != std::string_view::npos) {
        return unexpected(error_at(
            row_begin_ + nul, "a NUL byte; is this a CSV file? Save the table as CSV in UTF-8"));
    }
    if (const auto invalid = find_invalid_utf8(row); invalid != std::string_view::npos) {
        return unexpected(
            error_at(row_begin_ + invalid,
                     "bytes that are not UTF-8; save the file as UTF-8, or say what it is: "
                     "reading: {\"encoding\": \"windows-1252\"}"));
    }
    return {};
}

Result<void> CsvReader::check_field_count() const {
    if (field_count_ == header_.size()) return {};
    return unexpected(ErrorCode::InvalidArgument,
                      place() + ": has " + counted(field_count_, "field") +
                          ", but the header names " + counted(header_.size(), "column") +
                          "; quote fields that hold commas");
}

CsvReader::Scan CsvReader::fail_at(std::size_t offset, std::string what) {
    scan_error_ = error_at(offset, what);
    return Scan::Failed;
}

/// Offsets are within the buffer; the message counts lines and bytes from 1, as editors do.
Error CsvReader::error_at(std::size_t offset, const std::string& what) const {
    const std::string_view before{buffer_.data() + row_begin_, offset - row_begin_};
    const auto breaks = static_cast<std::uint64_t>(std::count(before.begin(), before.end(), '\n'));
    const auto last_break = before.rfind('\n');
    const std::size_t column =
        last_break == std::string_view::npos ? before.size() : before.size() - last_break - 1;
    std::string place = name_ + ": line " + std::to_string(line_ + breaks) + ", position " +
                        std::to_string(column + 1);
    if (!header_.empty()) place += " (row " + std::to_string(row_ + 1) + ")";
    return {ErrorCode::InvalidArgument, place + ": " + what};
}

std::string CsvReader::place() const {
    std::string text = name_ + ": line " + std::to_string(line_);
    if (!header_.empty()) text += " (row " + std::to_string(row_ + 1) + ")";
    return text;
}

}  // namespace netcompute::data
