#pragma once

#include "data/csv_source.hpp"
#include <netcompute/result.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace netcompute::data {

enum class Compression { None, Gzip, Zstandard };

/// By a file's first bytes; the first 4 are enough. Errors: InvalidArgument, naming what the file
/// is and what to do, for kinds of files that hold no plain table: workbooks, Parquet, other
/// archives.
[[nodiscard]] Result<Compression> detect_compression(std::string_view first_bytes,
                                                     std::string_view name);

/// What `source` is the compressed form of; it is read to its end. Memory: a window of at most
/// 128 MiB for Zstandard, else little. Errors, naming the table: InvalidArgument for bytes that are
/// damaged or end too early; those of the source.
[[nodiscard]] std::unique_ptr<CsvSource> decompress(std::unique_ptr<CsvSource> source,
                                                    Compression compression, std::string name);

/// "gzip", "zstd"; empty for None.
[[nodiscard]] std::string_view compression_name(Compression compression);

}  // namespace netcompute::data
