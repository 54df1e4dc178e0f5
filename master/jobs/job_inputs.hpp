#pragma once

#include "data/input_file.hpp"
#include "jobs/job_type.hpp"
#include <netcompute/result.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::jobs {

/// The files that a job reads while it is prepared, with their hashes. A file that changes between
/// its hash and the end of the reading would make a receipt that nobody can verify, so that is
/// looked for and refused.
class InputHashes {
 public:
    /// Hashes the file, which parameter `name` gives; call it before the file is read.
    /// Errors: what the file system reports, naming the file.
    [[nodiscard]] Result<void> add(std::string_view name, const data::InputFile& file);

    /// Everything that was added; call it after the files were read.
    /// Errors: Unavailable if one has changed meanwhile.
    [[nodiscard]] Result<std::vector<JobInput>> finish() const;

 private:
    struct Entry {
        JobInput input;
        data::InputFile file;
    };
    std::vector<Entry> entries_;
};

/// For JobRecord::inputs: [{"name", "path", "sha256"}, …]; the same text for the same inputs.
[[nodiscard]] std::string inputs_json(std::span<const JobInput> inputs);

}  // namespace netcompute::jobs
