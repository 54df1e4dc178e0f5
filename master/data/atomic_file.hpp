#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace netcompute::data {

struct AtomicWrite {
    mode_t mode = 0644;   ///< Less what the umask takes away; nothing of a former file's.
    std::string shown;    ///< What messages call the file.
    bool is_new = false;  ///< A file that has come meanwhile is an error, and is left alone.
    /// Asked when the bytes are on the disk, just before they take the name; its error ends it.
    std::function<Result<void>()> may_go_on = {};
};

/// Puts a file in place whole or not at all, also if the machine stops half way: a temporary file
/// beside it, fsync, rename, fsync of the folder. `folder` is open; `name` is a plain name in it.
/// Errors, naming the path and the reason: PermissionDenied, InvalidArgument if a folder is in the
/// way, Unavailable for a full disk. After an error the old file is as it was, and nothing is left
/// beside it.
[[nodiscard]] Result<void> write_file_at(int folder, const std::string& name, ByteSpan bytes,
                                         const AtomicWrite& how);

/// The same by its path. Errors: also NotFound for a missing folder.
[[nodiscard]] Result<void> write_file_atomically(const std::filesystem::path& path, ByteSpan bytes,
                                                 mode_t mode = 0644);

/// Gives a file in an open folder another name there. `is_new`: a file that has that name is left
/// as it is (EEXIST). Returns 0 or the error number.
[[nodiscard]] int move_into_place(int folder, const std::string& from, const std::string& to,
                                  bool is_new);

/// Whether write_file_at() can work in this folder, tried by making a file there: asked before long
/// work whose result goes there. Errors: PermissionDenied, Unavailable; they call it `shown`.
[[nodiscard]] Result<void> check_writable_folder(int folder, const std::string& shown);

}  // namespace netcompute::data
