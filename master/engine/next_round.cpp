#include "engine/next_round.hpp"

namespace netcompute::engine {
namespace {

/// Has the blobs that the state names held by what is next.
Result<void> hold_named(const programs::Program& program, const programs::RoundWork& work,
                        store::BlobStore& blobs, NextRound& next) {
    for (const programs::BlobRef& ref : program.blobs()) {
        if (next.blobs == nullptr) next.blobs = std::make_shared<store::BlobHolder>(blobs);
        next.named.push_back(ref.sha256);
        const auto published = work.published().find(ref.sha256);
        if (published != work.published().end()) {
            next.published.push_back(ref.sha256);
            if (const auto put = next.blobs->put(published->second); !put) {
                return unexpected(put.error());
            }
        } else if (!next.blobs->keep(ref.sha256)) {
            next.missing.push_back(ref);
        }
    }
    return {};
}

}  // namespace

Result<NextRound> next_round(const programs::Program& program, store::BlobStore& blobs,
                             const programs::RoundWork& work) {
    auto state = std::make_shared<const Bytes>(program.checkpoint());
    const Sha256 state_sha256 = sha256(*state);
    NextRound next;
    next.state = std::move(state);
    next.state_sha256 = state_sha256;
    next.round = program.round();
    next.progress = program.progress();
    if (!next.round) return next;
    if (auto held = hold_named(program, work, blobs, next); !held) return unexpected(held.error());
    for (programs::TaskInput& input : next.round->shared_inputs) {
        const auto* const bytes = std::get_if<Bytes>(&input);
        if (bytes == nullptr || bytes->size() <= inline_input_bytes_max) continue;
        if (next.blobs == nullptr) next.blobs = std::make_shared<store::BlobHolder>(blobs);
        if (const auto ref = next.blobs->put(*bytes)) input = *ref;
    }
    return next;
}

}  // namespace netcompute::engine
