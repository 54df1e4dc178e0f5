#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/ids.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <span>

namespace netcompute::programs {

/// Immutable bytes, named; a worker fetches them once.
struct BlobRef {
    Sha256 sha256;
    std::uint64_t size = 0;  ///< In bytes.
    friend bool operator==(const BlobRef&, const BlobRef&) = default;
};

/// What a fold may do besides folding: publish blobs, which the program keeps the names of in its
/// state and gives to tasks of later rounds. See Program::blobs().
class RoundWork {
 public:
    /// Of a round with these outputs, which outlive it.
    explicit RoundWork(std::span<const ByteSpan> outputs) : outputs_{outputs} {}
    RoundWork(const RoundWork&) = delete;
    RoundWork& operator=(const RoundWork&) = delete;

    /// Gives the bytes their name. The same bytes have the same name, however often and in
    /// whichever round they are published.
    [[nodiscard]] BlobRef publish(Bytes bytes);
    /// The same for an output of the round that is folded; it is not copied here.
    [[nodiscard]] BlobRef publish_output(TaskIndex index);

    /// By name, all that was published; as long as this and the outputs live.
    [[nodiscard]] const std::map<Sha256, ByteSpan>& published() const { return published_; }

 private:
    std::span<const ByteSpan> outputs_;
    std::deque<Bytes> own_;
    std::map<Sha256, ByteSpan> published_;
};

}  // namespace netcompute::programs
