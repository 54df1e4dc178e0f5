#pragma once

#include <netcompute/programs/program.hpp>

#include <map>

namespace netcompute::programs {

/// The blobs of a program whose rounds are computed here: those of a source, and those that its
/// folds have published, for as long as its state names them.
class LocalBlobs {
 public:
    /// What the source finds lives as long as the program runs.
    explicit LocalBlobs(BlobSource source) : source_{std::move(source)} {}
    LocalBlobs(const LocalBlobs&) = delete;
    LocalBlobs& operator=(const LocalBlobs&) = delete;

    [[nodiscard]] std::optional<ByteSpan> find(const Sha256& sha256) const;
    /// To find by; it must not outlive this.
    [[nodiscard]] BlobSource source() const;
    /// As fold_round(); then finds what the program's state names now, and no other blobs.
    [[nodiscard]] Result<void> fold(Program& program, std::span<const ByteSpan> outputs);

 private:
    BlobSource source_;
    std::map<Sha256, Bytes> published_;
};

}  // namespace netcompute::programs
