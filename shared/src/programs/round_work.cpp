#include <netcompute/assert.hpp>
#include <netcompute/programs/round_work.hpp>

#include <utility>

namespace netcompute::programs {

BlobRef RoundWork::publish(Bytes bytes) {
    const BlobRef ref{sha256(bytes), bytes.size()};
    if (!published_.contains(ref.sha256)) {
        published_.emplace(ref.sha256, own_.emplace_back(std::move(bytes)));
    }
    return ref;
}

BlobRef RoundWork::publish_output(TaskIndex index) {
    NETCOMPUTE_ASSERT(index < outputs_.size(), "a fold publishes outputs of its own round");
    const ByteSpan bytes = outputs_[index];
    const BlobRef ref{sha256(bytes), bytes.size()};
    published_.emplace(ref.sha256, bytes);
    return ref;
}

}  // namespace netcompute::programs
