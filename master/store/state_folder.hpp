#pragma once

#include <netcompute/result.hpp>

#include <cstddef>
#include <filesystem>

namespace netcompute::store {

/// Makes the state folder if need be, and this user's alone: what is in it lets others take over
/// workers' sessions. Folders are 0700 and files 0600, whatever the umask; those of a former
/// version are made so.
/// Returns how many folders and files others could get at until now. Errors: PermissionDenied for a
/// folder of another user, and for a link to a place where others could put another folder;
/// Unavailable if it cannot be made or used.
[[nodiscard]] Result<std::size_t> secure_state_folder(const std::filesystem::path& folder);

/// Makes a folder in the state folder, for this user alone, unless it is there.
/// Errors: Unavailable.
[[nodiscard]] Result<void> make_private_folder(const std::filesystem::path& folder);

}  // namespace netcompute::store
