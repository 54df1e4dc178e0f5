#pragma once

#include <netcompute/programs/round_work.hpp>

#include <cstring>
#include <span>

namespace netcompute::programs {

/// A blob's name, as states hold it: the digest, then the size as u64.
inline void write_blob(ByteWriter& state, const BlobRef& blob) {
    state.bytes(std::as_bytes(std::span{blob.sha256.digest}));
    state.number(blob.size);
}

[[nodiscard]] inline BlobRef read_blob(ByteReader& state) {
    BlobRef blob;
    const ByteSpan digest = state.bytes(blob.sha256.digest.size());
    if (state.ok()) std::memcpy(blob.sha256.digest.data(), digest.data(), digest.size());
    blob.size = state.number<std::uint64_t>();
    return blob;
}

}  // namespace netcompute::programs
