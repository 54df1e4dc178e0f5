#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>

namespace netcompute::net {

/// Memory that many peers hold together. Past the bound, whoever has held some for longest is told
/// to let go: who is quick is never that one, so slow or stuck peers go and others stay.
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
        bool counts_ = true;  ///< Until it was told to let go.
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
