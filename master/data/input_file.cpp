#include "data/input_file.hpp"

#include "data/file_hash.hpp"
#include <netcompute/json_file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace netcompute::data {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t hash_buffer_bytes = std::size_t{1} << 20;

std::int64_t nanoseconds(const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileStamp stamp_of(const struct stat& status) {
    return {{status.st_dev, status.st_ino},
            static_cast<std::uint64_t>(status.st_size),
            nanoseconds(status.st_mtim),
            nanoseconds(status.st_ctim)};
}

/// Why a file below Data/ could not be opened, in the words of who named it.
Error opening_error(const std::string& name, int error_number) {
    if (error_number == EXDEV || error_number == ELOOP) {
        return {ErrorCode::PermissionDenied,
                name +
                    ": is a link, or lies behind one, that leads out of Data/ or nowhere; put "
                    "the file itself below Data/"};
    }
    if (error_number == ENOENT || error_number == ENOTDIR) {
        return {ErrorCode::NotFound, name + ": there is no such file"};
    }
    // What a device or a socket answers when it is opened.
    if (error_number == ENXIO || error_number == ENODEV) {
        return {ErrorCode::InvalidArgument,
                name + ": is not a plain file; save what it gives in one"};
    }
    return file_error(name, "open", error_number);
}

}  // namespace

Result<InputFile> InputFile::open_below(const fs::path& root, const DataPath& path) {
    const int folder = open_data_folder(root);
    if (folder < 0) return unexpected(opening_error("Data", errno));
    const int file = data::open_below(folder, path);
    const int error = errno;
    ::close(folder);
    if (file < 0) return unexpected(opening_error(path.shown(), error));
    return take(file, path.shown());
}

Result<InputFile> InputFile::open(const fs::path& path, std::string name) {
    const int file = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0) return unexpected(opening_error(name, errno));
    return take(file, std::move(name));
}

Result<InputFile> InputFile::take(int descriptor, std::string name) {
    InputFile file;
    file.descriptor_ = share_descriptor(descriptor);
    file.name_ = std::move(name);
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) {
        return unexpected(file_error(file.name_, "open", errno));
    }
    if (S_ISDIR(status.st_mode)) {
        return unexpected(ErrorCode::InvalidArgument,
                          file.name_ + ": is a folder; name a file in it");
    }
    if (!S_ISREG(status.st_mode)) {
        return unexpected(ErrorCode::InvalidArgument,
                          file.name_ +
                              ": is not a plain file; a job may read its input again, "
                              "after a restart of the master: save it in a file first");
    }
    file.stamp_ = stamp_of(status);
    return file;
}

Result<std::size_t> InputFile::read_at(std::uint64_t offset, std::span<char> target) const {
    const std::uint64_t left = size() - std::min(offset, size());
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, target.size()));
    for (;;) {
        const ssize_t taken =
            ::pread(*descriptor_, target.data(), wanted, static_cast<off_t>(offset));
        if (taken >= 0) return static_cast<std::size_t>(taken);
        if (errno != EINTR) return unexpected(file_error(name_, "read", errno));
    }
}

Result<std::string> InputFile::text(std::size_t bytes_max) const {
    if (size() > bytes_max) {
        return unexpected(ErrorCode::LimitExceeded,
                          name_ + ": is larger than " + std::to_string(bytes_max) + " bytes");
    }
    std::string text(static_cast<std::size_t>(size()), '\0');
    std::size_t filled = 0;
    while (filled < text.size()) {
        const auto taken = read_at(filled, std::span{text}.subspan(filled));
        if (!taken) return unexpected(taken.error());
        if (*taken == 0) break;
        filled += *taken;
    }
    text.resize(filled);
    return text;
}

Result<Sha256> InputFile::sha256() const {
    // Read, not mapped: a file that somebody shortens meanwhile must not end the process.
    FileHash hash;
    std::vector<char> buffer(std::min<std::uint64_t>(size() + 1, hash_buffer_bytes));
    for (std::uint64_t offset = 0;;) {
        const auto taken = read_at(offset, buffer);
        if (!taken) return unexpected(taken.error());
        if (*taken == 0) return hash.finish();
        hash.add(std::as_bytes(std::span{buffer}.first(*taken)));
        offset += *taken;
    }
}

bool InputFile::is_unchanged() const {
    struct stat status {};
    return ::fstat(*descriptor_, &status) == 0 && stamp_of(status) == stamp_;
}

}  // namespace netcompute::data
