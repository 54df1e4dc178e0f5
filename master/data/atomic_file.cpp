#include "data/atomic_file.hpp"

#include <netcompute/json_file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

namespace netcompute::data {
namespace {

constexpr mode_t new_file_mode = 0666;  // Less what the user's umask takes away.

/// A file of our own in the folder of the target; removed unless it was moved into place.
class TemporaryFile {
 public:
    TemporaryFile() = default;
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() {
        close();
        if (!path_.empty()) ::unlink(path_.c_str());
    }

    /// Returns 0 or the error number.
    [[nodiscard]] int create_beside(const std::filesystem::path& target) {
        static std::atomic<std::uint64_t> counter{0};
        for (;;) {
            std::filesystem::path candidate = target.parent_path();
            candidate /= "." + target.filename().string() + ".tmp-" + std::to_string(::getpid()) +
                         "-" + std::to_string(++counter);
            descriptor_ =
                ::open(candidate.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, new_file_mode);
            if (descriptor_ >= 0) {
                path_ = std::move(candidate);
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

    /// Best effort: a file that replaces another one is as readable as that one was.
    void copy_mode_of(const std::filesystem::path& target) {
        struct stat status {};
        if (::stat(target.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
        std::ignore = ::fchmod(descriptor_, status.st_mode & 07777U);
    }

    [[nodiscard]] int flush_and_close() {
        const int error = ::fsync(descriptor_) == 0 ? 0 : errno;
        close();
        return error;
    }

    [[nodiscard]] int move_to(const std::filesystem::path& target) {
        if (::rename(path_.c_str(), target.c_str()) != 0) return errno;
        path_.clear();
        return 0;
    }

 private:
    void close() {
        if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    }

    std::filesystem::path path_;
    int descriptor_ = -1;
};

std::filesystem::path folder_of(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
}

/// Makes the rename last. A file system that cannot flush a folder is no reason to fail.
void flush_folder(const std::filesystem::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    std::ignore = ::fsync(descriptor);
    ::close(descriptor);
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

Result<void> write_file_atomically(const std::filesystem::path& path, ByteSpan bytes) {
    if (!path.has_filename()) {
        return unexpected(ErrorCode::InvalidArgument,
                          "\"" + path.string() + "\": names no file to write");
    }
    TemporaryFile file;
    if (const int error = file.create_beside(path); error != 0) {
        return unexpected(folder_error(folder_of(path), error));
    }
    if (const int error = file.write(bytes); error != 0) {
        return unexpected(file_error(path, "write", error));
    }
    file.copy_mode_of(path);
    if (const int error = file.flush_and_close(); error != 0) {
        return unexpected(file_error(path, "write", error));
    }
    if (const int error = file.move_to(path); error != 0) {
        return unexpected(file_error(path, "replace", error));
    }
    flush_folder(folder_of(path));
    return {};
}

Result<void> check_writable_folder(const std::filesystem::path& folder) {
    TemporaryFile file;
    if (const int error = file.create_beside(folder / "netcompute"); error != 0) {
        return unexpected(folder_error(folder, error));
    }
    const std::byte probe{'\n'};
    if (const int error = file.write({&probe, 1}); error != 0) {
        return unexpected(file_error(folder, "write to a file in this folder", error));
    }
    if (const int error = file.flush_and_close(); error != 0) {
        return unexpected(file_error(folder, "write to a file in this folder", error));
    }
    return {};
}

}  // namespace netcompute::data
