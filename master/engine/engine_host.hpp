#pragma once

#include <netcompute/instant.hpp>

#include <cstdint>
#include <functional>

namespace netcompute::engine {

/// What an Engine needs from its environment: clocks, a thread of its own, a pool, one alarm. A
/// server's is AsioHost; the simulator has one in virtual time. Serves one engine.
class EngineHost {
 public:
    using Work = std::function<void()>;
    /// Slow work, which must not touch the engine; the function that it returns may.
    using SlowWork = std::function<Work()>;

    EngineHost() = default;
    EngineHost(const EngineHost&) = delete;
    EngineHost& operator=(const EngineHost&) = delete;
    virtual ~EngineHost() = default;

    /// The clock of all deadlines; it starts anew with each process.
    [[nodiscard]] virtual Instant now() const = 0;
    /// The time of day, for records that people read: milliseconds since 1970, UTC.
    [[nodiscard]] virtual std::int64_t unix_ms() const = 0;

    /// Runs `work` on the engine's thread once the caller has returned, in order of posting.
    virtual void post(Work work) = 0;
    /// Runs `work` on the pool, and what it returns on the engine's thread.
    virtual void run_slow(SlowWork work) = 0;
    /// As run_slow(), for work that waits for the disk and for little else: whatever the pool does,
    /// three such works are under way at once.
    virtual void wait_for_disk(SlowWork work) = 0;
    /// Runs `work` on the engine's thread when now() has reached `when`. Replaces the alarm that
    /// was set before.
    virtual void wake_at(Instant when, Work work) = 0;

    /// Called when the engine ends: waits for running slow work and drops the rest.
    virtual void close() = 0;
};

}  // namespace netcompute::engine
