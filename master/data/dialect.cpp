#include "data/dialect.hpp"

#include "data/number.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace netcompute::data {
namespace {

constexpr std::array<char, 5> separators{',', ';', '\t', '|', ' '};
constexpr std::size_t lines_looked_at_max = 300;
constexpr std::size_t title_lines_max = 20;

/// A line, or more where a field between quotes has line ends, cut into its fields.
struct Record {
    std::vector<std::string> fields;
    bool ends_with_separator = false;
    std::uint64_t lines = 1;
};

struct Cut {
    std::vector<Record> records;
    std::vector<std::uint64_t> lines_before;  ///< Of each record, in the sample.
};

/// Cuts leniently: what is no good CSV is the reader's to refuse.
class Cutter {
 public:
    Cutter(std::string_view sample, char separator, char quote)
        : rest_{sample}, separator_{separator}, quote_{quote} {}

    /// Nothing at the end. `is_whole` becomes false for a record that the sample's end cuts off.
    std::optional<Record> next(bool& is_whole) {
        if (rest_.empty()) return std::nullopt;
        Record record;
        std::string field;
        bool is_quoted = false;
        bool is_new = true;
        is_whole = false;
        const auto end_field = [&] {
            record.fields.push_back(std::move(field));
            field.clear();
            is_new = true;
        };
        std::size_t at = 0;
        for (; at < rest_.size(); ++at) {
            const char c = rest_[at];
            if (c == '\n') ++record.lines;
            if (is_quoted) {
                if (c == quote_)
                    is_quoted = false;
                else
                    field += c;
            } else if (c == quote_ && quote_ != '\0' && trim_blanks(field).empty()) {
                is_quoted = true;
            } else if (c == '\n') {
                is_whole = true;
                break;
            } else if (is_separator(c)) {
                const bool is_run = separator_ == ' ' && is_new;
                record.ends_with_separator = true;
                if (!is_run) end_field();
                continue;
            } else if (c != '\r') {
                field += c;
            }
            record.ends_with_separator = false;
            is_new = false;
        }
        if (separator_ != ' ' || !is_new) end_field();
        if (is_whole) --record.lines;
        record.lines = std::max<std::uint64_t>(record.lines, 1);
        rest_.remove_prefix(std::min(at + 1, rest_.size()));
        return record;
    }

 private:
    [[nodiscard]] bool is_separator(char c) const {
        return c == separator_ || (separator_ == ' ' && c == '\t');
    }

