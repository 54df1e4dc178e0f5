#pragma once

#include "data/data_folder.hpp"
#include "data/data_path.hpp"
#include "data/file_hash.hpp"
#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::data {

/// A file that somebody sends, or the rest of one of which a part has come before.
struct SentFile {
    std::string name;                    ///< In Data/uploads/: "train.csv".
    std::uint64_t offset = 0;            ///< Of the first byte that comes now.
    std::optional<std::uint64_t> total;  ///< Of the whole file; nothing: it ends when it ends.
    std::optional<Sha256> sha256;        ///< What the whole file must have.
    bool may_replace = false;            ///< A file of that name that holds other bytes.
};

/// A file in Data/uploads/, or as much of it as has come.
struct Upload {
    DataPath path;
    std::uint64_t bytes = 0;            ///< That are there.
    bool is_complete = false;           ///< Otherwise no job sees it, and the rest may follow.
    std::optional<Sha256> sha256 = {};  ///< Where it was just completed.
};

/// The files that people send to the master, in the folder Data/uploads/, which is made when the
/// first one comes. A file takes its name when all of it is on the disk; what has come of one that
/// was cut off is kept for a week, hidden from jobs, and can be resumed. Any thread may use it.
class Uploads {
 public:
    static constexpr std::uint64_t bytes_max_default = std::uint64_t{64} << 30;
    /// What uploads leave free on the disk, for jobs and for the store.
    static constexpr std::uint64_t free_bytes_min = std::uint64_t{1} << 30;
    static constexpr std::size_t at_a_time_max = 8;

    class Receiving;

    /// `root` holds Data/; `bytes_max`: of all uploads together.
    Uploads(std::filesystem::path root, std::uint64_t bytes_max)
        : root_{std::move(root)}, state_{std::make_shared<State>(bytes_max)} {}
    Uploads(const Uploads&) = delete;
    Uploads& operator=(const Uploads&) = delete;
    ~Uploads() = default;

    /// Applies to uploads from now on.
    void set_bytes_max(std::uint64_t bytes_max);

    /// Begins to receive a file, or goes on with it.
    /// Errors, naming the file: InvalidArgument and PermissionDenied for a name that is none;
    /// Conflict where others begin to send it just now, where it is there and may not be replaced,
    /// and where the offset is not how much has come; LimitExceeded for more than all uploads may
    /// take, or for too many at a time; Unavailable for a disk that is nearly full.
    [[nodiscard]] Result<std::unique_ptr<Receiving>> begin(const SentFile& file);

    /// Errors: NotFound.
    [[nodiscard]] Result<Upload> find(const std::string& name) const;
    /// By name.
    [[nodiscard]] Result<std::vector<Upload>> list() const;
    /// Erases a file and what has come of it. Errors: NotFound; Conflict while it comes.
    [[nodiscard]] Result<void> erase(const std::string& name);

 private:
    /// Who may write a file that comes. A call that resumes it takes over from one whose connection
    /// was lost, which may not have noticed yet.
    struct Turn {
        std::mutex mutex;
        bool is_over = false;
        std::uint64_t room = 0;  ///< Reserved and not used yet; under the state's mutex.
    };

    /// What files that come just now have in common. They may outlive the Uploads.
    struct State {
        explicit State(std::uint64_t the_bytes_max) : bytes_max{the_bytes_max} {}
        /// How many bytes more there is room for, `bytes` at least. Called with the mutex held.
        [[nodiscard]] Result<std::uint64_t> room_for(int folder, const DataPath& path,
                                                     std::uint64_t bytes) const;

        mutable std::mutex mutex;
        std::uint64_t bytes_max;
        std::map<std::string, std::shared_ptr<Turn>> coming;  ///< By the names of files.
        std::uint64_t reserved = 0;  ///< For those, beyond what lies on the disk.
    };

    [[nodiscard]] Result<DataPath> path_of(const std::string& name) const;
    [[nodiscard]] Result<SharedDescriptor> open_folder(bool makes_it) const;

    std::filesystem::path root_;
    std::shared_ptr<State> state_;
};

/// One file while it comes. What has come stays when this goes, unless it was completed or found
/// wrong.
class Uploads::Receiving {
 public:
    ~Receiving();
    Receiving(const Receiving&) = delete;
    Receiving& operator=(const Receiving&) = delete;

    /// Errors: LimitExceeded, Unavailable as for begin(); InvalidArgument for more than the total;
    /// Conflict once another call goes on with the file.
    [[nodiscard]] Result<void> append(ByteSpan bytes);
    /// Once, when no more comes now: puts the file in place if it is whole.
    /// Errors: InvalidArgument for bytes of another hash than was announced; Conflict for a file
    /// that is there with other bytes and may not be replaced; what the disk says.
    [[nodiscard]] Result<Upload> finish();

 private:
    friend class Uploads;
    Receiving(std::shared_ptr<State> state, SentFile file, DataPath path)
        : state_{std::move(state)}, file_{std::move(file)}, path_{std::move(path)} {}
    [[nodiscard]] Result<void> open(SharedDescriptor folder);
    [[nodiscard]] Result<Sha256> hash();
    [[nodiscard]] Result<bool> is_there_already(const Sha256& sha256) const;
    [[nodiscard]] Unexpected taken_over() const;
    [[nodiscard]] Result<void> write(ByteSpan bytes);
    void discard();

    std::shared_ptr<State> state_;
    std::shared_ptr<Turn> turn_ = std::make_shared<Turn>();
    SentFile file_;
    DataPath path_;
    SharedDescriptor folder_;
    SharedDescriptor descriptor_;
    std::uint64_t bytes_ = 0;  ///< That have come.
    bool is_in_place_ = false;
    FileHash hash_;  ///< Of what has come, unless it began in the middle.
};

}  // namespace netcompute::data
