#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>

namespace netcompute::net {

/// Limits the memory held for many peers together. Beyond the limit, the peer that has held memory
/// for the longest time is disconnected: that hits slow or stuck peers, never quick ones.
class ByteBudget {
 public:
    explicit ByteBudget(std::size_t bytes_max) : bytes_max_{bytes_max} {}
    ByteBudget(const ByteBudget&) = delete;
    ByteBudget& operator=(const ByteBudget&) = delete;

    /// What one peer holds.
    class Share {
     public:
        /// `let_go` is called at most once, from within somebody's set(): it ends the peer's
        /// connection, and destroys no Share before it returns.
        Share(std::shared_ptr<ByteBudget> budget, std::function<void()> let_go);
        ~Share();
        Share(const Share&) = delete;
        Share& operator=(const Share&) = delete;

        /// What it holds from now on, in all.
        void set(std::size_t bytes);

     private:
        friend class ByteBudget;
        std::shared_ptr<ByteBudget> budget_;
        std::function<void()> let_go_;
        std::size_t bytes_ = 0;
        bool counts_ = true;  ///< False once it was asked to free its memory.
        std::list<Share*>::iterator place_;
    };

    [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
    void make_room(const Share* newest);

    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
    std::list<Share*> holders_;  ///< With bytes, in the order in which they began to hold some.
};

}  // namespace netcompute::net