    std::string_view rest_;
    char separator_;
    char quote_;
};

bool is_blank_record(const Record& record) {
    return record.fields.empty() ||
           (record.fields.size() == 1 && trim_blanks(record.fields.front()).empty());
}

Cut cut(std::string_view sample, bool is_whole, char separator, char quote, char comment) {
    Cut cut;
    Cutter cutter{sample, separator, quote};
    std::uint64_t line = 0;
    bool ends = false;
    while (cut.records.size() < lines_looked_at_max) {
        auto record = cutter.next(ends);
        if (!record || (!ends && !is_whole)) break;
        const std::uint64_t before = line;
        line += record->lines;
        if (is_blank_record(*record)) continue;
        const bool is_comment = comment != '\0' && record->fields.front().starts_with(comment);
        if (is_comment) continue;
        cut.lines_before.push_back(before);
        cut.records.push_back(std::move(*record));
    }
    return cut;
}

/// How well a separator cuts a table.
struct Fit {
    char separator = ',';
    std::size_t fields = 0;  ///< Of the rows.
    std::size_t header = 0;  ///< The record that is the header.
    double agreeing = 0;     ///< Which part of the rows has as many.
    Dialect::Lacks lacks = Dialect::Lacks::Nothing;
};

/// The count that most records have, from record `begin` on.
std::pair<std::size_t, double> usual_count(const std::vector<Record>& records, std::size_t begin) {
    std::vector<std::size_t> counts;
    for (std::size_t i = begin; i < records.size(); ++i) counts.push_back(records[i].fields.size());
    std::ranges::sort(counts);
    std::size_t best = 0;
    std::size_t best_times = 0;
    for (std::size_t i = 0; i < counts.size();) {
        const auto end =
            static_cast<std::size_t>(std::ranges::upper_bound(counts, counts[i]) - counts.begin());
        if (end - i > best_times) {
            best = counts[i];
            best_times = end - i;
        }
        i = end;
    }
    const double all = static_cast<double>(std::max<std::size_t>(counts.size(), 1));
    return {best, static_cast<double>(best_times) / all};
}

Fit fit(char separator, const Cut& cut, bool may_have_titles) {
    Fit fit{.separator = separator};
    const auto& records = cut.records;
    if (records.empty()) return fit;
    if (records.size() == 1) {
        fit.fields = records.front().fields.size();
        fit.agreeing = 1;
        return fit;
    }
    const auto usual = usual_count(records, 1);
    const std::size_t count = usual.first;
    fit.fields = count;
    fit.agreeing = usual.second;
    // Titles above the header are lines of one field.
    while (may_have_titles && count >= 3 && fit.header + 2 < records.size() &&
           fit.header < title_lines_max && records[fit.header].fields.size() == 1) {
        ++fit.header;
    }
    const std::size_t names = records[fit.header].fields.size();
    if (names == count) return fit;
    const auto is_row = [&](const Record& record) { return record.fields.size() == count; };
    if (names + 1 == count && names >= 2) {
        const auto begin = records.begin() + static_cast<std::ptrdiff_t>(fit.header) + 1;
        const bool all_end = std::all_of(begin, records.end(), [&](const Record& record) {
            return !is_row(record) || record.ends_with_separator;
        });
        // Between commas one field more may as well be text that holds one: that is refused.
        const bool may_be_row_names = separator == ' ' || separator == '\t';
        if (all_end || may_be_row_names) {
            fit.lacks = all_end ? Dialect::Lacks::Last : Dialect::Lacks::First;
            return fit;
        }
    }
    fit.agreeing = 0;  // No row is as the header says.
    return fit;
}

char separator_of_line(std::string_view line) {
    if (line.starts_with('"') && line.ends_with('"') && line.size() > 1) {
        line = line.substr(1, line.size() - 2);
    }
    if (line.size() == 5 && line.starts_with("sep=")) return line[4];
    return '\0';
}

std::string_view first_line(std::string_view sample) {
    const std::string_view line = sample.substr(0, sample.find('\n'));
    return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

/// Whether the first lines, which begin with #, are no part of the table.
bool has_comments(std::string_view sample, bool is_whole, char quote) {
    if (!sample.starts_with('#')) return false;
    for (const char separator : separators) {
        const Cut all = cut(sample, is_whole, separator, quote, '\0');
        if (all.records.size() < 2) continue;
        const Fit whole = fit(separator, all, false);
        // Then the first line names the columns, and the first name begins with #.
        if (whole.fields >= 2 && whole.agreeing == 1 && whole.lacks == Dialect::Lacks::Nothing &&
            separator != ' ') {
            return false;
        }
    }
    return true;
}

bool is_between(std::string_view text, char quote) {
    text = trim_blanks(text);
    return text.size() >= 2 && text.front() == quote && text.back() == quote;
}

/// Apostrophes are quotes where all names, or all texts that have one, stand between two.
char find_quote(std::string_view sample, bool is_whole) {
    if (sample.find('\'') == std::string_view::npos) return '"';
    for (const char separator : separators) {
        const Cut plain = cut(sample, is_whole, separator, '\0', '\0');
        if (plain.records.size() < 2 || plain.records.front().fields.size() < 2) continue;
        const auto& names = plain.records.front().fields;
        if (std::ranges::all_of(names, [](const auto& name) { return is_between(name, '\''); })) {
            return '\'';
        }
    }
    if (sample.find('"') != std::string_view::npos) return '"';
    // Or where the rows are as the header says only if they are.
    for (const char separator : separators) {
        const Fit plain = fit(separator, cut(sample, is_whole, separator, '\0', '\0'), false);
        const Fit quoted = fit(separator, cut(sample, is_whole, separator, '\'', '\0'), false);
        if (quoted.fields >= 2 && quoted.agreeing == 1 && plain.agreeing < 1 && separator != ' ') {
            return '\'';
        }
    }
    return '"';
}

struct DecimalMarks {
    std::size_t points = 0;
    std::size_t commas = 0;     ///< That cannot part thousands.
    std::size_t thousands = 0;  ///< Commas that can be nothing else.
    std::size_t either = 0;     ///< Commas that may be both.
};

void look_at_number(std::string_view text, DecimalMarks& marks) {
    text = trim_blanks(text);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    const bool is_of_digits =
        !text.empty() && text.find_first_not_of("0123456789.,") == std::string_view::npos;
    if (!is_of_digits) return;
    const auto commas = std::ranges::count(text, ',');
    const auto points = std::ranges::count(text, '.');
    const std::size_t comma = text.rfind(',');
    const std::size_t point = text.rfind('.');
    if (commas == 0) {
        const bool is_grouped = points > 0 && read_number(text, ',').kind == NumberKind::Finite;
        if (points == 1 && !is_grouped) ++marks.points;
        if (points > 1 && is_grouped) ++marks.commas;
        return;
    }
    const bool as_comma = read_number(text, ',').kind == NumberKind::Finite;
    const bool as_point = read_number(text, '.').kind == NumberKind::Finite;
    if (points > 0) {
        if (as_comma && point < comma) ++marks.commas;
        if (as_point && comma < point) ++marks.thousands;
    } else if (as_comma && as_point) {
        // No group of thousands begins with 0.
        text.starts_with('0') ? ++marks.commas : ++marks.either;
    } else if (as_comma) {
        ++marks.commas;
    } else if (as_point) {
        ++marks.thousands;
    }
}

char find_decimal(const Cut& cut, std::size_t header, char separator, const GivenDialect& given) {
    DecimalMarks marks;
    for (std::size_t i = header + 1; i < cut.records.size(); ++i) {
        for (const std::string& field : cut.records[i].fields) look_at_number(field, marks);
    }
    if (marks.commas > marks.points + marks.thousands) return ',';
    if (marks.points + marks.thousands > 0) return '.';
    if (given.usual_decimal) return *given.usual_decimal;
    return separator == ';' && marks.either > 0 ? ',' : '.';
}

bool is_better(const Fit& one, const Fit& other) {
    const auto rank = [](const Fit& fit) {
        const bool is_good = fit.fields >= 2 && fit.agreeing == 1;
        return std::pair{is_good, fit.separator != ' '};
    };
    if (rank(one).first != rank(other).first) return rank(one).first;
    if (rank(one).first) {
        if (rank(one).second != rank(other).second) return rank(one).second;
        return one.fields > other.fields;
    }
    if (one.separator == ' ' || other.separator == ' ') return other.separator == ' ';
    // Of those that fit badly the one that most lines agree on.
    const auto share = [](const Fit& fit) { return fit.fields >= 2 ? fit.agreeing : 0; };
    return share(one) > share(other);
}

}  // namespace

Dialect detect_dialect(std::string_view sample, bool is_whole, const GivenDialect& given) {
    Dialect dialect;
    std::optional<char> separator = given.separator;
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (sample.starts_with(byte_order_mark)) sample.remove_prefix(byte_order_mark.size());
    dialect.skip_lines = given.skip_lines.value_or(0);
    for (std::uint64_t left = dialect.skip_lines; left > 0; --left) {
        sample.remove_prefix(std::min(sample.find('\n'), sample.size() - 1) + 1);
        if (sample.empty()) break;
    }
    if (const char stated = separator_of_line(first_line(sample)); stated != '\0') {
        if (!separator) separator = stated;
        ++dialect.skip_lines;
        sample.remove_prefix(std::min(sample.find('\n'), sample.size() - 1) + 1);
    }
    dialect.quote = given.quote ? *given.quote : find_quote(sample, is_whole);
    dialect.comment = given.comment                                   ? *given.comment
                      : has_comments(sample, is_whole, dialect.quote) ? '#'
                                                                      : '\0';
    const bool may_have_titles = !given.skip_lines && dialect.comment == '\0';
    std::optional<Fit> best;
    for (const char each : separators) {
        if (separator && each != *separator) continue;
        const Fit found =
            fit(each, cut(sample, is_whole, each, dialect.quote, dialect.comment), may_have_titles);
        if (!best || is_better(found, *best)) best = found;
    }
    if (!best) {
        best = fit(*separator, cut(sample, is_whole, *separator, dialect.quote, dialect.comment),
                   may_have_titles);
    }
    dialect.separator = best->separator;
    dialect.header_lacks = best->agreeing > 0 ? best->lacks : Dialect::Lacks::Nothing;
    const Cut table = cut(sample, is_whole, dialect.separator, dialect.quote, dialect.comment);
    if (best->header > 0) dialect.skip_lines += table.lines_before[best->header];
    dialect.decimal = given.decimal ? *given.decimal
                                    : find_decimal(table, best->header, dialect.separator, given);
    return dialect;
}

std::string separator_name(char separator) {
    switch (separator) {
        case ',':
            return "commas";
        case ';':
            return "semicolons";
        case '\t':
            return "tabs";
        case '|':
            return "bars";
        case ' ':
        case '\x1f':
            return "blanks";
        default:
            return std::string{"\""} + separator + "\"";
    }
}

std::string nameless_column(std::size_t index) {
    return "Unnamed: " + std::to_string(index);
}

bool is_nameless(std::string_view column) {
    return column.starts_with("Unnamed: ");
}

}  // namespace netcompute::data
