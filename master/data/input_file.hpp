#pragma once

#include "data/data_folder.hpp"
#include "data/data_path.hpp"
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace netcompute::data {

/// What the file system says of a file: whoever changes its bytes changes this, but for changes
/// within the same few milliseconds.
struct FileStamp {
    FileIdentity identity;
    std::uint64_t size = 0;       ///< In bytes.
    std::int64_t written_ns = 0;  ///< Since 1970.
    std::int64_t changed_ns = 0;  ///< Of its bytes, name or rights; nobody can set it.
    friend auto operator<=>(const FileStamp&, const FileStamp&) = default;
};

/// A plain file, open for reading: whatever happens to its name, it stays the same file, and its
/// reading ends where it ended when it was opened. Copies share it.
class InputFile {
 public:
    /// No file; nothing but an assignment may follow.
    InputFile() = default;
    /// A file below Data/, by its name there. Errors, naming it as users do: NotFound,
    /// PermissionDenied (also for a link that leads out of Data/), InvalidArgument for a folder, a
    /// pipe or a device.
    [[nodiscard]] static Result<InputFile> open_below(const std::filesystem::path& root,
                                                      const DataPath& path);
    /// Any file that this process may read; messages call it `name`. Errors: as above.
    [[nodiscard]] static Result<InputFile> open(const std::filesystem::path& path,
                                                std::string name);
    [[nodiscard]] static Result<InputFile> open(const std::filesystem::path& path) {
        return open(path, path.string());
    }

    /// Takes over an open descriptor. Errors: InvalidArgument for what is no plain file.
    [[nodiscard]] static Result<InputFile> take(int descriptor, std::string name);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::uint64_t size() const { return stamp_.size; }
    [[nodiscard]] FileIdentity identity() const { return stamp_.identity; }
    /// As it was when it was opened.
    [[nodiscard]] const FileStamp& stamp() const { return stamp_; }

    /// The bytes from `offset` on, as many as fit; 0 at the end. Errors: what the system reports.
    [[nodiscard]] Result<std::size_t> read_at(std::uint64_t offset, std::span<char> target) const;
    /// All of it. Errors: LimitExceeded if it is larger; those of read_at().
    [[nodiscard]] Result<std::string> text(std::size_t bytes_max) const;
    /// Of its bytes. Errors: those of read_at().
    [[nodiscard]] Result<Sha256> sha256() const;
    /// Whether nobody wrote to it since it was opened, as far as its size and times tell.
    [[nodiscard]] bool is_unchanged() const;

 private:
    SharedDescriptor descriptor_;
    std::string name_;
    FileStamp stamp_;
};

}  // namespace netcompute::data
