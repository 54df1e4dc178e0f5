#pragma once

#include "data/input_file.hpp"
#include "jobs/job_type.hpp"
#include <netcompute/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netcompute::jobs {

/// The files that a job reads while it is prepared, with their hashes. A file that changes between
/// its opening and its hash would make a receipt that nobody can verify, so that is looked for and
/// refused.
class InputHashes {
 public:
    /// `datasets` knows the hashes of files that are as they were; nullptr: nobody does.
    explicit InputHashes(data::DatasetCatalog* datasets)
        : datasets_{datasets}, since_{datasets == nullptr ? 0 : datasets->since()} {}

    /// The file that parameter `name` gives; call it before the file is read. `from`: the job that
    /// wrote it, and what it wrote, where the parameter says so.
    void add(std::string_view name, const data::InputFile& file,
             std::optional<std::pair<std::string, Sha256>> from = {});

    /// Everything that was added, with its hash; call it after the files were read. Errors:
    /// Unavailable if one has changed meanwhile; InvalidArgument for one that is not as its job
    /// left it; what the file system reports, naming the file.
    [[nodiscard]] Result<std::vector<JobInput>> finish() const;

 private:
    struct Entry {
        std::string name;
        data::InputFile file;
        std::optional<std::pair<std::string, Sha256>> from;
    };
    data::DatasetCatalog* datasets_;
    std::uint64_t since_;
    std::vector<Entry> entries_;
};

}  // namespace netcompute::jobs
