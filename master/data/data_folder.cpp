#include "data/data_folder.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace netcompute::data {
namespace fs = std::filesystem;
namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr int reading_flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

void close_keeping_errno(int descriptor) {
    const int error = errno;
    ::close(descriptor);
    errno = error;
}

}  // namespace

SharedDescriptor share_descriptor(int descriptor) {
    return {new int{descriptor}, [](const int* number) {
                if (*number >= 0) ::close(*number);
                delete number;
            }};
}

int open_data_folder(const fs::path& root) {
    return ::open((root / "Data").c_str(), folder_flags);
}

int open_parent_below(int data_folder, const DataPath& path) {
    int folder = ::openat(data_folder, ".", folder_flags);
    for (const fs::path& part : fs::path{path.below}.parent_path()) {
        if (folder < 0) break;
        const int next = ::openat(folder, part.c_str(), folder_flags | O_NOFOLLOW);
        close_keeping_errno(std::exchange(folder, next));
    }
    return folder;
}

int open_below(int data_folder, const DataPath& path) {
    open_how how{};
    how.flags = reading_flags;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    const auto opened = ::syscall(SYS_openat2, data_folder, path.below.c_str(), &how, sizeof how);
    // Kernels before 5.6 have no such call, and some containers forbid it.
    if (opened >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(opened);
    const int folder = open_parent_below(data_folder, path);
    if (folder < 0) return -1;
    const int file =
        ::openat(folder, fs::path{path.below}.filename().c_str(), reading_flags | O_NOFOLLOW);
    close_keeping_errno(folder);
    return file;
}

}  // namespace netcompute::data
