#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/ids.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace netcompute::store {

/// Names a file of outputs that are too large for a database row.
struct ResultFile {
    JobId job;
    RoundIndex round = 0;
    std::uint64_t sequence = 0;
    friend auto operator<=>(const ResultFile&, const ResultFile&) = default;
};

/// The folder of those files. A file is complete on the disk before a row names it, and is removed
/// once no row does.
class ResultFiles {
 public:
    /// Makes the folder if need be. Errors: Unavailable.
    [[nodiscard]] static Result<ResultFiles> open(std::filesystem::path folder);

    /// Its bytes survive a power cut, its name does after flush(). Errors: Unavailable.
    [[nodiscard]] Result<void> write(const ResultFile& file, ByteSpan bytes);
    [[nodiscard]] Result<void> flush();
    /// Errors: Unavailable if it cannot be read or is not of this size.
    [[nodiscard]] Result<std::shared_ptr<const Bytes>> read(const ResultFile& file,
                                                            std::uint64_t size) const;
    /// Any thread. A file that stays all the same goes with the next remove_others().
    void remove(const std::vector<ResultFile>& files);
    /// While `hold`, what is to be removed stays; it goes when that is over. Any thread.
    void hold_removals(bool hold);
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    /// Everything in the folder but these.
    void remove_others(const std::set<ResultFile>& named);

 private:
    explicit ResultFiles(std::filesystem::path folder) : folder_{std::move(folder)} {}
    [[nodiscard]] std::filesystem::path path_of(const ResultFile& file) const;

    std::filesystem::path folder_;
    struct Removals {
        std::mutex mutex;
        bool are_held = false;
        std::vector<ResultFile> held;
    };
    std::unique_ptr<Removals> removals_ = std::make_unique<Removals>();
};

}  // namespace netcompute::store
