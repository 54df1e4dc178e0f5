#include "data/uploads.hpp"

#include "data/atomic_file.hpp"
#include "data/input_file.hpp"
#include <netcompute/json_file.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <utility>

namespace netcompute::data {
namespace {

constexpr std::string_view folder_name = "uploads";
constexpr std::string_view partial_end = ".part";  // Of ".train.csv.part".
constexpr mode_t file_mode = 0644;
constexpr mode_t folder_mode = 0755;
constexpr std::time_t partial_seconds_max = 7 * 24 * 3600;
constexpr std::uint64_t reserve_step_bytes = std::uint64_t{64} << 20;

std::string partial_name(const std::string& name) {
    return "." + name + std::string{partial_end};
}

/// What a partial file's name stands for; nothing for any other name.
std::optional<std::string> whole_name(std::string_view name) {
    if (name.size() < 2 + partial_end.size() || name.front() != '.' || !name.ends_with(partial_end))
        return std::nullopt;
    return std::string{name.substr(1, name.size() - 1 - partial_end.size())};
}

struct Entry {
    std::string name;
    struct stat status {};
};

/// The plain files of a folder, by name.
std::vector<Entry> entries_of(int folder) {
    std::vector<Entry> entries;
    const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* const stream = copy < 0 ? nullptr : ::fdopendir(copy);
    if (stream == nullptr) {
        if (copy >= 0) ::close(copy);
        return entries;
    }
    while (const dirent* const each = ::readdir(stream)) {
        Entry entry{each->d_name, {}};
        const bool is_plain =
            ::fstatat(folder, each->d_name, &entry.status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(entry.status.st_mode);
        if (is_plain) entries.push_back(std::move(entry));
    }
    ::closedir(stream);
    std::ranges::sort(entries, {}, &Entry::name);
    return entries;
}

std::optional<struct stat> look(int folder, const std::string& name) {
    struct stat status {};
    if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
    return status;
}

std::uint64_t size_of(const struct stat& status) {
    return static_cast<std::uint64_t>(status.st_size);
}

Unexpected is_other(const DataPath& path) {
    return unexpected(ErrorCode::Conflict,
                      path.shown() +
                          ": is there already, with other bytes; choose another name, or say that "
                          "it may be replaced (?replace=true)");
}

Unexpected too_much(const DataPath& path, std::uint64_t bytes_max) {
    return unexpected(ErrorCode::LimitExceeded,
                      path.shown() + ": all uploads together may take " +
                          std::to_string(bytes_max) +
                          " bytes (limits.upload_bytes in config.json); delete some first");
}

Unexpected disk_full(const DataPath& path) {
    return unexpected(
        ErrorCode::Unavailable,
        path.shown() + ": the master's disk has no room for it; make room there first");
}

}  // namespace

void Uploads::set_bytes_max(std::uint64_t bytes_max) {
    const std::lock_guard lock{state_->mutex};
    state_->bytes_max = bytes_max;
}

Result<DataPath> Uploads::path_of(const std::string& name) const {
    if (name.empty() || name.find('/') != std::string::npos) {
        return unexpected(ErrorCode::InvalidArgument,
                          "\"" + name +
                              "\" is not the name of a file to send; give one without folders, "
                              "like train.csv");
    }
    return parse_data_path(root_, "Data/" + std::string{folder_name} + "/" + name);
}

Result<SharedDescriptor> Uploads::open_folder(bool makes_it) const {
    const SharedDescriptor data_folder = share_descriptor(open_data_folder(root_));
    if (*data_folder < 0) {
        return unexpected(errno == ENOENT ? Error{ErrorCode::NotFound,
                                                  "Data: there is no such folder; create it first"}
                                          : file_error("Data", "open", errno));
    }
    const DataPath inside{std::string{folder_name} + "/x"};
    SharedDescriptor folder = share_descriptor(open_parent_below(*data_folder, inside));
    if (*folder < 0 && errno == ENOENT && makes_it) {
        const int made = ::mkdirat(*data_folder, std::string{folder_name}.c_str(), folder_mode);
        if (made != 0 && errno != EEXIST) {
            return unexpected(file_error("Data/uploads", "create this folder", errno));
        }
        folder = share_descriptor(open_parent_below(*data_folder, inside));
    }
    if (*folder >= 0) return folder;
    const int error = errno;
    if (error == ELOOP || error == ENOTDIR) {
        return unexpected(ErrorCode::PermissionDenied,
                          "Data/uploads: is not a folder, or is a link, and nothing is uploaded "
                          "through a link; move it away");
    }
    return unexpected(file_error("Data/uploads", "open", error));
}

Result<std::uint64_t> Uploads::State::room_for(int folder, const DataPath& path,
                                               std::uint64_t bytes) const {
    std::uint64_t used = reserved;
    for (const Entry& entry : entries_of(folder)) used += size_of(entry.status);
    if (used > bytes_max || bytes > bytes_max - used) return too_much(path, bytes_max);
    std::uint64_t room = bytes_max - used;
    struct statvfs disk {};
    if (::fstatvfs(folder, &disk) == 0) {
        const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
        const std::uint64_t kept = free_bytes_min + reserved;
        if (free < kept || bytes > free - kept) return disk_full(path);
        room = std::min(room, free - kept);
    }
    return room;
}

Result<std::unique_ptr<Uploads::Receiving>> Uploads::begin(const SentFile& file) {
    auto path = path_of(file.name);
    if (!path) return unexpected(path.error());
    auto folder = open_folder(true);
    if (!folder) return unexpected(folder.error());
    const std::lock_guard lock{state_->mutex};
    const auto before = state_->coming.find(file.name);
    const bool is_coming = before != state_->coming.end();
    if (is_coming) {
        const std::unique_lock turn{before->second->mutex, std::try_to_lock};
        const auto partial = look(**folder, partial_name(file.name));
        if (!turn || file.offset == 0 || !partial || size_of(*partial) != file.offset) {
            return unexpected(ErrorCode::Conflict,
                              path->shown() + ": somebody sends this file just now, and " +
                                  std::to_string(partial ? size_of(*partial) : 0) +
                                  " bytes have come; go on there, or choose another name");
        }
        before->second->is_over = true;
        state_->reserved -= std::exchange(before->second->room, 0);
    }
    if (!is_coming && state_->coming.size() >= at_a_time_max) {
        return unexpected(ErrorCode::LimitExceeded,
                          path->shown() + ": " + std::to_string(state_->coming.size()) +
                              " files come just now, as many as this master takes at a time; send "
                              "it again in a moment");
    }
    const std::time_t now = std::time(nullptr);
    for (const Entry& entry : entries_of(**folder)) {
        const auto whole = whole_name(entry.name);
        if (whole && !state_->coming.contains(*whole) && *whole != file.name &&
            entry.status.st_mtime + partial_seconds_max < now) {
            ::unlinkat(**folder, entry.name.c_str(), 0);
        }
    }
    if (const auto standing = look(**folder, file.name)) {
        if (!S_ISREG(standing->st_mode)) {
            return unexpected(ErrorCode::PermissionDenied,
                              path->shown() + ": is not a plain file; choose another name");
        }
        const bool is_same_size = !file.total || size_of(*standing) == *file.total;
        if (!file.may_replace && !is_same_size) return is_other(*path);
    }
    if (file.total && *file.total > file.offset) {
        const auto room = state_->room_for(**folder, *path, *file.total - file.offset);
        if (!room) return unexpected(room.error());
    }
    std::unique_ptr<Receiving> receiving{new Receiving{state_, file, std::move(*path)}};
    if (auto opened = receiving->open(std::move(*folder)); !opened) {
        return unexpected(opened.error());
    }
    state_->coming[file.name] = receiving->turn_;
    return receiving;
}

Result<Upload> Uploads::find(const std::string& name) const {
    auto path = path_of(name);
    if (!path) return unexpected(path.error());
    const Unexpected missing = unexpected(
        ErrorCode::NotFound,
        path->shown() + ": there is no such upload; GET /api/v1/files lists those that there are");
    const auto folder = open_folder(false);
    if (!folder) return missing;
    for (const bool is_complete : {true, false}) {
        const auto status = look(**folder, is_complete ? name : partial_name(name));
        if (status && S_ISREG(status->st_mode)) return Upload{*path, size_of(*status), is_complete};
    }
    return missing;
}

Result<std::vector<Upload>> Uploads::list() const {
    std::vector<Upload> uploads;
    const auto folder = open_folder(false);
    if (!folder) return uploads;
    for (const Entry& entry : entries_of(**folder)) {
        const auto whole = whole_name(entry.name);
        if (!whole && entry.name.front() == '.') continue;
        uploads.push_back({{std::string{folder_name} + "/" + whole.value_or(entry.name)},
                           size_of(entry.status),
                           !whole});
    }
    std::ranges::stable_sort(uploads, {}, [](const Upload& each) { return each.path.below; });
    return uploads;
}

Result<void> Uploads::erase(const std::string& name) {
    const auto path = path_of(name);
    if (!path) return unexpected(path.error());
    const std::lock_guard lock{state_->mutex};
    if (state_->coming.contains(name)) {
        return unexpected(
            ErrorCode::Conflict,
            path->shown() + ": somebody sends this file just now; delete it once that is over");
    }
    const auto folder = open_folder(false);
    bool was_there = false;
    for (const std::string& each : {name, partial_name(name)}) {
        const auto status = folder ? look(**folder, each) : std::nullopt;
        if (!status || !S_ISREG(status->st_mode)) continue;
        if (::unlinkat(**folder, each.c_str(), 0) != 0) {
            return unexpected(file_error(path->shown(), "delete", errno));
        }
        was_there = true;
    }
    if (was_there) return {};
    return unexpected(
        ErrorCode::NotFound,
        path->shown() + ": there is no such upload; GET /api/v1/files lists those that there are");
}

Uploads::Receiving::~Receiving() {
    if (!descriptor_) return;
    const std::lock_guard lock{state_->mutex};
    state_->reserved -= turn_->room;
    const auto mine = state_->coming.find(file_.name);
    if (mine == state_->coming.end() || mine->second != turn_) return;
    if (bytes_ == 0 && !is_in_place_) discard();
    state_->coming.erase(mine);
}

Result<void> Uploads::Receiving::open(SharedDescriptor folder) {
    folder_ = std::move(folder);
    SharedDescriptor descriptor = share_descriptor(
        ::openat(*folder_, partial_name(file_.name).c_str(),
                 (file_.offset == 0 ? O_CREAT : 0) | O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                 file_mode));
    struct stat status {};
    status.st_mode = S_IFREG;
    const bool is_missing = *descriptor < 0 && errno == ENOENT;
    if (!is_missing && (*descriptor < 0 || ::fstat(*descriptor, &status) != 0)) {
        return unexpected(file_error(path_.shown(), "write", errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return unexpected(ErrorCode::PermissionDenied,
                          path_.shown() + ": what has come of it is not a plain file");
    }
    const std::uint64_t there = size_of(status);
    if (file_.offset != 0 && file_.offset != there) {
        return unexpected(ErrorCode::Conflict, path_.shown() + ": " + std::to_string(there) +
                                                   " bytes have come so far, so the rest begins "
                                                   "there and not at " +
                                                   std::to_string(file_.offset));
    }
    if (file_.offset == 0 && there != 0 && ::ftruncate(*descriptor, 0) != 0) {
        return unexpected(file_error(path_.shown(), "write", errno));
    }
    bytes_ = file_.offset;
    descriptor_ = std::move(descriptor);
    return {};
}

Result<void> Uploads::Receiving::append(ByteSpan bytes) {
    if (file_.total && bytes.size() > *file_.total - bytes_) {
        return unexpected(ErrorCode::InvalidArgument,
                          path_.shown() + ": more bytes came than the " +
                              std::to_string(*file_.total) +
                              " that were announced; announce its size, and send it again");
    }
    if (std::unique_lock lock{state_->mutex}; turn_->room < bytes.size()) {
        const auto room = state_->room_for(*folder_, path_, bytes.size());
        if (!room) {
            if (state_->coming[file_.name] == turn_) discard();
            return unexpected(room.error());
        }
        const std::uint64_t rest = file_.total ? *file_.total - bytes_ : reserve_step_bytes;
        const std::uint64_t more =
            std::max<std::uint64_t>(bytes.size(), std::min({*room, rest, reserve_step_bytes}));
        state_->reserved += more;
        turn_->room += more;
    }
    hash_.add(bytes);
    const std::uint64_t bytes_before = bytes_;
    auto written = write(bytes);
    const std::lock_guard lock{state_->mutex};
    const std::uint64_t used = std::min(bytes_ - bytes_before, turn_->room);
    turn_->room -= used;
    state_->reserved -= used;
    return written;
}

Unexpected Uploads::Receiving::taken_over() const {
    return unexpected(ErrorCode::Conflict,
                      path_.shown() + ": another call goes on with this file; this one is over");
}

Result<void> Uploads::Receiving::write(ByteSpan bytes) {
    const std::lock_guard lock{turn_->mutex};
    if (turn_->is_over) return taken_over();
    while (!bytes.empty()) {
        const ssize_t written =
            ::pwrite(*descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(bytes_));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            const int error = errno;
            if (error != ENOSPC && error != EDQUOT) {
                return unexpected(file_error(path_.shown(), "write", error));
            }
            discard();
            return disk_full(path_);
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
        bytes_ += static_cast<std::uint64_t>(written);
    }
    return {};
}

/// What was found wrong, or has no room, is of no use.
void Uploads::Receiving::discard() {
    ::unlinkat(*folder_, partial_name(file_.name).c_str(), 0);
}

Result<Sha256> Uploads::Receiving::hash() {
    if (file_.offset == 0) return hash_.finish();
    auto file = InputFile::take(::fcntl(*descriptor_, F_DUPFD_CLOEXEC, 0), path_.shown());
    return file ? file->sha256() : Result<Sha256>{unexpected(file.error())};
}

/// Whether these bytes stand there under this name. Errors: Conflict for others that may not go.
Result<bool> Uploads::Receiving::is_there_already(const Sha256& sha256) const {
    if (!look(*folder_, file_.name)) return false;
    const int descriptor = ::openat(*folder_, file_.name.c_str(),
                                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0) return unexpected(file_error(path_.shown(), "read", errno));
    const auto standing = InputFile::take(descriptor, path_.shown());
    if (!standing) return unexpected(standing.error());
    if (standing->size() == bytes_) {
        const auto held = standing->sha256();
        if (!held) return unexpected(held.error());
        if (*held == sha256) return true;
    }
    if (!file_.may_replace) return is_other(path_);
    return false;
}

Result<Upload> Uploads::Receiving::finish() {
    const std::lock_guard lock{turn_->mutex};
    if (turn_->is_over) return taken_over();
    if (file_.total && bytes_ < *file_.total) return Upload{path_, bytes_, false};
    const auto sha256 = hash();
    if (!sha256) return unexpected(sha256.error());
    if (file_.sha256 && *file_.sha256 != *sha256) {
        discard();
        return unexpected(ErrorCode::InvalidArgument,
                          path_.shown() + ": the bytes that came have the SHA-256 " +
                              to_hex(*sha256) + ", not " + to_hex(*file_.sha256) +
                              " as announced; send the file again");
    }
    const auto stands = is_there_already(*sha256);
    if (!stands || *stands) discard();
    if (!stands) return unexpected(stands.error());
    const Upload upload{path_, bytes_, true, *sha256};
    if (*stands) return upload;
    if (::fsync(*descriptor_) != 0) return unexpected(file_error(path_.shown(), "write", errno));
    const int error =
        move_into_place(*folder_, partial_name(file_.name), file_.name, !file_.may_replace);
    if (error == EEXIST) return is_other(path_);
    if (error != 0) return unexpected(file_error(path_.shown(), "replace", error));
    is_in_place_ = true;
    // A file system that cannot flush a folder is no reason to fail.
    std::ignore = ::fsync(*folder_);
    return upload;
}

}  // namespace netcompute::data
