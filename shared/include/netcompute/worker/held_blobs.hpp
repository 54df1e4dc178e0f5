#pragma once

#include <netcompute/protocol/messages.hpp>

#include <algorithm>
#include <cstdint>
#include <list>
#include <vector>

namespace netcompute::worker {

/// The names of blobs that a cache of so many bytes still holds, if it gives up first what was put
/// longest ago.
class HeldBlobs {
 public:
    explicit HeldBlobs(std::uint64_t bytes_max = 0) : bytes_max_{bytes_max} {}

    [[nodiscard]] bool has(const Sha256& sha256) const {
        return std::any_of(blobs_.begin(), blobs_.end(),
                           [&](const auto& blob) { return blob.sha256 == sha256; });
    }
    [[nodiscard]] bool has_all(const std::vector<protocol::BlobInput>& blobs) const {
        return std::all_of(blobs.begin(), blobs.end(),
                           [&](const auto& blob) { return has(blob.sha256); });
    }
    void put(const protocol::BlobInput& blob) {
        blobs_.remove_if([&](const auto& held) {
            if (held.sha256 != blob.sha256) return false;
            bytes_ -= held.size;
            return true;
        });
        if (blob.size > bytes_max_) return;
        blobs_.push_back(blob);
        bytes_ += blob.size;
        while (bytes_ > bytes_max_) {
            bytes_ -= blobs_.front().size;
            blobs_.pop_front();
        }
    }

 private:
    std::uint64_t bytes_max_;
    std::uint64_t bytes_ = 0;
    std::list<protocol::BlobInput> blobs_;  ///< In order of last use.
};

}  // namespace netcompute::worker
