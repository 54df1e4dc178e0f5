#pragma once

#include "data/input_file.hpp"
#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::data {

/// A CSV file of a matrix is read as a whole.
inline constexpr std::uint64_t matrix_csv_bytes_max = std::uint64_t{1} << 30;

/// A matrix in a file: NumPy's .npy (two dimensions, f4 or f8, little-endian, in the order of C or
/// of Fortran), which is read where it lies; or lines of numbers with commas, semicolons, tabs or
/// blanks between them, below a header or without one.
class MatrixFile {
 public:
    /// Errors, naming the file: InvalidArgument for anything else, with the line and column of a
    /// field that is no finite number; LimitExceeded for a CSV file that is too large.
    [[nodiscard]] static Result<MatrixFile> open(const InputFile& file);

    [[nodiscard]] std::uint64_t rows() const { return rows_; }
    [[nodiscard]] std::uint64_t columns() const { return columns_; }
    /// Whether its numbers are f64; otherwise f32 holds them all.
    [[nodiscard]] bool is_double() const { return value_bytes_ == 8; }

    /// A block of it, row-major. Errors: InvalidArgument, with the place, for a value that is not
    /// finite; those of InputFile::read_at(); Unavailable where the file is shorter than it was.
    [[nodiscard]] Result<std::vector<double>> block(std::uint64_t first_row, std::uint64_t rows,
                                                    std::uint64_t first_column,
                                                    std::uint64_t columns) const;

 private:
    [[nodiscard]] Result<void> read_npy_header();
    [[nodiscard]] Result<void> read_csv();
    [[nodiscard]] Result<void> read_values(std::uint64_t first, std::span<double> to) const;
    [[nodiscard]] Unexpected refused(const std::string& what) const;

    InputFile file_;
    std::uint64_t rows_ = 0;
    std::uint64_t columns_ = 0;
    std::uint64_t begin_ = 0;  ///< Where the values begin.
    std::uint32_t value_bytes_ = 8;
    bool is_by_column_ = false;  ///< In the order of Fortran.
    bool is_in_memory_ = false;  ///< Then they are in values_, and not in the file.
    std::vector<double> values_;
};

/// The head of an .npy file of such a matrix, in the order of C; the values follow it.
[[nodiscard]] std::string npy_header(std::uint64_t rows, std::uint64_t columns,
                                     std::uint32_t value_bytes);

/// The lines of a matrix of f32 or f64 values, each number as the shortest text that reads as it.
[[nodiscard]] std::string matrix_csv(ByteSpan values, std::uint64_t columns,
                                     std::uint32_t value_bytes);

}  // namespace netcompute::data
