#pragma once

#include <netcompute/programs/program.hpp>

#include <functional>
#include <map>
#include <utility>

namespace netcompute::test_support {

/// Blobs in memory: where a test's tiles go, and where it finds them again.
class MemoryBlobs {
 public:
    [[nodiscard]] programs::BlobRef put(Bytes bytes) {
        const programs::BlobRef name{sha256(bytes), bytes.size()};
        blobs_.emplace(name.sha256, std::move(bytes));
        return name;
    }
    [[nodiscard]] std::function<Result<programs::BlobRef>(Bytes)> sink() {
        return [this](Bytes bytes) -> Result<programs::BlobRef> { return put(std::move(bytes)); };
    }
    [[nodiscard]] const Bytes& get(const programs::BlobRef& name) const {
        const auto found = blobs_.find(name.sha256);
        NETCOMPUTE_ASSERT(found != blobs_.end(), "a blob that was never put");
        return found->second;
    }
    [[nodiscard]] std::size_t count() const { return blobs_.size(); }

 private:
    std::map<Sha256, Bytes> blobs_;
};

}  // namespace netcompute::test_support
