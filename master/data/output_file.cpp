#include "data/output_file.hpp"

#include "data/atomic_file.hpp"
#include "data/input_file.hpp"
#include <netcompute/json_file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace netcompute::data {
namespace fs = std::filesystem;
namespace {

constexpr mode_t output_mode = 0644;  // Less what the user's umask takes away.
constexpr mode_t executable_bits = 0111;

/// What stands under a name in an open folder.
struct Standing {
    bool is_there = false;
    struct stat status {};

    [[nodiscard]] FileIdentity identity() const { return {status.st_dev, status.st_ino}; }
    [[nodiscard]] bool is_same(const Standing& other) const {
        return is_there == other.is_there &&
               (!is_there ||
                (identity() == other.identity() && status.st_size == other.status.st_size &&
                 status.st_mtim.tv_sec == other.status.st_mtim.tv_sec &&
                 status.st_mtim.tv_nsec == other.status.st_mtim.tv_nsec));
    }
};

std::string file_name(const DataPath& path) {
    return fs::path{path.below}.filename().string();
}

Result<SharedDescriptor> open_folder_of(const fs::path& root, const DataPath& path) {
    const SharedDescriptor data_folder = share_descriptor(open_data_folder(root));
    if (*data_folder < 0) {
        return unexpected(errno == ENOENT ? Error{ErrorCode::NotFound,
                                                  "Data: there is no such folder; create it first"}
                                          : file_error("Data", "open", errno));
    }
    SharedDescriptor folder = share_descriptor(open_parent_below(*data_folder, path));
    if (*folder >= 0) return folder;
    const int error = errno;
    const std::string name = fs::path{path.shown()}.parent_path().string();
    if (error == ENOENT) {
        return unexpected(ErrorCode::NotFound, name + ": there is no such folder; create it first");
    }
    if (error == ELOOP || error == ENOTDIR) {
        return unexpected(ErrorCode::PermissionDenied,
                          name +
                              ": is not a folder, or is behind a link, and no job writes "
                              "through a link; name a real folder below Data/");
    }
    return unexpected(file_error(name, "open", error));
}

Result<Standing> look(int folder, const DataPath& path) {
    Standing standing;
    if (::fstatat(folder, file_name(path).c_str(), &standing.status, AT_SYMLINK_NOFOLLOW) == 0) {
        standing.is_there = true;
    } else if (errno != ENOENT) {
        return unexpected(file_error(path.shown(), "write", errno));
    }
    return standing;
}

Unexpected refused(const DataPath& path, std::string_view why) {
    return unexpected(ErrorCode::PermissionDenied,
                      path.shown() + ": " + std::string{why} +
                          ", and a job replaces no such file; choose another name");
}

Unexpected not_ours(const DataPath& path) {
    return unexpected(
        ErrorCode::PermissionDenied,
        path.shown() +
            ": is there already, and no job of this master made it as it is; a job "
            "replaces only what a job made: choose another name, or move the file away");
}

/// All but whose bytes it holds.
Result<void> check_kind(const Standing& standing, const DataPath& path) {
    if (!standing.is_there) return {};
    const mode_t mode = standing.status.st_mode;
    if (S_ISLNK(mode)) return refused(path, "is a link");
    if (S_ISDIR(mode)) return refused(path, "is a folder");
    if (!S_ISREG(mode)) return refused(path, "is not a plain file");
    if ((mode & executable_bits) != 0) return refused(path, "is executable");
    return {};
}

/// Of the file itself, if it is still the one that was looked at.
Result<Sha256> sha256_of(int folder, const DataPath& path, const Standing& standing) {
    const int descriptor = ::openat(folder, file_name(path).c_str(),
                                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0) return unexpected(file_error(path.shown(), "read", errno));
    const auto file = InputFile::take(descriptor, path.shown());
    if (!file) return unexpected(file.error());
    if (file->identity() != standing.identity()) return not_ours(path);
    return file->sha256();
}

/// Whether the file that stands there may go: see check_output().
Result<void> check_replaceable(int folder, const DataPath& path, const Standing& standing,
                               ByteSpan bytes, const std::optional<WrittenFile>& before) {
    if (!standing.is_there || is_named_default(path.shown())) return {};
    const auto size = static_cast<std::uint64_t>(standing.status.st_size);
    const bool may_be_former = before && before->size == size;
    if (!may_be_former && size != bytes.size()) return not_ours(path);
    const auto held = sha256_of(folder, path, standing);
    if (!held) return unexpected(held.error());
    if (may_be_former && *held == before->sha256) return {};
    if (*held == sha256(bytes)) return {};
    return not_ours(path);
}

}  // namespace

Result<std::optional<FileIdentity>> check_output(const fs::path& root, const DataPath& path,
                                                 const std::optional<WrittenFile>& before) {
    const auto folder = open_folder_of(root, path);
    if (!folder) return unexpected(folder.error());
    const auto standing = look(**folder, path);
    if (!standing) return unexpected(standing.error());
    if (auto kind = check_kind(*standing, path); !kind) return unexpected(kind.error());
    const auto size = static_cast<std::uint64_t>(standing->status.st_size);
    // The bytes themselves are compared when it is written: this answer may not take long.
    if (standing->is_there && !is_named_default(path.shown()) &&
        (!before || before->size != size)) {
        return not_ours(path);
    }
    const std::string shown = fs::path{path.shown()}.parent_path().string();
    if (auto tried = check_writable_folder(**folder, shown); !tried) {
        return unexpected(tried.error());
    }
    return standing->is_there ? std::optional{standing->identity()} : std::nullopt;
}

Result<void> write_output(const fs::path& root, const DataPath& path, ByteSpan bytes,
                          const std::optional<WrittenFile>& before) {
    const auto folder = open_folder_of(root, path);
    if (!folder) return unexpected(folder.error());
    const auto standing = look(**folder, path);
    if (!standing) return unexpected(standing.error());
    if (auto kind = check_kind(*standing, path); !kind) return kind;
    if (auto may = check_replaceable(**folder, path, *standing, bytes, before); !may) return may;
    const bool is_default = is_named_default(path.shown());
    // Asked once more when the new bytes are on the disk, just before they take the name. Two jobs
    // may write a default at a time; the last one's stays.
    const auto still_so = [&]() -> Result<void> {
        const auto now = look(**folder, path);
        if (!now) return unexpected(now.error());
        if (is_default) return check_kind(*now, path);
        return now->is_same(*standing) ? Result<void>{} : not_ours(path);
    };
    return write_file_at(**folder, file_name(path), bytes,
                         {output_mode, path.shown(), !standing->is_there && !is_default, still_so});
}

}  // namespace netcompute::data
