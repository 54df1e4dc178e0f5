#pragma once

#include "engine/job_type.hpp"
#include <netcompute/result.hpp>

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::engine {

/// The files that a job reads while it is prepared, with their hashes. A file that changes between
/// its hash and the end of the reading would make a receipt that nobody can verify, so that is
/// looked for and refused.
class InputHashes {
 public:
    /// `root` is the folder that holds Data/.
    explicit InputHashes(const std::filesystem::path& root);

    /// Hashes the file, which parameter `name` gives; call it before the file is read.
    /// Errors: what the file system reports, naming the file.
    [[nodiscard]] Result<void> add(std::string_view name, const std::filesystem::path& file);

    /// Everything that was added; call it after the files were read.
    /// Errors: Unavailable if one has changed meanwhile.
    [[nodiscard]] Result<std::vector<JobInput>> finish() const;

 private:
    /// What changes when a file is written or replaced.
    struct Stamp {
        std::uintmax_t size = 0;
        std::filesystem::file_time_type written;
        friend bool operator==(const Stamp&, const Stamp&) = default;
    };
    struct Entry {
        JobInput input;
        std::filesystem::path file;
        Stamp stamp;
    };
    [[nodiscard]] static Result<Stamp> stamp_of(const std::filesystem::path& file);

    std::filesystem::path root_;
    std::vector<Entry> entries_;
};

/// The SHA-256 of a file's bytes. Errors: what the file system reports, naming the file.
[[nodiscard]] Result<Sha256> sha256_of_file(const std::filesystem::path& file);

/// For JobRecord::inputs: [{"name", "path", "sha256"}, …]; the same text for the same inputs.
[[nodiscard]] std::string inputs_json(std::span<const JobInput> inputs);

}  // namespace netcompute::engine
