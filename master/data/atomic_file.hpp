#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <filesystem>

namespace netcompute::data {

/// Puts a file in place whole or not at all, also if the machine stops half way: a temporary file
/// beside it, fsync, rename, fsync of the folder. A file that is there is replaced, keeping its
/// permissions as far as the user may set them.
/// Errors, naming the path and the reason: NotFound for a missing folder, PermissionDenied,
/// InvalidArgument if a folder is in the way, Unavailable for a full disk. After an error the old
/// file is as it was, and nothing is left beside it.
[[nodiscard]] Result<void> write_file_atomically(const std::filesystem::path& path, ByteSpan bytes);

/// Whether write_file_atomically() can work in this folder, tried by making a file there: asked
/// before long work whose result goes there. Errors: NotFound, PermissionDenied, Unavailable.
[[nodiscard]] Result<void> check_writable_folder(const std::filesystem::path& folder);

}  // namespace netcompute::data
