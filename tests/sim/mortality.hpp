#pragma once

#include <cstdint>
#include <functional>
#include <tuple>
#include <utility>

namespace netcompute::sim {

/// Where in its work a master is killed.
enum class DeathPoint {
    Anywhere,      ///< Between turns.
    BeforeCommit,  ///< A turn's records are lost with it.
    AfterCommit,   ///< They are kept, but nothing of the turn is sent.
    BetweenSends,  ///< Something is sent, and something is not.
};

/// Whether a master's process lives. It cannot be stopped in the middle of a function; instead,
/// nothing that it does once it is dead leaves a trace: no commit, no message, no later work.
class Mortality {
 public:
    /// `on_death` is called in the midst of what killed it, and must not destroy it.
    explicit Mortality(std::function<void()> on_death) : on_death_{std::move(on_death)} {}

    [[nodiscard]] bool alive() const { return alive_; }
    /// Where it died.
    [[nodiscard]] DeathPoint death_point() const { return doom_; }

    /// It will die at the next such point.
    void doom(DeathPoint point, std::uint32_t sends_left) {
        doom_ = point;
        sends_left_ = sends_left;
    }
    /// It dies here and now.
    void die() {
        doom_ = DeathPoint::Anywhere;
        end();
    }

    /// The master is about to commit. Answers whether it still can.
    [[nodiscard]] bool may_commit() { return survives(DeathPoint::BeforeCommit); }
    void has_committed() { std::ignore = survives(DeathPoint::AfterCommit); }
    /// The master is about to send. Answers whether it still can.
    [[nodiscard]] bool may_send() {
        if (doom_ == DeathPoint::BetweenSends && sends_left_ > 0) {
            --sends_left_;
            return alive_;
        }
        return survives(DeathPoint::BetweenSends);
    }

 private:
    [[nodiscard]] bool survives(DeathPoint point) {
        if (doom_ == point) end();
        return alive_;
    }
    void end() {
        if (std::exchange(alive_, false)) on_death_();
    }

    std::function<void()> on_death_;
    bool alive_ = true;
    DeathPoint doom_ = DeathPoint::Anywhere;
    std::uint32_t sends_left_ = 0;
};

}  // namespace netcompute::sim
