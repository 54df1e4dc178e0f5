#include "data/matrix_file.hpp"

#include "data/number.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

namespace netcompute::data {
namespace {

constexpr std::string_view npy_magic{"\x93NUMPY", 6};
constexpr std::size_t npy_head_max = 64 << 10;

/// What stands behind 'key': in the dictionary of an .npy file.
std::optional<std::string_view> npy_entry(std::string_view head, std::string_view key) {
    const std::size_t at = head.find("'" + std::string{key} + "':");
    if (at == std::string_view::npos) return std::nullopt;
    return trim_blanks(head.substr(at + key.size() + 3));
}

/// The sizes in "(3, 4)"; empty for what is no such list.
std::vector<std::uint64_t> npy_shape(std::string_view text) {
    if (!text.starts_with('(') || text.find(')') == std::string_view::npos) return {};
    text = text.substr(1, text.find(')') - 1);
    std::vector<std::uint64_t> sizes;
    while (!trim_blanks(text).empty()) {
        const std::string_view field = trim_blanks(text.substr(0, text.find(',')));
        std::uint64_t size = 0;
        const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), size);
        if (error != std::errc{} || end != field.data() + field.size()) return {};
        sizes.push_back(size);
        const std::size_t comma = text.find(',');
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    }
    return sizes;
}

/// Fields of a line, by a separator; runs of blanks part them where that is a blank.
std::vector<std::string_view> fields_of(std::string_view line, char separator) {
    std::vector<std::string_view> fields;
    line = separator == ' ' ? trim_blanks(line) : line;
    for (;;) {
        const std::size_t end = separator == ' ' ? line.find_first_of(" \t") : line.find(separator);
        std::string_view field = trim_blanks(line.substr(0, end));
        const bool is_quoted = field.size() > 1 && field.front() == '"' && field.back() == '"';
        fields.push_back(is_quoted ? field.substr(1, field.size() - 2) : field);
        if (end == std::string_view::npos) return fields;
        line = line.substr(end + 1);
        if (separator == ' ') line = trim_blanks(line);
    }
}

char separator_of(std::string_view line) {
    for (const char separator : {';', ',', '\t'}) {
        if (line.find(separator) != std::string_view::npos) return separator;
    }
    return ' ';
}

bool are_numbers(const std::vector<std::string_view>& fields) {
    return std::all_of(fields.begin(), fields.end(), [](std::string_view field) {
        return parse_number(field).kind != NumberKind::NotANumber;
    });
}

std::string place_of(std::uint64_t row, std::uint64_t column) {
    return "row " + std::to_string(row + 1) + ", column " + std::to_string(column + 1);
}

template <typename T>
void append_number(std::string& text, T value) {
    std::array<char, 32> buffer{};
    const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    text.append(buffer.data(), error == std::errc{} ? end : buffer.data());
}

}  // namespace

Unexpected MatrixFile::refused(const std::string& what) const {
    return unexpected(ErrorCode::InvalidArgument, file_.name() + ": " + what);
}

Result<MatrixFile> MatrixFile::open(const InputFile& file) {
    MatrixFile matrix;
    matrix.file_ = file;
    std::array<char, npy_magic.size()> magic{};
    const auto taken = file.read_at(0, magic);
    if (!taken) return unexpected(taken.error());
    const bool is_npy = std::string_view{magic.data(), *taken} == npy_magic;
    auto read = is_npy ? matrix.read_npy_header() : matrix.read_csv();
    if (!read) return unexpected(read.error());
    return matrix;
}

Result<void> MatrixFile::read_npy_header() {
    std::string head(std::min<std::uint64_t>(file_.size(), npy_head_max), '\0');
    const auto taken = file_.read_at(0, head);
    if (!taken) return unexpected(taken.error());
    head.resize(*taken);
    const std::size_t size_at = npy_magic.size() + 2;
    const bool is_first_version = head.size() > size_at && head[npy_magic.size()] == 1;
    const std::size_t text_at = size_at + (is_first_version ? 2 : 4);
    if (head.size() < text_at) return refused("its .npy header is cut; save it again");
    std::uint32_t size = 0;
    std::memcpy(&size, head.data() + size_at, text_at - size_at);
    if (size > head.size() - text_at) return refused("its .npy header is cut; save it again");
    const auto text = std::string_view{head}.substr(text_at, size);
    const auto kind = npy_entry(text, "descr");
    const auto order = npy_entry(text, "fortran_order");
    const auto shape = npy_entry(text, "shape");
    if (!kind || !order || !shape) return refused("its .npy header has no shape or kind");
    if (!kind->starts_with("'<f4'") && !kind->starts_with("'<f8'")) {
        return refused("its values are of the kind " +
                       std::string{kind->substr(0, kind->find(','))} +
                       ", not '<f4' or '<f8'; save it with .astype('float64')");
    }
    value_bytes_ = (*kind)[3] == '4' ? 4 : 8;
    is_by_column_ = order->starts_with("True");
    const std::vector<std::uint64_t> sizes = npy_shape(*shape);
    if (sizes.size() != 2) {
        return refused("its shape is " + std::string{shape->substr(0, shape->find(')') + 1)} +
                       ", not that of a matrix; save it with .reshape(rows, columns)");
    }
    rows_ = sizes[0];
    columns_ = sizes[1];
    begin_ = text_at + size;
    const std::uint64_t most = (file_.size() - begin_) / value_bytes_;
    if (rows_ == 0 || columns_ == 0) return refused("it has no values");
    if (columns_ > most / rows_ || file_.size() != begin_ + rows_ * columns_ * value_bytes_) {
        return refused("it is not as long as its shape, " + std::to_string(rows_) + " x " +
                       std::to_string(columns_) + ", says; save it again");
    }
    return {};
}

