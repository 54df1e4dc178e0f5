#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/programs/program.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
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

/// Immutable bytes named by their SHA-256, one file each under `folder`. A blob exists as long as a
/// BlobHolder holds it. Thread-safe.
class BlobStore {
 public:
    /// Of all blobs together: what the inputs of live jobs may take up on the disk.
    static constexpr std::uint64_t bytes_max_default = std::uint64_t{64} << 30;

    /// Starts empty: files that an earlier process left in the folder belong to no job and are
    /// removed. Errors: Unavailable if the folder cannot be made or written.
    [[nodiscard]] static Result<std::unique_ptr<BlobStore>> open(
        std::filesystem::path folder, std::uint64_t bytes_max = bytes_max_default);

    /// The blob's bytes, or nullptr if there is no such blob. They stay readable for as long as the
    /// pointer lives, also when the blob goes meanwhile.
    [[nodiscard]] std::shared_ptr<const MappedFile> find(const Sha256& sha256) const;
    /// Of all blobs together.
    [[nodiscard]] std::uint64_t bytes() const;

 private:
    friend class BlobHolder;

    struct Blob {
        std::shared_ptr<const MappedFile> file;
        std::size_t holders = 0;
    };
    struct ShaHash {
        std::size_t operator()(const Sha256& sha256) const noexcept;
    };

    BlobStore(std::filesystem::path folder, std::uint64_t bytes_max)
        : folder_{std::move(folder)}, bytes_max_{bytes_max} {}
    [[nodiscard]] std::filesystem::path path_of(const Sha256& sha256) const;
    /// Each needs a release().
    [[nodiscard]] Result<programs::BlobRef> hold(ByteSpan bytes);
    [[nodiscard]] Result<void> add(const programs::BlobRef& ref, ByteSpan bytes,
                                   const std::filesystem::path& temporary);
    void release(const Sha256& sha256);
    /// Whether it is there; then it needs a release().
    [[nodiscard]] bool hold_known(const Sha256& sha256);

    const std::filesystem::path folder_;
    const std::uint64_t bytes_max_;
    mutable std::mutex mutex_;  ///< Guards what follows; never held while bytes are written.
    std::unordered_map<Sha256, Blob, ShaHash> blobs_;
    std::uint64_t bytes_ = 0;  ///< Those that are being written included.
    std::uint64_t last_temporary_ = 0;
};

/// Holds the blobs of one job: they stay until the holder is destroyed, and are removed then unless
/// another one holds them too. Thread-safe; the store outlives it.
class BlobHolder {
 public:
    explicit BlobHolder(BlobStore& store) : store_{store} {}
    BlobHolder(const BlobHolder&) = delete;
    BlobHolder& operator=(const BlobHolder&) = delete;
    ~BlobHolder();

    /// Stores the bytes unless they are there already. Errors: LimitExceeded if all blobs together
    /// would be too large; Unavailable (a full disk, …).
    [[nodiscard]] Result<programs::BlobRef> put(ByteSpan bytes);
    /// Holds a blob if it is there; whether it is.
    [[nodiscard]] bool keep(const Sha256& sha256);
    [[nodiscard]] BlobStore& store() const { return store_; }

 private:
    BlobStore& store_;
    std::mutex mutex_;  ///< Guards held_.
    std::set<Sha256> held_;
};

}  // namespace netcompute::store
