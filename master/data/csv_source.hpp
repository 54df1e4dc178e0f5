#pragma once

#include "data/input_file.hpp"
#include <netcompute/result.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace netcompute::data {

/// Where a CSV's bytes come from.
class CsvSource {
 public:
    CsvSource() = default;
    CsvSource(const CsvSource&) = delete;
    CsvSource& operator=(const CsvSource&) = delete;
    virtual ~CsvSource() = default;

    /// Puts the next bytes into `target`, at least one unless the source has ended, and says how
    /// many; 0 is the end. Errors: what the file system reports.
    [[nodiscard]] virtual Result<std::size_t> read(std::span<char> target) = 0;
};

/// A file, read from its start.
[[nodiscard]] std::unique_ptr<CsvSource> csv_file_source(InputFile file);

/// A text that the caller keeps alive.
[[nodiscard]] std::unique_ptr<CsvSource> csv_text_source(std::string_view text);

}  // namespace netcompute::data
