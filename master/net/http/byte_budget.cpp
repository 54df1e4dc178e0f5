#include "net/http/byte_budget.hpp"

#include <utility>

namespace netcompute::net {

ByteBudget::Share::Share(std::shared_ptr<ByteBudget> budget, std::function<void()> let_go)
    : budget_{std::move(budget)}, let_go_{std::move(let_go)} {}

ByteBudget::Share::~Share() {
    set(0);
}

void ByteBudget::Share::set(std::size_t bytes) {
    if (!counts_) return;
    if (bytes_ == 0 && bytes > 0) place_ = budget_->holders_.insert(budget_->holders_.end(), this);
    if (bytes_ > 0 && bytes == 0) budget_->holders_.erase(place_);
    const bool grows = bytes > bytes_;
    budget_->bytes_ = budget_->bytes_ - bytes_ + bytes;
    bytes_ = bytes;
    if (grows) budget_->make_room(this);
}

/// The share that grows is spared: it may be the only one, and larger than the limit.
void ByteBudget::make_room(const Share* newest) {
    while (bytes_ > bytes_max_) {
        Share* const oldest = holders_.front() != newest ? holders_.front()
                              : holders_.size() > 1      ? *std::next(holders_.begin())
                                                         : nullptr;
        if (oldest == nullptr) return;
        holders_.erase(oldest->place_);
        bytes_ -= oldest->bytes_;
        oldest->counts_ = false;
        std::exchange(oldest->let_go_, nullptr)();
    }
}

}  // namespace netcompute::net
