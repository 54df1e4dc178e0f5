#pragma once

#include "store/blob_store.hpp"
#include <netcompute/bytes.hpp>
#include <netcompute/programs/program.hpp>
#include <netcompute/result.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace netcompute::engine {

/// An input of up to this size is sent inside the lease: cheaper than a request of its own.
inline constexpr std::uint64_t inline_input_bytes_max = 4096;

/// Where a program stands between two rounds: all that the engine needs of it until the next fold,
/// but for the inputs of single tasks.
struct NextRound {
    std::shared_ptr<const Bytes> state;  ///< Its checkpoint().
    Sha256 state_sha256;
    std::optional<programs::Round> round;  ///< That is due; nothing once it has finished.
    /// The round's large shared inputs and the blobs that the state names; they go with this.
    std::shared_ptr<store::BlobHolder> blobs;
    programs::Progress progress;
    std::vector<Sha256> named;  ///< Blobs that the state names.
    /// Of those, what the fold has published: to be written down with the state.
    std::vector<Sha256> published;
    std::vector<programs::BlobRef> missing;  ///< Of those, what the blob store does not have.
};

/// Takes time in proportion to the state and the shared inputs: a shared input that is too large to
/// be sent in every lease becomes a blob, unless there is no room for it. After a fold, `work` is
/// what it has published. On any thread, while nobody else uses the program. Errors: those of
/// BlobHolder::put() for what was published.
[[nodiscard]] Result<NextRound> next_round(const programs::Program& program,
                                           store::BlobStore& blobs,
                                           const programs::RoundWork& work);

}  // namespace netcompute::engine
