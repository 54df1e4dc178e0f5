/// Input: a CSV file.
#include "data/csv_reader.hpp"
#include "fuzz_target.hpp"

#include <algorithm>

namespace netcompute::fuzz {
namespace {

using data::CsvLimits;
using data::CsvReader;
using data::CsvSource;

/// Everything that a reader says of a table.
struct Table {
    std::vector<std::string> header;
    std::vector<std::vector<std::string>> rows;
    std::vector<std::uint64_t> lines;  ///< In which each row begins.
    Error error;                       ///< Its message is empty if there was none.
    friend bool operator==(const Table&, const Table&) = default;

    [[nodiscard]] bool is_whole() const { return error.message.empty(); }
};

/// Gives out a text in pieces of 1, 2, 3 … bytes, as a slow disk might.
class DrippingSource final : public CsvSource {
 public:
    explicit DrippingSource(std::string_view text) : rest_{text} {}

    Result<std::size_t> read(std::span<char> target) override {
        piece_bytes_ = piece_bytes_ % 7 + 1;
        const std::size_t taken = std::min({piece_bytes_, target.size(), rest_.size()});
        std::copy_n(rest_.data(), taken, target.data());
        rest_.remove_prefix(taken);
        return taken;
    }

 private:
    std::string_view rest_;
    std::size_t piece_bytes_ = 0;
};

Table read_table(std::unique_ptr<CsvSource> source, const CsvLimits& limits) {
    Table table;
    auto reader = CsvReader::open(std::move(source), "table", limits);
    if (!reader) {
        table.error = reader.error();
        return table;
    }
    table.header = reader->header();
    for (;;) {
        const auto more = reader->next();
        if (!more) table.error = more.error();
        if (!more || !*more) return table;
        const auto fields = reader->fields();
        table.rows.emplace_back(fields.begin(), fields.end());
        table.lines.push_back(reader->line());
        NETCOMPUTE_ASSERT(reader->row() == table.rows.size(), "rows are counted from 1");
    }
}

Table read_text(std::string_view text, const CsvLimits& limits = {}) {
    return read_table(data::csv_text_source(text), limits);
}

void check_content(const Table& table) {
    NETCOMPUTE_ASSERT(table.is_whole() || table.error.message.starts_with("table"),
                      "an error names the table");
    std::uint64_t line = 1;
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
        NETCOMPUTE_ASSERT(table.lines[i] > line, "each row begins on a later line");
        line = table.lines[i];
        NETCOMPUTE_ASSERT(table.rows[i].size() == table.header.size(),
                          "each row has a field for each column");
        for (const std::string& field : table.rows[i]) {
            NETCOMPUTE_ASSERT(field.find('\0') == std::string::npos, "no field holds a NUL");
        }
    }
}

void append_quoted(std::string& text, const std::vector<std::string>& fields) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
        text += i == 0 ? "\"" : ",\"";
        for (const char c : fields[i]) text += c == '"' ? "\"\"" : std::string(1, c);
        text += '"';
    }
    text += "\r\n";
}

/// The table written in another form, everything quoted, is read as the same table.
void check_rewritten(const Table& table) {
    std::string text;
    append_quoted(text, table.header);
    for (const auto& row : table.rows) append_quoted(text, row);
    const Table again = read_text(text);
    NETCOMPUTE_ASSERT(again.is_whole(), "what is written by the rules is read");
    NETCOMPUTE_ASSERT(again.header == table.header && again.rows == table.rows,
                      "a table survives the way there and back");
}

/// With a limit on rows, no longer row is given out, and those before it are the same.
void check_row_limit(std::string_view text, const Table& table) {
    constexpr std::size_t row_bytes_max = 24;
    const Table limited = read_text(text, {.row_bytes_max = row_bytes_max, .chunk_bytes = 5});
    NETCOMPUTE_ASSERT(limited.rows.size() <= table.rows.size() &&
                          std::equal(limited.rows.begin(), limited.rows.end(), table.rows.begin()),
                      "a limit cuts a table off and changes nothing before");
    NETCOMPUTE_ASSERT(!limited.is_whole() || limited.rows.size() == table.rows.size(),
                      "a table that is cut off says so");
    for (const auto& row : limited.rows) {
        std::size_t bytes = row.size() - 1;
        for (const std::string& field : row) bytes += field.size();
        NETCOMPUTE_ASSERT(bytes <= row_bytes_max, "no row is longer than the limit");
    }
}

}  // namespace

bool try_input(ByteSpan input) {
    const std::string_view text = as_text(input);
    const Table table = read_text(text);
    check_content(table);
    for (const std::size_t chunk_bytes : {1U, 2U, 3U, 16U, 61U}) {
        NETCOMPUTE_ASSERT(read_text(text, {.chunk_bytes = chunk_bytes}) == table,
                          "a table is the same by whatever chunks it is read");
    }
    const Table dripped = read_table(std::make_unique<DrippingSource>(text), {.chunk_bytes = 32});
    NETCOMPUTE_ASSERT(dripped == table, "a table is the same from whatever source it comes");
    check_row_limit(text, table);
    if (table.is_whole()) check_rewritten(table);
    return table.is_whole();
}

}  // namespace netcompute::fuzz
