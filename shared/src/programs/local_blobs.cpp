#include <netcompute/programs/local_blobs.hpp>

#include <algorithm>

namespace netcompute::programs {

std::optional<ByteSpan> LocalBlobs::find(const Sha256& sha256) const {
    const auto found = published_.find(sha256);
    if (found != published_.end()) return found->second;
    return source_(sha256);
}

BlobSource LocalBlobs::source() const {
    return [this](const Sha256& sha256) { return find(sha256); };
}

Result<void> LocalBlobs::fold(Program& program, std::span<const ByteSpan> outputs) {
    RoundWork work{outputs};
    if (auto folded = fold_round(program, outputs, work); !folded) return folded;
    std::map<Sha256, Bytes> kept;
    for (const BlobRef& ref : program.blobs()) {
        if (auto known = published_.extract(ref.sha256)) {
            kept.insert(std::move(known));
        } else if (const auto made = work.published().find(ref.sha256);
                   made != work.published().end()) {
            kept.emplace(ref.sha256, Bytes{made->second.begin(), made->second.end()});
        }
    }
    published_ = std::move(kept);
    return {};
}

Result<void> fold_round(Program& program, std::span<const ByteSpan> outputs, RoundWork& work) {
    const std::vector<BlobRef> before = program.blobs();
    if (auto folded = program.finish_round(outputs, work); !folded) return folded;
    for (const BlobRef& ref : program.blobs()) {
        if (work.published().contains(ref.sha256)) continue;
        if (std::find(before.begin(), before.end(), ref) != before.end()) continue;
        return unexpected(ErrorCode::Internal,
                          "the program's state names the blob " + to_hex(ref.sha256) +
                              ", which no fold has published, or which an earlier state gave up: "
                              "a mistake in the program");
    }
    return {};
}

}  // namespace netcompute::programs
