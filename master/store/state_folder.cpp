#include "store/state_folder.hpp"

#include "store/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace netcompute::store {
namespace fs = std::filesystem;
namespace {

constexpr mode_t others = 0077;

Unexpected unusable(const fs::path& folder, const std::string& why, std::string_view what = "use") {
    return unexpected(ErrorCode::Unavailable, folder.string() + ": cannot " + std::string{what} +
                                                  " this state folder: " + why +
                                                  "; choose another with --state-dir");
}

Unexpected not_safe(const fs::path& folder, const std::string& why) {
    return unexpected(ErrorCode::PermissionDenied,
                      folder.string() + ": this state folder " + why +
                          ", who could read and change all jobs; name one of your own with "
                          "--state-dir");
}

/// Where a link leads, nobody else may be able to put another folder.
Result<void> check_link(const fs::path& folder) {
    std::error_code error;
    if (!fs::is_symlink(folder, error)) return {};
    const fs::path target = fs::canonical(folder, error);
    if (error) return unusable(folder, "it is a link that leads nowhere");
    struct stat parent {};
    if (::stat(target.parent_path().c_str(), &parent) != 0) {
        return unusable(folder, std::strerror(errno));
    }
    if ((parent.st_mode & S_IWOTH) != 0) {
        return not_safe(folder, "is a link to " + target.string() +
                                    ", which lies where every user of this PC can write");
    }
    if (parent.st_uid != ::geteuid() && parent.st_uid != 0) {
        return not_safe(
            folder, "is a link to " + target.string() + ", which lies in a folder of another user");
    }
    return {};
}

/// Takes away what others may do with a file or folder; says whether there was anything.
Result<bool> close_to_others(const fs::path& path) {
    // Follow no link, and touch only our own files.
    const Descriptor opened{
        ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    struct stat status {};
    if (opened.get() < 0 || ::fstat(opened.get(), &status) != 0) return false;
    const bool is_file = S_ISREG(status.st_mode);
    if ((!is_file && !S_ISDIR(status.st_mode)) || status.st_uid != ::geteuid()) return false;
    if ((status.st_mode & others) == 0) return false;
    if (::fchmod(opened.get(), is_file ? 0600 : 0700) != 0) {
        return file_error(path, "keep from other users", errno);
    }
    return true;
}

}  // namespace

Result<std::size_t> secure_state_folder(const fs::path& folder) {
    std::error_code error;
    if (auto link = check_link(folder); !link) return unexpected(link.error());
    if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), error);
    if (error) return unusable(folder, error.message(), "make");
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        return unusable(folder, std::strerror(errno), "make");
    }
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) return unusable(folder, std::strerror(errno));
    if (!S_ISDIR(status.st_mode)) return unusable(folder, "it is not a folder");
    if (status.st_uid != ::geteuid()) return not_safe(folder, "belongs to another user");
    std::size_t closed = 0;
    // The folder first: from then on nobody new comes in.
    const fs::path real = fs::canonical(folder, error);
    if (error) return unusable(folder, error.message());
    const auto done = close_to_others(real);
    if (!done) return unexpected(done.error());
    if (*done) ++closed;
    for (fs::recursive_directory_iterator entry{real, error}, end; !error && entry != end;
         entry.increment(error)) {
        const auto one = close_to_others(entry->path());
        if (!one) return unexpected(one.error());
        if (*one) ++closed;
    }
    return closed;
}

Result<void> make_private_folder(const fs::path& folder) {
    if (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return {};
    return unexpected(ErrorCode::Unavailable,
                      file_error(folder, "make this folder", errno).error.message);
}

}  // namespace netcompute::store
