#include "data/dataset.hpp"

#include "data/dataset_format.hpp"
#include "data/field_kinds.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace netcompute::data {
namespace {

constexpr std::size_t columns_shown_max = 20;

/// Reads the head, and hands out the values behind it, in order.
class DatasetParser {
 public:
    explicit DatasetParser(ByteSpan bytes) : bytes_{bytes}, head_{bytes} {}

    struct Sizes {
        std::uint64_t rows = 0;
        std::uint64_t jumps = 0;
        std::uint64_t columns = 0;
    };
    /// Nothing for what is no dataset.
    std::optional<Sizes> begin() {
        if (head_.number<std::uint64_t>() != dataset_magic) return std::nullopt;
        const auto head_bytes = head_.number<std::uint64_t>();
        Sizes sizes{head_.number<std::uint64_t>(), head_.number<std::uint64_t>(),
                    head_.number<std::uint64_t>()};
        const auto left = bytes_.size();
        if (!head_.ok() || head_bytes > left || head_bytes % 8 != 0 || sizes.rows > left ||
            sizes.jumps > left / 16 || sizes.columns > head_bytes) {
            return std::nullopt;
        }
        values_ = bytes_.subspan(head_bytes);
        return sizes;
    }

    std::string text() { return std::string{as_text(head_.bytes(head_.number<std::uint32_t>()))}; }
    std::uint64_t number() { return head_.number<std::uint64_t>(); }
    ColumnStorage storage() { return ColumnStorage{head_.number<std::uint32_t>()}; }
    ColumnKind kind() {
        const auto kind = head_.number<std::uint32_t>();
        if (kind >= column_kind_names.size()) is_good_ = false;
        return ColumnKind{static_cast<int>(kind)};
    }
    char character() {
        const auto character = head_.number<std::uint32_t>();
        if (character > 0x7F) is_good_ = false;
        return static_cast<char>(character);
    }
    std::vector<std::string> texts() {
        std::vector<std::string> texts;
        for (auto left = head_.number<std::uint32_t>(); left > 0 && head_.ok(); --left) {
            texts.push_back(text());
        }
        return texts;
    }
    FieldsAt fields_at() {
        FieldsAt fields_at;
        fields_at.count = number();
        fields_at.first = fields();
        return fields_at;
    }
    double real() { return head_.number<double>(); }
    bool truth() { return head_.number<std::uint32_t>() == 1; }
    FieldAt field() {
        FieldAt field;
        field.text = text();
        field.row = number();
        return field;
    }
    std::optional<FieldAt> maybe_field() { return truth() ? std::optional{field()} : std::nullopt; }
    std::vector<FieldAt> fields() {
        std::vector<FieldAt> fields;
        for (auto left = head_.number<std::uint32_t>(); left > 0 && head_.ok(); --left) {
            fields.push_back(field());
        }
        return fields;
    }

    /// The next `count` values.
    template <typename T>
    std::span<const T> values(std::uint64_t count) {
        const std::uint64_t size = count * sizeof(T);
        const std::uint64_t whole = size + dataset_padding(size);
        if (count > values_.size() || whole > values_.size()) {
            is_good_ = false;
            return {};
        }
        const std::span<const T> taken{reinterpret_cast<const T*>(values_.data()),
                                       static_cast<std::size_t>(count)};
        values_ = values_.subspan(whole);
        return taken;
    }
    [[nodiscard]] bool is_good() const { return is_good_ && head_.ok(); }
    [[nodiscard]] bool is_at_end() const { return is_good() && values_.empty(); }

 private:
    ByteSpan bytes_;
    ByteReader head_;
    ByteSpan values_;
    bool is_good_ = true;
};

Column read_column(DatasetParser& parser, std::uint64_t rows) {
    Column column;
    column.name = parser.text();
    column.kind = parser.kind();
    column.missing_count = parser.number();
    column.first_missing = parser.maybe_field();
    column.first_trimmed = parser.maybe_field();
    column.not_finite = parser.maybe_field();
    column.marked = parser.fields_at();
    column.odd = parser.fields_at();
    column.first_inexact = parser.maybe_field();
    column.first_unclear = parser.maybe_field();
    const ColumnStorage storage = parser.storage();
    std::vector<FieldAt> fields = parser.fields();
    if (storage == ColumnStorage::CodedTexts) {
        CodedTexts coded{std::move(fields), {}, {}};
        for (std::size_t i = 0; i < coded.texts.size(); ++i) coded.numbers.push_back(parser.real());
        coded.codes = parser.values<std::uint8_t>(rows);
        column.values = std::move(coded);
        return column;
    }
    if (storage == ColumnStorage::Numbers) {
        column.values = Numbers{parser.values<double>(rows), std::move(fields)};
        return column;
    }
    Texts texts;
    texts.examples = std::move(fields);
    if (parser.truth()) texts.first_empty = parser.number();
    const std::uint64_t size = parser.number();
    texts.ends = parser.values<std::uint64_t>(rows);
    const auto characters = parser.values<char>(size);
    texts.characters = {characters.data(), characters.size()};
    column.values = std::move(texts);
    return column;
}

}  // namespace

