#include "data/file_hash.hpp"

#include <netcompute/assert.hpp>

namespace netcompute::data {

FileHash::FileHash() : context_{EVP_MD_CTX_new(), EVP_MD_CTX_free} {
    NETCOMPUTE_ASSERT(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1,
                      "OpenSSL has SHA-256");
}

void FileHash::add(ByteSpan bytes) {
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

Sha256 FileHash::finish() {
    Sha256 sha256;
    EVP_DigestFinal_ex(context_.get(), sha256.digest.data(), nullptr);
    return sha256;
}

}  // namespace netcompute::data
