#include "server/backup_command.hpp"

#include "server/backup_service.hpp"
#include "store/files.hpp"
#include "store/state_lock.hpp"
#include "store/store_backup.hpp"
#include <netcompute/logging.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <utility>

namespace netcompute::server {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using Protocol = asio::local::stream_protocol;

template <typename T>
T taken(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// A file beside the target, for this user alone, that takes its place once it is whole.
class Draft {
 public:
    explicit Draft(fs::path target)
        : target_{std::move(target)},
          path_{target_.string() + "." + std::to_string(::getpid())},
          file_{::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)} {
        if (file_.get() < 0) fail("make");
    }
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;
    ~Draft() {
        std::error_code ignored;
        fs::remove(path_, ignored);  // It has another name by now if all went well.
    }

    /// Returns how many bytes the file has.
    std::uint64_t copy_from(const fs::path& source) {
        const store::Descriptor from{::open(source.c_str(), O_RDONLY | O_CLOEXEC)};
        if (from.get() < 0) taken(Result<void>{store::file_error(source, "read", errno)});
        std::array<char, 1 << 16> piece{};
        std::uint64_t bytes = 0;
        for (ssize_t size = 0; (size = ::read(from.get(), piece.data(), piece.size())) != 0;) {
            if (size < 0) taken(Result<void>{store::file_error(source, "read", errno)});
            for (ssize_t done = 0; done < size;) {
                const ssize_t written = ::write(file_.get(), piece.data() + done,
                                                static_cast<std::size_t>(size - done));
                if (written < 0) fail("write");
                done += written;
            }
            bytes += static_cast<std::uint64_t>(size);
        }
        return bytes;
    }

    void take_place() {
        if (::fsync(file_.get()) != 0 || ::rename(path_.c_str(), target_.c_str()) != 0) {
            fail("write");
        }
        const fs::path folder = target_.parent_path();
        taken(store::flush_folder(folder.empty() ? fs::path{"."} : folder));
    }

 private:
    [[noreturn]] void fail(std::string_view what) const {
        throw std::runtime_error(fmt::format("{}: cannot {} this file: {}", path_.string(), what,
                                             store::reason_and_next_step(errno)));
    }

    const fs::path target_;
    const fs::path path_;
    const store::Descriptor file_;
};

/// Where no master runs, this process is the one that uses the folder.
void make_backup(const fs::path& state_dir, const fs::path& backup) {
    auto database = taken(store::SqliteDatabase::open(state_dir / "netcompute.db"));
    const auto files = taken(store::ResultFiles::open(state_dir / "results"));
    const auto copy = taken(store::StoreBackup::begin(database, files, backup));
    while (!taken(copy->step())) {
    }
    taken(copy->finish());
}

/// Has the master make one, which is there for as long as the connection lasts.
class MasterBackup {
 public:
    explicit MasterBackup(const fs::path& state_dir) : socket_{io_} {
        const fs::path path = state_dir / BackupService::socket_name;
        try {
            socket_.connect(Protocol::endpoint{path.native()});
        } catch (const boost::system::system_error& error) {
            throw std::runtime_error(
                fmt::format("{}: a master uses this folder, but is not to be asked for a backup: "
                            "{}; ask again when it has started, or stop it and copy the folder",
                            path.string(), error.code().message()));
        }
        asio::write(socket_, asio::buffer(BackupService::request));
        std::string answer;
        boost::system::error_code error;
        asio::read_until(socket_, asio::dynamic_buffer(answer), '\n', error);
        if (error) throw std::runtime_error("the master ended before the backup was done");
        answer.pop_back();
        if (answer == "ok") return;
        throw std::runtime_error(answer.starts_with("error ") ? answer.substr(6) : answer);
    }

 private:
    asio::io_context io_;
    Protocol::socket socket_;
};

}  // namespace

void run_backup(const BackupOptions& options) {
    const fs::path& state_dir = options.state_dir;
    const fs::path backup = state_dir / BackupService::backup_name;
    if (!fs::exists(state_dir / "netcompute.db")) {
        throw std::runtime_error(state_dir.string() +
                                 ": holds no master's state; name its folder with --state-dir");
    }
    Draft draft{options.target};
    std::uint64_t bytes = 0;
    const auto lock = store::StateLock::take(state_dir);
    if (lock) {
        make_backup(state_dir, backup);
        bytes = draft.copy_from(backup);
        fs::remove(backup);
    } else if (lock.error().code == ErrorCode::PermissionDenied) {
        throw std::runtime_error(lock.error().message);
    } else {
        const MasterBackup by_master{state_dir};
        bytes = draft.copy_from(backup);
    }
    draft.take_place();
    say("{}: {:.1f} MiB, the state of {}", options.target.string(),
        static_cast<double>(bytes) / (1024 * 1024), state_dir.string());
}

}  // namespace netcompute::server
