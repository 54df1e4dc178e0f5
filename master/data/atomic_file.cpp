#include "data/atomic_file.hpp"

#include <netcompute/json_file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

namespace netcompute::data {
namespace {

/// A file of our own in an open folder; removed unless it was moved into place.
class TemporaryFile {
 public:
    explicit TemporaryFile(int folder) : folder_{folder} {}
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() {
        close();
        if (!name_.empty()) ::unlinkat(folder_, name_.c_str(), 0);
    }

    /// Returns 0 or the error number.
    [[nodiscard]] int create_beside(const std::string& target, mode_t mode) {
        static std::atomic<std::uint64_t> counter{0};
        for (;;) {
            std::string candidate = "." + target + ".tmp-" + std::to_string(::getpid()) + "-" +
                                    std::to_string(++counter);
            descriptor_ = ::openat(folder_, candidate.c_str(),
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
            if (descriptor_ >= 0) {
                name_ = std::move(candidate);
                return 0;
            }
            if (errno != EEXIST && errno != EINTR) return errno;
        }
    }

    [[nodiscard]] int write(ByteSpan bytes) {
        while (!bytes.empty()) {
            const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
            if (written < 0 && errno != EINTR) return errno;
            if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
        }
        return 0;
    }

    [[nodiscard]] int flush_and_close() {
        const int error = ::fsync(descriptor_) == 0 ? 0 : errno;
        close();
        return error;
    }

    [[nodiscard]] int move_to(const std::string& target, bool is_new) {
        if (const int error = move_into_place(folder_, name_, target, is_new); error != 0) {
            return error;
        }
        name_.clear();
        return 0;
    }

 private:
    void close() {
        if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    }

    int folder_;
    std::string name_;
    int descriptor_ = -1;
};

std::filesystem::path folder_of(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
}

Error folder_error(const std::filesystem::path& folder, int error_number) {
    Error error = file_error(folder, "create a file in this folder", error_number);
    if (error_number == ENOENT) {
        error.message = folder.string() + ": there is no such folder; create it first";
    }
    if (error_number == ENOTDIR) {
        error.message = folder.string() + ": is not a folder";
    }
    return error;
}

}  // namespace

int move_into_place(int folder, const std::string& from, const std::string& to, bool is_new) {
    const unsigned int flags = is_new ? RENAME_NOREPLACE : 0;
    int moved = ::renameat2(folder, from.c_str(), folder, to.c_str(), flags);
    // Some file systems know no flags.
    if (moved != 0 && is_new && (errno == EINVAL || errno == ENOSYS)) {
        moved = ::renameat(folder, from.c_str(), folder, to.c_str());
    }
    return moved == 0 ? 0 : errno;
}

Result<void> write_file_at(int folder, const std::string& name, ByteSpan bytes,
                           const AtomicWrite& how) {
    TemporaryFile file{folder};
    if (const int error = file.create_beside(name, how.mode); error != 0) {
        return unexpected(folder_error(folder_of(how.shown), error));
    }
    if (const int error = file.write(bytes); error != 0) {
        return unexpected(file_error(how.shown, "write", error));
    }
    if (const int error = file.flush_and_close(); error != 0) {
        return unexpected(file_error(how.shown, "write", error));
    }
    if (how.may_go_on) {
        if (auto may = how.may_go_on(); !may) return may;
    }
    if (const int error = file.move_to(name, how.is_new); error != 0) {
        return unexpected(file_error(how.shown, "replace", error));
    }
    // Makes the rename last. A file system that cannot flush a folder is no reason to fail.
    std::ignore = ::fsync(folder);
    return {};
}

Result<void> write_file_atomically(const std::filesystem::path& path, ByteSpan bytes, mode_t mode) {
    if (!path.has_filename()) {
        return unexpected(ErrorCode::InvalidArgument,
                          "\"" + path.string() + "\": names no file to write");
    }
    const std::filesystem::path folder = folder_of(path);
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return unexpected(folder_error(folder, errno));
    auto written =
        write_file_at(descriptor, path.filename().string(), bytes, {mode, path.string()});
    ::close(descriptor);
    return written;
}

Result<void> check_writable_folder(int folder, const std::string& shown) {
    constexpr mode_t probe_mode = 0600;
    TemporaryFile file{folder};
    if (const int error = file.create_beside("netcompute", probe_mode); error != 0) {
        return unexpected(folder_error(shown, error));
    }
    const std::byte probe{'\n'};
    if (const int error = file.write({&probe, 1}); error != 0) {
        return unexpected(file_error(shown, "write to a file in this folder", error));
    }
    if (const int error = file.flush_and_close(); error != 0) {
        return unexpected(file_error(shown, "write to a file in this folder", error));
    }
    return {};
}

}  // namespace netcompute::data
