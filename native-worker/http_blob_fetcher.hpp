#pragma once

#include "blob_cache.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace netcompute::worker {

/// Of this PC.
[[nodiscard]] std::uint64_t half_of_memory();

struct BlobServer {
    std::string host;
    std::uint16_t port = 0;
    std::string token;  ///< Sent as a bearer token unless empty.
    /// A larger one is not asked for, whatever the master says.
    std::uint64_t blob_bytes_max = half_of_memory();
};

struct FetchPatience {
    int attempts = 5;
    std::chrono::milliseconds first_pause{100};  ///< Doubled after each attempt.
    std::chrono::seconds silence{20};  ///< An attempt fails after this long without a byte.
};

/// Fetches blobs by GET /blobs/{sha256}, over a few connections that stay open, on a thread of its
/// own. What it cannot get or what does not have the promised hash is ErrorCode::Unavailable.
class HttpBlobFetcher final : public BlobFetcher {
 public:
    /// Throws std::system_error if no thread can be started.
    explicit HttpBlobFetcher(BlobServer server, FetchPatience patience = {});
    /// Cancels requests in flight; their `done` is not called.
    ~HttpBlobFetcher() override;
    HttpBlobFetcher(const HttpBlobFetcher&) = delete;
    HttpBlobFetcher& operator=(const HttpBlobFetcher&) = delete;

    void fetch(const Sha256& sha256, std::uint64_t size, Done done) override;

 private:
    class Lines;
    std::unique_ptr<Lines> lines_;
};

}  // namespace netcompute::worker
