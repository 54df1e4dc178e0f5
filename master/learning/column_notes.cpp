#include "learning/column_notes.hpp"

#include "data/field_kinds.hpp"
#include "data/number.hpp"
#include "learning/learned_column.hpp"

namespace netcompute::learning {
namespace {

using data::counted;
using data::quote;

/// `line 47: "64,659", line 50: "1,000" and 3 more`.
std::string listed(const data::Table& table, const data::FieldsAt& fields) {
    constexpr std::size_t shown_max = 3;
    std::string text;
    for (const data::FieldAt& field : fields.first) {
        if (&field - fields.first.data() == shown_max) break;
        text += (text.empty() ? "line " : ", line ") +
                std::to_string(table.dataset->place(field.row).line) + ": " + quote(field.text);
    }
    return fields.count > shown_max && fields.first.size() > shown_max ? text + ", …" : text;
}

}  // namespace

std::string first_of(const data::Table& table, const data::FieldAt& field) {
    return "(the first in line " + std::to_string(table.dataset->place(field.row).line) + ": " +
           quote(field.text) + ")";
}

void add_reading_notes(const data::Table& table, const data::Column& column,
                       std::vector<std::string>& notes) {
    const std::string start = "column " + quote(column.name) + ": ";
    const bool is_number = column.kind == data::ColumnKind::Number;
    if (is_number && column.marked.count > 0) {
        const data::FieldAt& first = column.marked.first.front();
        const double value = data::read_number(first.text, table.dataset->reading().decimal).value;
        notes.push_back(start + counted(column.marked.count, "field") +
                        " with marks of people read as numbers (" + listed(table, column.marked) +
                        "; the first as " + data::number_text(value) + ")");
    }
    if ((is_number || data::is_date(column.kind)) && column.odd.count > 0) {
        const bool is_one = column.odd.count == 1;
        const std::string what = is_number ? "number" : "date";
        notes.push_back(
            start + counted(column.odd.count, "field") +
            (is_one ? " that is no " + what + " counts" : " that are no " + what + "s count") +
            " as missing (" + listed(table, column.odd) + "); correct it, or give columns: {" +
            quote(column.name) + ": \"category\"} if it is one");
    } else if (column.odd.count > 0) {
        notes.push_back(start + "has numbers and other texts (" + listed(table, column.odd) +
                        "), and is read as " + std::string{data::column_kind_name(column.kind)} +
                        "; give columns: {" + quote(column.name) +
                        ": \"number\"} if the others count as missing");
    }
    if (is_number && column.first_inexact) {
        notes.push_back(start +
                        "has whole numbers beyond 9007199254740992, whose last digits are "
                        "lost " +
                        first_of(table, *column.first_inexact));
    }
    if (column.first_unclear) {
        notes.push_back(start + "its dates may have the day or the month first " +
                        first_of(table, *column.first_unclear) +
                        ", so they are read as texts; give columns: {" + quote(column.name) +
                        ": \"date_day_first\"} or \"date_month_first\"");
    }
    const bool are_texts =
        column.kind == data::ColumnKind::Category || column.kind == data::ColumnKind::Boolean;
    if (are_texts && column.first_trimmed) {
        notes.push_back(start + "blanks around its fields do not count " +
                        first_of(table, *column.first_trimmed));
    }
}

}  // namespace netcompute::learning
