#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/programs/program.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <filesystem>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace netcompute::store {

/// A file's bytes, mapped: they cost memory only while they are read.
class MappedFile {
 public:
    /// Errors: NotFound or Unavailable, naming the file and the system's reason.
    [[nodiscard]] static Result<std::shared_ptr<const MappedFile>> open(
        const std::filesystem::path& path);
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    [[nodiscard]] ByteSpan bytes() const { return bytes_; }

 private:
    explicit MappedFile(ByteSpan bytes) : bytes_{bytes} {}
    ByteSpan bytes_;
};

/// Immutable bytes named by their SHA-256, one file each under `folder`. Any thread may use it.
class BlobStore {
 public:
    /// Starts empty: what an earlier process left in the folder belongs to no job and is removed.
    /// Errors: Unavailable if the folder cannot be made or written.
    [[nodiscard]] static Result<std::unique_ptr<BlobStore>> open(std::filesystem::path folder);

    /// Stores the bytes unless they are there already. Errors: Unavailable (a full disk, …).
    [[nodiscard]] Result<programs::BlobRef> put(ByteSpan bytes);

    /// The blob's bytes, or nullptr if there is no such blob.
    [[nodiscard]] std::shared_ptr<const MappedFile> find(const Sha256& sha256) const;

 private:
    explicit BlobStore(std::filesystem::path folder) : folder_{std::move(folder)} {}

    struct ShaHash {
        std::size_t operator()(const Sha256& sha256) const noexcept;
    };

    std::filesystem::path folder_;
    mutable std::mutex mutex_;  ///< Guards blobs_.
    std::unordered_map<Sha256, std::shared_ptr<const MappedFile>, ShaHash> blobs_;
};

}  // namespace netcompute::store
