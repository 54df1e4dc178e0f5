#include "store/state_lock.hpp"

#include "store/state_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace netcompute::store {

Result<StateLock> StateLock::take(const std::filesystem::path& folder) {
    const auto closed = secure_state_folder(folder);
    if (!closed) return unexpected(closed.error());
    const std::filesystem::path path = folder / "lock";
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return unexpected(ErrorCode::Unavailable,
                          path.string() + ": cannot write the state folder: " +
                              std::strerror(errno) + "; choose another with --state-dir");
    }
    StateLock lock{descriptor, *closed};
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        std::array<char, 32> holder{};
        const ssize_t size = ::pread(descriptor, holder.data(), holder.size() - 1, 0);
        const std::string pid = size > 0 ? std::string{holder.data()} : "unknown";
        return unexpected(ErrorCode::Unavailable,
                          folder.string() + ": another master (process " + pid +
                              ") uses this state folder; stop it or choose another --state-dir");
    }
    const std::string pid = std::to_string(::getpid());
    if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, pid.data(), pid.size(), 0) < 0) {
        return unexpected(ErrorCode::Unavailable,
                          path.string() + ": cannot write: " + std::strerror(errno));
    }
    return lock;
}

StateLock::StateLock(StateLock&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)}, closed_{other.closed_} {}

StateLock::~StateLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace netcompute::store
