#include "data/dataset_reader.hpp"

#include "data/column_builder.hpp"
#include "data/dataset_format.hpp"

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

Result<void> read_dataset(CsvReader& reader, const ReadingOptions& options, const ByteSink& sink) {
    std::vector<ColumnBuilder> columns;
    columns.reserve(reader.header().size());
    for (const std::string& name : reader.header()) columns.emplace_back(name, name == options.id);
    LineJumps jumps;
    for (;;) {
        const auto more = reader.next();
        if (!more) return unexpected(more.error());
        if (!*more) break;
        jumps.add(reader);
        const auto fields = reader.fields();
        for (std::size_t i = 0; i < columns.size(); ++i) columns[i].add(fields[i]);
    }

    Bytes parts;
    ByteWriter writer{parts};
    for (const ColumnBuilder& column : columns) column.write_head(writer);
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

Result<std::shared_ptr<const Dataset>> read_dataset(CsvReader& reader,
                                                    const ReadingOptions& options) {
    const auto bytes = std::make_shared<Bytes>();
    const auto read = read_dataset(reader, options, [&](ByteSpan part) -> Result<void> {
        bytes->insert(bytes->end(), part.begin(), part.end());
        return {};
    });
    if (!read) return unexpected(read.error());
    return Dataset::open(*bytes, bytes);
}

}  // namespace netcompute::data
