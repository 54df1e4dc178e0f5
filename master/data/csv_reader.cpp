#include "data/csv_reader.hpp"

#include "data/field_place.hpp"
#include "data/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace netcompute::data {
namespace {

/// The bytes at which a plain field may end.
constexpr auto field_stops = [] {
    std::array<bool, 256> stops{};
    for (const char stop : {',', '\n', '\r', '"'}) stops[static_cast<unsigned char>(stop)] = true;
    return stops;
}();

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

}  // namespace

CsvReader::CsvReader(std::unique_ptr<CsvSource> source, std::string name, const CsvLimits& limits)
    : source_{std::move(source)}, name_{std::move(name)}, limits_{limits} {
    buffer_.resize(std::max<std::size_t>(limits_.chunk_bytes, 1) + 1);
}

Result<CsvReader> CsvReader::open(std::unique_ptr<CsvSource> source, std::string name,
                                  const CsvLimits& limits) {
    CsvReader reader{std::move(source), std::move(name), limits};
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

    const auto read = read_row();
    if (!read) return unexpected(read.error());
    if (!*read) {
        return unexpected(ErrorCode::InvalidArgument,
                          name_ + ": is empty; its first line must name the columns");
    }
    if (field_count_ > limits_.column_count_max) {
        return unexpected(ErrorCode::LimitExceeded,
                          name_ + ": has " + std::to_string(field_count_) + " columns; at most " +
                              std::to_string(limits_.column_count_max));
    }
    std::vector<std::string> names{fields_.begin(), fields_.end()};
    if (const auto good = check_names(names); !good) return unexpected(good.error());
    header_ = std::move(names);
    return {};
}

Result<void> CsvReader::check_names(std::span<const std::string> names) const {
    if (names.size() == 1 && names.front().find_first_of(";\t") != std::string::npos) {
        return unexpected(
            error_at(row_begin_, "one column only, " + quote(names.front()) +
                                     "; save the table with commas between the fields"));
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!names[i].empty()) continue;
        return unexpected(error_at(
            row_begin_, "column " + std::to_string(i + 1) + " of " + std::to_string(names.size()) +
                            " has no name; name it, or leave it out "
                            "(pandas leaves its index out with index=False)"));
    }
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
    if (const auto counted = check_field_count(); !counted) return unexpected(counted.error());
    ++row_;
    return true;
}

Result<bool> CsvReader::read_row() {
    std::uint64_t first_blank_line = 0;
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

        const bool is_blank = field_count_ == 1 && fields_.front().empty() && !row_is_quoted_;
        if (!is_blank) break;
        if (first_blank_line == 0) first_blank_line = line_;
    }
    if (first_blank_line != 0) {
        return unexpected(ErrorCode::InvalidArgument,
                          name_ + ": line " + std::to_string(first_blank_line) +
                              ": is blank, and more lines follow; remove it");
    }
    unescape_fields();
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
    if (filled_ > (buffer_.size() - 1) / 2) buffer_.resize(2 * (buffer_.size() - 1) + 1);
    while (filled_ + 1 < buffer_.size() && !source_ended_) {
        const auto read =
            source_->read(std::span{buffer_}.subspan(filled_, buffer_.size() - 1 - filled_));
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

    for (;;) {
        const Scan field = buffer_[at] == '"' && at < filled_ ? scan_quoted(at) : scan_plain(at);
        if (field != Scan::Row) return field;
        if (at == filled_) {
            if (!source_ended_) return Scan::NeedsMore;
            row_end_ = at;
            return Scan::Row;
        }
        const char stop = buffer_[at];
        if (stop == ',') {
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

/// `at` goes from the first byte of a plain field to the byte that ends it.
CsvReader::Scan CsvReader::scan_plain(std::size_t& at) {
    const char* const begin = buffer_.data() + at;
    const char* end = begin;
    while (!field_stops[static_cast<unsigned char>(*end)]) ++end;
    const std::size_t field_begin = at;
    at += static_cast<std::size_t>(end - begin);
    if (*end == '"') {
        return fail_at(at,
                       "a quote inside a field that does not begin with one; quote the whole "
                       "field and write each quote in it twice");
    }
    keep_field(field_begin, at);
    return Scan::Row;
}

/// `at` goes from the opening quote to the byte after the closing one.
CsvReader::Scan CsvReader::scan_quoted(std::size_t& at) {
    const std::size_t opening = at;
    row_is_quoted_ = true;
    bool is_escaped = false;
    for (++at;;) {
        const void* const found = std::memchr(buffer_.data() + at, '"', filled_ - at);
        if (found == nullptr) {
            if (!source_ended_) return Scan::NeedsMore;
            return fail_at(opening, "the quote that opens here never closes");
        }
        at = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()) + 1;
        if (at == filled_) {
            if (!source_ended_) return Scan::NeedsMore;
            break;
        }
        if (buffer_[at] != '"') break;
        is_escaped = true;
        ++at;
    }
    const char after = buffer_[at];
    if (after != ',' && after != '\n' && after != '\r') {
        return fail_at(at, "text after a closing quote; write a quote inside a field twice");
    }
    if (is_escaped) escaped_fields_.push_back(field_count_);
    keep_field(opening + 1, at - 1);
    return Scan::Row;
}

/// Fields past the last column are counted for the message, not kept.
void CsvReader::keep_field(std::size_t begin, std::size_t end) {
    const std::size_t kept_max = header_.empty() ? limits_.column_count_max : header_.size();
    if (field_count_ < kept_max) fields_.emplace_back(buffer_.data() + begin, end - begin);
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
            if (*in == '"') ++in;
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
            error_at(row_begin_ + invalid, "bytes that are not UTF-8; save the file as UTF-8"));
    }
    return {};
}

Result<void> CsvReader::check_field_count() const {
    if (field_count_ == header_.size()) return {};
    return unexpected(ErrorCode::InvalidArgument,
                      place() + ": has " + std::to_string(field_count_) +
                          " fields, but the header names " + std::to_string(header_.size()) +
                          " columns; quote fields that hold commas");
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
