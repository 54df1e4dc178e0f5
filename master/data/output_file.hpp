#pragma once

#include "data/data_folder.hpp"
#include "data/data_path.hpp"
#include "data/written_files.hpp"
#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <filesystem>
#include <optional>

namespace netcompute::data {

/// Whether write_output() could write this file now: asked before long work whose result goes
/// there. `before` is what a job of this master left there last, if one did. Gives the file that
/// would be replaced, if there is one.
///
/// A job makes new files, and replaces the named defaults and those that still hold what a job
/// left in them; never a link, an executable file, or what is no plain file. Errors, naming the
/// file as users do: PermissionDenied for these; NotFound for a missing folder; Unavailable for a
/// full disk.
[[nodiscard]] Result<std::optional<FileIdentity>> check_output(
    const std::filesystem::path& root, const DataPath& path,
    const std::optional<WrittenFile>& before);

/// Puts a file below Data/ in place, whole or not at all, also if the machine stops half way, with
/// the permissions of a new file. The rules are those of check_output(), and are kept whatever
/// somebody else does in the folder meanwhile; a file that holds these very bytes already is taken
/// for what this job left before the master was stopped. After an error what was there is as it
/// was.
[[nodiscard]] Result<void> write_output(const std::filesystem::path& root, const DataPath& path,
                                        ByteSpan bytes, const std::optional<WrittenFile>& before);

}  // namespace netcompute::data
