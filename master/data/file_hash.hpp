#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/sha256.hpp>

#include <openssl/evp.h>

#include <memory>

namespace netcompute::data {

/// The SHA-256 of bytes that come piece by piece.
class FileHash {
 public:
    FileHash();
    void add(ByteSpan bytes);
    /// Once.
    [[nodiscard]] Sha256 finish();

 private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace netcompute::data
