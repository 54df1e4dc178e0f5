#pragma once

#include "data/dataset.hpp"
#include "data/input_file.hpp"
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace netcompute::data {

/// Looks at the names of a table's columns, before a row is read: a mistake in one is told at once,
/// however long the table is.
using HeaderCheck = std::function<Result<void>(std::span<const std::string> names)>;

/// The datasets of one folder, a file each, named by the SHA-256 of the table's bytes and of how
/// they were read. They outlive jobs and masters, so a table that is as it was is read no second
/// time. Which file has which bytes is known by its stamp (FileStamp). Past `bytes_max` those go
/// that were not used for the longest time. Any thread may use it.
class DatasetCatalog {
 public:
    /// Of all datasets together, on the disk.
    static constexpr std::uint64_t bytes_max_default = std::uint64_t{64} << 30;

    /// Takes up what earlier masters left in the folder.
    /// Errors: Unavailable if the folder cannot be made or written.
    [[nodiscard]] static Result<std::unique_ptr<DatasetCatalog>> open(
        std::filesystem::path folder, std::uint64_t bytes_max = bytes_max_default);

    /// The table that a file holds: from the catalog, or read now. Two who ask for the same one at
    /// the same time share one reading. Errors: those of CsvReader and of `check`; Unavailable for
    /// a file that changes while it is read, and for a folder that takes no more.
    [[nodiscard]] Result<Table> table(const InputFile& file, const ReadingOptions& options,
                                      const HeaderCheck& check);

    /// Of a file's bytes, without reading them where they are known: since long, or by what was
    /// read after since() said `since`. Errors: those of InputFile::sha256().
    [[nodiscard]] Result<Sha256> sha256(const InputFile& file, std::uint64_t since);
    [[nodiscard]] std::uint64_t since() const;

    /// Of all datasets together.
    [[nodiscard]] std::uint64_t bytes() const;
    /// How often a table was read from its file so far.
    [[nodiscard]] std::uint64_t tables_read() const;

 private:
    class Turn;
    struct Kept {
        std::uint64_t bytes = 0;
        std::uint64_t used = 0;  ///< Grows with each use.
        std::weak_ptr<const Dataset> dataset;
    };
    struct Known {
        FileStamp stamp;
        Sha256 sha256;
        std::uint64_t order = 0;
        bool is_settled = false;  ///< Its bytes cannot have changed without its stamp.
    };

    DatasetCatalog(std::filesystem::path folder, std::uint64_t bytes_max)
        : folder_{std::move(folder)}, bytes_max_{bytes_max} {}

    void take_up();
    [[nodiscard]] Result<std::shared_ptr<const Dataset>> get(const InputFile& file,
                                                             const ReadingOptions& options,
                                                             const HeaderCheck& check);
    [[nodiscard]] const Known* known(const FileStamp& stamp) const;
    [[nodiscard]] Result<Sha256> hash(const InputFile& file);
    void know(const FileStamp& stamp, const Sha256& sha256, std::int64_t read_from_ns);
    void write_known() const;
    [[nodiscard]] std::shared_ptr<const Dataset> find(const std::string& name);
    [[nodiscard]] std::filesystem::path temporary_path();
    [[nodiscard]] Result<std::shared_ptr<const Dataset>> read(const InputFile& file,
                                                              const ReadingOptions& options,
                                                              const HeaderCheck& check);
    [[nodiscard]] Result<std::shared_ptr<const Dataset>> keep(
        const std::string& name, const std::filesystem::path& temporary);
    void make_room();
    [[nodiscard]] std::filesystem::path path_of(const std::string& name) const {
        return folder_ / name;
    }

    std::filesystem::path folder_;
    std::uint64_t bytes_max_;
    mutable std::mutex mutex_;
    std::condition_variable read_;  ///< Whenever a reading has ended.
    std::set<FileStamp> being_read_;
    std::map<std::string, Kept> kept_;  ///< By name.
    std::deque<Known> known_;           ///< The last ones, in the order in which they came.
    std::uint64_t bytes_ = 0;
    std::uint64_t uses_ = 0;
    std::uint64_t tables_read_ = 0;
    std::uint64_t orders_ = 0;  ///< Of what became known, and of temporary files.
};

}  // namespace netcompute::data
