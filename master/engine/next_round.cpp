#include "engine/next_round.hpp"

namespace netcompute::engine {

NextRound next_round(const programs::Program& program, store::BlobStore& blobs) {
    auto state = std::make_shared<const Bytes>(program.checkpoint());
    const Sha256 state_sha256 = sha256(*state);
    NextRound next{std::move(state), state_sha256, program.round(), nullptr, program.progress()};
    if (!next.round) return next;
    for (programs::TaskInput& input : next.round->shared_inputs) {
        const auto* const bytes = std::get_if<Bytes>(&input);
        if (bytes == nullptr || bytes->size() <= inline_input_bytes_max) continue;
        if (next.blobs == nullptr) next.blobs = std::make_shared<store::BlobHolder>(blobs);
        if (const auto ref = next.blobs->put(*bytes)) input = *ref;
    }
    return next;
}

}  // namespace netcompute::engine
