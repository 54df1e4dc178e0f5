#include "data/dataset_reader.hpp"

#include "data/column_builder.hpp"
#include "data/dataset_format.hpp"
#include "data/field_kinds.hpp"

#include <utility>
#include <vector>

namespace netcompute::data {
namespace {

/// Finds the rows whose lines are not those after the row before.
class LineJumps {
 public:
    void add(const CsvReader& reader) {
        const std::uint64_t row = reader.row() - 1;
        const std::uint64_t passed = reader.line() - row - first_line;
        if (passed == last_) return;
        pairs_.push_back(row);
        pairs_.push_back(passed);
        last_ = passed;
    }
    [[nodiscard]] std::span<const std::uint64_t> pairs() const { return pairs_; }

 private:
    static constexpr std::uint64_t first_line = 2;  ///< Of the first row; the header is line 1.
    std::uint64_t last_ = 0;
    std::vector<std::uint64_t> pairs_;
};

}  // namespace

namespace {

/// What each column was said to be.
std::optional<ColumnKind> given_kind(const std::string& name, const ReadingOptions& options,
                                     const std::string& id) {
    if (!id.empty() && name == id) return ColumnKind::Id;
    const auto given = options.columns.find(name);
    if (given == options.columns.end() || given->second == ColumnKind::Id) return std::nullopt;
    return given->second;
}

/// The column that names the rows: the one that was said to, or is found.
std::string id_of(const CsvReader& reader, const ReadingOptions& options) {
    if (!options.id.empty()) return options.id;
    for (const auto& [name, kind] : options.columns) {
        if (kind == ColumnKind::Id) return name;
    }
    return options.finds_id ? find_id(reader.header()) : std::string{};
}

void add_passed_over(const PassedOver& passed, std::vector<std::string>& notes) {
    if (passed.first_blank_line > 0) {
        notes.push_back("blank lines among the rows are passed over (the first is line " +
                        std::to_string(passed.first_blank_line) + ")");
    }
    if (passed.empty_rows > 0) {
        notes.push_back(counted(passed.empty_rows, "row") +
                        " of empty fields only: passed over (the first in line " +
                        std::to_string(passed.first_empty_row) + ")");
    }
}

void write_text(ByteWriter& writer, std::string_view text) {
    writer.number(static_cast<std::uint32_t>(text.size()));
    writer.bytes(as_byte_span(text));
}

void write_found(ByteWriter& writer, const ReadingFound& found) {
    writer.number(std::uint32_t{static_cast<unsigned char>(found.separator)});
    writer.number(std::uint32_t{static_cast<unsigned char>(found.decimal)});
    write_text(writer, found.encoding);
    write_text(writer, found.compression);
    writer.number(static_cast<std::uint32_t>(found.notes.size()));
    for (const std::string& note : found.notes) write_text(writer, note);
}

/// `found` says how the table was read, once it was.
Result<void> read_table(CsvReader& reader, char decimal, const ReadingOptions& options,
                        const std::function<ReadingFound()>& found, const ByteSink& sink) {
    FieldReading reading{decimal, {}};
    if (options.missing) reading.missing = MissingWords{*options.missing};
    const std::string id = id_of(reader, options);
    std::vector<ColumnBuilder> columns;
    columns.reserve(reader.header().size());
    for (const std::string& name : reader.header()) {
        columns.emplace_back(name, reading, given_kind(name, options, id));
    }
    LineJumps jumps;
    for (;;) {
        const auto more = reader.next();
        if (!more) return unexpected(more.error());
        if (!*more) break;
        jumps.add(reader);
        const auto fields = reader.fields();
        for (std::size_t i = 0; i < columns.size(); ++i) {
            columns[i].add(fields[i], reader.is_quoted(i));
        }
    }

    ReadingFound as_read = found();
    add_passed_over(reader.passed_over(), as_read.notes);
    Bytes parts;
    ByteWriter writer{parts};
    write_found(writer, as_read);
    for (ColumnBuilder& column : columns) {
        column.finish();
        column.write_head(writer);
    }
    constexpr std::size_t fixed_bytes = 5 * sizeof(std::uint64_t);
    parts.resize(parts.size() + dataset_padding(parts.size()));
    Bytes head;
    ByteWriter head_writer{head};
    head_writer.number(dataset_magic);
    head_writer.number(std::uint64_t{fixed_bytes + parts.size()});
    head_writer.number(reader.row());
    head_writer.number(std::uint64_t{jumps.pairs().size()} / 2);
    head_writer.number(std::uint64_t{columns.size()});
    for (const ByteSpan part : {ByteSpan{head}, ByteSpan{parts}, std::as_bytes(jumps.pairs())}) {
        if (auto taken = sink(part); !taken) return taken;
    }
    for (ColumnBuilder& column : columns) {
        if (auto taken = std::move(column).write_values(sink); !taken) return taken;
    }
    return {};
}

/// Into memory, with whatever `read` reads.
Result<std::shared_ptr<const Dataset>> in_memory(
    const std::function<Result<void>(const ByteSink&)>& read) {
    const auto bytes = std::make_shared<Bytes>();
    const auto done = read([&](ByteSpan part) -> Result<void> {
        bytes->insert(bytes->end(), part.begin(), part.end());
        return {};
    });
    if (!done) return unexpected(done.error());
    return Dataset::open(*bytes, bytes);
}

}  // namespace

Result<void> read_dataset(CsvReader& reader, const ReadingOptions& options, const ByteSink& sink) {
    return read_table(
        reader, '.', options, [] { return ReadingFound{}; }, sink);
}

Result<void> read_dataset(OpenTable& table, const ReadingOptions& options, const ByteSink& sink) {
    const auto found = [&] {
        ReadingFound as_read{table.dialect.separator,
                             table.dialect.decimal,
                             std::string{encoding_name(table.encoding())},
                             std::string{compression_name(table.compression)},
                             {}};
        if (!options.encoding && table.encoding() == TextEncoding::Windows1252) {
            as_read.notes.emplace_back("its text is no UTF-8, and is read as Windows-1252");
        }
        as_read.notes.insert(as_read.notes.end(), table.notes.begin(), table.notes.end());
        return as_read;
    };
    return read_table(table.reader, table.dialect.decimal, options, found, sink);
}

Result<std::shared_ptr<const Dataset>> read_dataset(OpenTable& table,
                                                    const ReadingOptions& options) {
    return in_memory([&](const ByteSink& sink) { return read_dataset(table, options, sink); });
}

Result<std::shared_ptr<const Dataset>> read_dataset(CsvReader& reader,
                                                    const ReadingOptions& options) {
    return in_memory([&](const ByteSink& sink) { return read_dataset(reader, options, sink); });
}

}  // namespace netcompute::data
