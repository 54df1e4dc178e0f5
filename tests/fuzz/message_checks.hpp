#pragma once

#include <netcompute/bytes.hpp>

#include <nlohmann/json.hpp>

namespace netcompute::fuzz {

/// Decodes a header and a payload as a worker's message and as a master's, and asserts for each:
/// an error is a short ProtocolViolation; what is decoded points into the payload, keeps the stated
/// limits, and encodes to bytes that decode to the same again. True if either decoder took it.
[[nodiscard]] bool check_messages(const nlohmann::json& header, ByteSpan payload);

}  // namespace netcompute::fuzz
