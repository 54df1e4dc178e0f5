#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace netcompute {

/// A number that names one kind of thing and cannot be taken for another kind.
/// Ids come from counters that start at 1, so 0 is never a valid one.
template <typename Tag>
struct Id {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(const Id&, const Id&) = default;
};

using JobId = Id<struct JobTag>;
using WorkerId = Id<struct WorkerTag>;
using LeaseId = Id<struct LeaseTag>;
using SessionId = Id<struct SessionTag>;

/// A task's place in its round; with job and round it is the task's whole identity.
using TaskIndex = std::uint32_t;
/// A round's place in its job, from 0.
using RoundIndex = std::uint32_t;

}  // namespace netcompute

template <typename Tag>
struct std::hash<netcompute::Id<Tag>> {
    std::size_t operator()(netcompute::Id<Tag> id) const noexcept {
        return std::hash<std::uint64_t>{}(id.value);
    }
};
