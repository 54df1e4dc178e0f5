#include "blob_cache.hpp"

#include <utility>

namespace netcompute::worker {

SharedBlob BlobCache::find(const Sha256& sha256) {
    const auto found = by_name_.find(sha256);
    if (found == by_name_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->blob;
}

void BlobCache::insert(const Sha256& sha256, SharedBlob blob) {
    if (blob->size() > bytes_max_ || find(sha256) != nullptr) return;
    bytes_ += blob->size();
    entries_.push_front({sha256, std::move(blob)});
    by_name_.emplace(sha256, entries_.begin());
    while (bytes_ > bytes_max_) {
        const Entry& oldest = entries_.back();
        bytes_ -= oldest.blob->size();
        by_name_.erase(oldest.sha256);
        entries_.pop_back();
    }
}

Result<void> verify_blob(ByteSpan bytes, const Sha256& expected, std::uint64_t size) {
    if (bytes.size() != size) {
        return unexpected(ErrorCode::ProtocolViolation,
                          "blob " + to_hex(expected) + ": " + std::to_string(bytes.size()) +
                              " bytes came where " + std::to_string(size) + " were promised");
    }
    if (const Sha256 actual = sha256(bytes); actual != expected) {
        return unexpected(
            ErrorCode::ProtocolViolation,
            "blob " + to_hex(expected) + ": the bytes that came have SHA-256 " + to_hex(actual));
    }
    return {};
}

}  // namespace netcompute::worker
