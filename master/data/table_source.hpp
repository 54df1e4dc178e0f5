#pragma once

#include "data/compression.hpp"
#include "data/csv_reader.hpp"
#include "data/reading_options.hpp"
#include <netcompute/result.hpp>

#include <memory>
#include <string>
#include <vector>

namespace netcompute::data {

/// A table that is open for reading, and how it is read.
struct OpenTable {
    CsvReader reader;
    Dialect dialect;
    Compression compression = Compression::None;
    DecodedSource* decoded = nullptr;  ///< Of the reader: says the encoding once all is read.
    /// What people should know of it, but for what only reading it shows.
    std::vector<std::string> notes;

    [[nodiscard]] TextEncoding encoding() const { return decoded->encoding(); }
};

/// Opens a table of any dialect, encoding and compression that there is a name for here: unpacks,
/// decodes, looks at the first 64 KiB and finds what `options` do not say.
/// Errors: those of detect_compression(), decompress(), decode_text() and CsvReader::open().
[[nodiscard]] Result<OpenTable> open_table(std::unique_ptr<CsvSource> source, std::string name,
                                           const ReadingOptions& options = {},
                                           const CsvLimits& limits = {});

}  // namespace netcompute::data