Result<void> MatrixFile::read_csv() {
    const auto text = file_.text(matrix_csv_bytes_max);
    if (!text) {
        return unexpected(text.error().code, text.error().message + "; save it as .npy instead");
    }
    is_in_memory_ = true;
    std::string_view rest{*text};
    if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
    std::optional<char> separator;
    for (std::uint64_t number = 1; !rest.empty(); ++number) {
        const std::size_t end = rest.find('\n');
        std::string_view line = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (trim_blanks(line).empty()) continue;
        const bool is_first = !separator;
        if (is_first) separator = separator_of(line);
        const std::vector<std::string_view> fields = fields_of(line, *separator);
        if (is_first) columns_ = fields.size();
        if (fields.size() != columns_) {
            return refused("line " + std::to_string(number) + " has " +
                           std::to_string(fields.size()) + " fields, and the first one " +
                           std::to_string(columns_));
        }
        if (is_first && !are_numbers(fields)) continue;  // A header.
        ++rows_;
        for (std::size_t column = 0; column < fields.size(); ++column) {
            const ParsedNumber field = parse_number(fields[column]);
            if (field.kind != NumberKind::Finite) {
                return refused("line " + std::to_string(number) + ", column " +
                               std::to_string(column + 1) + ": \"" +
                               std::string{fields[column].substr(0, 40)} +
                               "\" is not a finite number; a matrix has no missing values");
            }
            values_.push_back(field.value);
        }
    }
    if (rows_ == 0) return refused("it has no row of numbers");
    return {};
}

Result<void> MatrixFile::read_values(std::uint64_t first, std::span<double> to) const {
    std::vector<char> bytes(to.size() * value_bytes_);
    for (std::size_t filled = 0; filled < bytes.size();) {
        const auto taken =
            file_.read_at(begin_ + first * value_bytes_ + filled, std::span{bytes}.subspan(filled));
        if (!taken) return unexpected(taken.error());
        if (*taken == 0) {
            return unexpected(ErrorCode::Unavailable,
                              file_.name() + ": became shorter while it was read; try again");
        }
        filled += *taken;
    }
    ByteReader reader{std::as_bytes(std::span{bytes})};
    for (double& value : to) {
        value = value_bytes_ == 4 ? static_cast<double>(reader.number<float>())
                                  : reader.number<double>();
    }
    return {};
}

Result<std::vector<double>> MatrixFile::block(std::uint64_t first_row, std::uint64_t rows,
                                              std::uint64_t first_column,
                                              std::uint64_t columns) const {
    std::vector<double> block(static_cast<std::size_t>(rows * columns));
    if (is_in_memory_) {
        for (std::uint64_t row = 0; row < rows; ++row) {
            std::copy_n(values_.data() + (first_row + row) * columns_ + first_column, columns,
                        block.data() + row * columns);
        }
        return block;
    }
    std::vector<double> line(static_cast<std::size_t>(is_by_column_ ? rows : columns));
    const std::uint64_t lines = is_by_column_ ? columns : rows;
    for (std::uint64_t i = 0; i < lines; ++i) {
        const std::uint64_t first = is_by_column_ ? (first_column + i) * rows_ + first_row
                                                  : (first_row + i) * columns_ + first_column;
        if (auto read = read_values(first, line); !read) return unexpected(read.error());
        for (std::size_t at = 0; at < line.size(); ++at) {
            const std::uint64_t row = is_by_column_ ? at : i;
            const std::uint64_t column = is_by_column_ ? i : at;
            if (!std::isfinite(line[at])) {
                return refused(place_of(first_row + row, first_column + column) +
                               ": is not a finite number; replace it");
            }
            block[static_cast<std::size_t>(row * columns + column)] = line[at];
        }
    }
    return block;
}

std::string npy_header(std::uint64_t rows, std::uint64_t columns, std::uint32_t value_bytes) {
    std::string text = "{'descr': '<f" + std::to_string(value_bytes) +
                       "', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                       std::to_string(columns) + "), }";
    // The values begin at a multiple of 64 bytes.
    const std::size_t before = npy_magic.size() + 4;
    text.append(63 - (before + text.size()) % 64, ' ');
    text += '\n';
    std::string head{npy_magic};
    head += {'\x01', '\x00'};
    head += static_cast<char>(text.size() & 0xff);
    head += static_cast<char>(text.size() >> 8);
    return head + text;
}

std::string matrix_csv(ByteSpan values, std::uint64_t columns, std::uint32_t value_bytes) {
    std::string text;
    ByteReader reader{values};
    for (std::uint64_t column = 0; reader.left() > 0;) {
        if (value_bytes == 4) {
            append_number(text, reader.number<float>());
        } else {
            append_number(text, reader.number<double>());
        }
        column = (column + 1) % columns;
        text += column == 0 ? '\n' : ',';
    }
    return text;
}

}  // namespace netcompute::data
