#pragma once

#include "data/csv_reader.hpp"
#include "data/dataset.hpp"
#include "data/table_source.hpp"
#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <functional>
#include <memory>

namespace netcompute::data {

/// Takes the bytes of a file, piece by piece. Errors: what the file system reports.
using ByteSink = std::function<Result<void>(ByteSpan)>;

/// Reads a table, whose reader stands before its first row, to the bytes that Dataset::open()
/// takes: the same for the same table and options. It holds each column once in memory, until that
/// has gone to the sink. Errors: those of CsvReader and of the sink.
[[nodiscard]] Result<void> read_dataset(CsvReader& reader, const ReadingOptions& options,
                                        const ByteSink& sink);

/// The same of a table that open_table() opened. `options` are those that it was opened with.
[[nodiscard]] Result<void> read_dataset(OpenTable& table, const ReadingOptions& options,
                                        const ByteSink& sink);

/// The same into memory.
[[nodiscard]] Result<std::shared_ptr<const Dataset>> read_dataset(OpenTable& table,
                                                                  const ReadingOptions& options);
[[nodiscard]] Result<std::shared_ptr<const Dataset>> read_dataset(CsvReader& reader,
                                                                  const ReadingOptions& options);

}  // namespace netcompute::data
