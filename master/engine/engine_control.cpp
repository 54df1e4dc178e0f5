#include "engine/engine.hpp"

namespace netcompute::engine {
namespace {

Result<void> not_yet() {
    return unexpected(ErrorCode::Unavailable, "this version cannot do that");
}

}  // namespace

Result<void> Engine::pause(JobId, bool) {
    return not_yet();
}

Result<void> Engine::prioritize(JobId, std::int32_t) {
    return not_yet();
}

Result<void> Engine::drain(WorkerId, bool) {
    return not_yet();
}

Result<void> Engine::readmit(WorkerId) {
    return not_yet();
}

}  // namespace netcompute::engine
