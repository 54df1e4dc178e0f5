#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>

namespace netcompute::worker {

/// A blob that tasks share: it stays alive while a task uses it, even after the cache evicts it.
using SharedBlob = std::shared_ptr<const Bytes>;

/// The first bytes of a SHA-256 are a good enough hash.
struct Sha256Hash {
    std::size_t operator()(const Sha256& sha256) const noexcept {
        std::size_t hash = 0;
        std::memcpy(&hash, sha256.digest.data(), sizeof hash);
        return hash;
    }
};

/// An LRU cache of blobs by name, limited to `bytes_max` bytes.
/// Not thread-safe.
class BlobCache {
 public:
    explicit BlobCache(std::size_t bytes_max) : bytes_max_{bytes_max} {}

    /// The blob, or null. Counts as a use.
    [[nodiscard]] SharedBlob find(const Sha256& sha256);
    /// A blob larger than the whole cache is not kept.
    void insert(const Sha256& sha256, SharedBlob blob);
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
    struct Entry {
        Sha256 sha256;
        SharedBlob blob;
    };
    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
    std::list<Entry> entries_;  ///< Most recently used first.
    std::unordered_map<Sha256, std::list<Entry>::iterator, Sha256Hash> by_name_;
};

/// Where an executor gets blobs from.
class BlobFetcher {
 public:
    using Done = std::function<void(Result<Bytes>)>;

    virtual ~BlobFetcher() = default;
    /// Calls `done` once, from any thread, possibly before it returns, with bytes that have been
    /// checked against `sha256` and `size`, or the error that made it give up.
    virtual void fetch(const Sha256& sha256, std::uint64_t size, Done done) = 0;
};

/// Whether `bytes` are the blob of that name and size. Errors: ProtocolViolation.
[[nodiscard]] Result<void> verify_blob(ByteSpan bytes, const Sha256& expected, std::uint64_t size);

}  // namespace netcompute::worker
