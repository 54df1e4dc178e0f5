#pragma once

#include "data/dataset.hpp"
#include "jobs/job_type.hpp"
#include "params/reading_params.hpp"

#include <span>
#include <string>

namespace netcompute::jobs {

/// How a job's params say that its table is read, over what `usual` says.
[[nodiscard]] data::ReadingOptions reading_of(const ParamValues& values,
                                              const data::ReadingOptions& usual = {});

/// The column that names the rows, by its header: the one that the options say, or that is found
/// where they ask for that; empty: the rows are numbered.
[[nodiscard]] std::string id_column(const data::ReadingOptions& options,
                                    std::span<const std::string> header);

/// Errors: NotFound for a column of `columns` that the table does not have.
[[nodiscard]] Result<void> check_columns(std::string_view table,
                                         std::span<const std::string> header,
                                         const data::ReadingOptions& options);

/// What a model says of reading tables: what its training was told, and the decimal comma that it
/// found.
[[nodiscard]] data::ReadingOptions model_reading(data::ReadingOptions told,
                                                 const data::Table& table);

/// Says which column names the rows, where nobody had.
void add_id_note(const data::ReadingOptions& options, const std::string& id,
                 std::vector<std::string>& notes);

}  // namespace netcompute::jobs
