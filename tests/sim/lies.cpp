#include "lies.hpp"

#include <algorithm>

namespace netcompute::sim {
namespace {

/// The same one whoever tells it.
Bytes agreed_lie(ByteSpan truth) {
    Bytes bytes{truth.begin(), truth.end()};
    for (std::byte& byte : bytes) byte = ~byte;
    if (bytes.empty()) bytes.push_back(std::byte{42});
    return bytes;
}

Bytes wrong_bytes(ByteSpan truth, Dice& dice) {
    Bytes bytes{truth.begin(), truth.end()};
    const auto last = static_cast<std::uint32_t>(bytes.size() - 1);
    for (std::uint32_t count = dice.between(1, 8); count > 0; --count) {
        bytes[dice.between(0, last)] ^= static_cast<std::byte>(dice.between(1, 255));
    }
    if (std::ranges::equal(bytes, truth)) bytes.front() ^= std::byte{1};
    return bytes;
}

Bytes wrong_size(ByteSpan truth, Dice& dice) {
    Bytes bytes{truth.begin(), truth.end()};
    const bool shorter = !bytes.empty() && dice.chance(0.5);
    const auto size = static_cast<std::uint32_t>(bytes.size());
    bytes.resize(shorter ? dice.between(0, size - 1) : size + dice.between(1, 40));
    return bytes;
}

}  // namespace

Lie lie_about(ByteSpan truth, ByteSpan other, double collusion, Dice& dice) {
    if (dice.chance(collusion)) return {"lie: agreed", agreed_lie(truth)};
    const std::uint32_t kind = dice.between(1, 3);
    if (kind == 1 && !std::ranges::equal(truth, other)) {
        return {"lie: another task's output", Bytes{other.begin(), other.end()}};
    }
    if (kind == 2 && !truth.empty()) return {"lie: wrong bytes", wrong_bytes(truth, dice)};
    return {"lie: wrong size", wrong_size(truth, dice)};
}

}  // namespace netcompute::sim
