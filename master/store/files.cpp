#include "store/files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace netcompute::store {
namespace fs = std::filesystem;
namespace {

Result<void> write_all(int descriptor, const fs::path& path, ByteSpan bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return file_error(path, "write", errno);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

std::string reason_and_next_step(int error_number) {
    const std::string reason =
        error_number == 0 ? "input/output error" : std::strerror(error_number);
    switch (error_number) {
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return reason + "; free some space";
        case ENOMEM:
            return reason + "; cut the job into smaller ones, or run the master on a PC with more";
        case EACCES:
        case EPERM:
        case EROFS:
            return reason + "; make the file and its folder writable";
        case ENOENT:
        case ENOTDIR:
            return reason + "; put it back, or choose another --state-dir";
        default:
            return reason + "; see to the disk";
    }
}

std::string shown_path(const fs::path& path) {
    return (path.parent_path().filename() / path.filename()).string();
}

Unexpected file_error(const fs::path& path, std::string_view what, int error_number) {
    return unexpected(error_number == ENOENT ? ErrorCode::NotFound : ErrorCode::Unavailable,
                      shown_path(path) + ": cannot " + std::string{what} + ": " +
                          reason_and_next_step(error_number));
}

Descriptor::~Descriptor() {
    if (number_ >= 0) ::close(number_);
}

Result<void> write_file(const fs::path& path, ByteSpan bytes, Flush flush) {
    Result<void> written;
    {
        const Descriptor file{
            ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
        if (file.get() < 0) return file_error(path, "write", errno);
        written = write_all(file.get(), path, bytes);
        if (written && flush == Flush::Yes && ::fsync(file.get()) != 0) {
            written = file_error(path, "write", errno);
        }
    }
    if (!written) ::unlink(path.c_str());
    return written;
}

Result<void> flush_folder(const fs::path& folder) {
    const Descriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (opened.get() < 0) return file_error(folder, "open", errno);
    // Some file systems have no such thing, and say so.
    if (::fsync(opened.get()) != 0 && errno != EINVAL) return file_error(folder, "write", errno);
    return {};
}

}  // namespace netcompute::store