Result<std::shared_ptr<const Dataset>> Dataset::open(ByteSpan bytes,
                                                     std::shared_ptr<const void> owner) {
    DatasetParser parser{bytes};
    const auto sizes = parser.begin();
    std::shared_ptr<Dataset> dataset{new Dataset};
    if (sizes) {
        dataset->row_count_ = sizes->rows;
        dataset->jumps_ = parser.values<std::uint64_t>(2 * sizes->jumps);
        ReadingFound& reading = dataset->reading_;
        reading.separator = parser.character();
        reading.decimal = parser.character();
        reading.encoding = parser.text();
        reading.compression = parser.text();
        reading.notes = parser.texts();
        for (std::uint64_t i = 0; i < sizes->columns && parser.is_good(); ++i) {
            dataset->columns_.push_back(read_column(parser, sizes->rows));
        }
    }
    if (!sizes || !parser.is_at_end()) {
        return unexpected(ErrorCode::InvalidArgument, "these bytes are not a whole dataset");
    }
    for (const Column& column : dataset->columns_) dataset->by_name_[column.name] = &column;
    dataset->bytes_ = bytes.size();
    dataset->owner_ = std::move(owner);
    return std::shared_ptr<const Dataset>{std::move(dataset)};
}

const Column* Dataset::find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

const Column* Dataset::id() const {
    const auto found = std::ranges::find(columns_, ColumnKind::Id, &Column::kind);
    return found == columns_.end() ? nullptr : &*found;
}

RowPlace Dataset::place(std::uint64_t row) const {
    std::uint64_t passed = 0;
    for (std::size_t low = 0, high = jumps_.size() / 2; low < high;) {
        const std::size_t middle = (low + high) / 2;
        if (jumps_[2 * middle] > row) {
            high = middle;
        } else {
            passed = jumps_[2 * middle + 1];
            low = middle + 1;
        }
    }
    return {row + 1, row + 2 + passed};
}

std::string field_text(const Column& column, std::uint64_t row) {
    const auto missing = [&] {
        const auto& first = column.first_missing;
        return first && first->row == row ? first->text : std::string{};
    };
    if (const auto* const coded = std::get_if<CodedTexts>(&column.values)) {
        const std::uint8_t code = coded->codes[row];
        return code < coded->texts.size() ? coded->texts[code].text : missing();
    }
    if (const auto* const texts = std::get_if<Texts>(&column.values)) {
        return std::string{(*texts)[row]};
    }
    const auto& numbers = std::get<Numbers>(column.values);
    const double value = numbers.values[row];
    if (std::isnan(value)) {
        const auto& infinite = column.not_finite;
        if (infinite && infinite->row == row) return infinite->text;
        const auto odd = std::ranges::find(column.odd.first, row, &FieldAt::row);
        return odd != column.odd.first.end() ? odd->text : missing();
    }
    return is_date(column.kind) ? date_text(value) : number_text(value);
}

bool is_missing_at(const Column& column, std::uint64_t row) {
    if (const auto* const coded = std::get_if<CodedTexts>(&column.values)) {
        return coded->codes[row] >= coded->texts.size();
    }
    if (const auto* const texts = std::get_if<Texts>(&column.values)) return (*texts)[row].empty();
    return std::isnan(std::get<Numbers>(column.values).values[row]);
}

std::vector<std::string> column_names(const Dataset& dataset) {
    std::vector<std::string> names;
    for (const Column& column : dataset.columns()) names.push_back(column.name);
    return names;
}

Result<void> require_name(std::string_view table, std::span<const std::string> header,
                          std::string_view column, std::string_view role) {
    if (std::ranges::find(header, column) != header.end()) return {};
    const std::string start =
        std::string{table} + ": no column " + quote(column) + " (" + std::string{role} + "); ";
    // What has no commas may be any file: nothing of it is quoted.
    if (header.size() == 1) {
        return unexpected(ErrorCode::NotFound,
                          start +
                              "it has one column only: is it a table? Say what parts its fields: "
                              "reading: {\"separator\": \";\"}");
    }
    return unexpected(ErrorCode::NotFound,
                      start + "its columns are " + quote_list(header, columns_shown_max));
}

Result<const Column*> require_column(const Table& table, std::string_view column,
                                     std::string_view role) {
    if (const Column* const found = table.dataset->find(column)) return found;
    const auto names = column_names(*table.dataset);
    return unexpected(require_name(table.name, names, column, role).error());
}

}  // namespace netcompute::data
