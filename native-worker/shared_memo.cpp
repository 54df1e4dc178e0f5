#include "shared_memo.hpp"

#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

namespace netcompute::worker {

Result<kernels::AnyValue> SharedMemo::get(const kernels::MemoKey& key, const Derive& derive) {
    std::unique_lock lock{mutex_};
    for (;;) {
        if (auto known = store_.find(key)) return known;
        const auto found = derivations_.find(key);
        if (found == derivations_.end()) break;
        const std::shared_ptr<Derivation> awaited = found->second;
        changed_.wait(lock, [&] { return awaited->is_over; });
        // Also one that is too large to be kept.
        if (awaited->value != nullptr) return awaited->value;
    }
    const auto mine = std::make_shared<Derivation>();
    derivations_.emplace(key, mine);
    lock.unlock();
    Result<kernels::AnyDerived> derived = unexpected(ErrorCode::Internal, "");
    try {
        derived = derive();
    } catch (...) {
        end(key, *mine, {});
        throw;
    }
    if (!derived) {
        end(key, *mine, {});
        return unexpected(derived.error());
    }
    kernels::AnyValue value = derived->value;
    end(key, *mine, std::move(derived).value());
    return value;
}

/// Also on an exception: releases those that wait for the value.
void SharedMemo::end(const kernels::MemoKey& key, Derivation& derivation,
                     kernels::AnyDerived derived) {
    {
        const std::lock_guard lock{mutex_};
        derivation.is_over = true;
        derivation.value = derived.value;
        derivations_.erase(key);
        try {
            if (derived.value != nullptr) store_.insert(key, std::move(derived));
        } catch (const std::bad_alloc&) {
            // It is derived again, when there is memory.
            store_.clear();
        }
    }
    changed_.notify_all();
}

kernels::AnyValue SharedMemo::take(const kernels::MemoKey& key) {
    const std::lock_guard lock{mutex_};
    return store_.take(key);
}

void SharedMemo::give(const kernels::MemoKey& key, kernels::AnyDerived derived) {
    const std::lock_guard lock{mutex_};
    store_.give(key, std::move(derived));
}

void SharedMemo::clear() {
    const std::lock_guard lock{mutex_};
    store_.clear();
}

std::size_t SharedMemo::bytes() const {
    const std::lock_guard lock{mutex_};
    return store_.bytes();
}

std::size_t memo_bytes_for(std::uint64_t memory_bytes) {
    const std::uint64_t share = memory_bytes == 0 ? kernels::memo_bytes_tab_max : memory_bytes / 8;
    return static_cast<std::size_t>(std::min(share, kernels::memo_bytes_native_max));
}

std::size_t memo_bytes_here() {
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long page_bytes = ::sysconf(_SC_PAGE_SIZE);
    if (pages <= 0 || page_bytes <= 0) return memo_bytes_for(0);
    return memo_bytes_for(static_cast<std::uint64_t>(pages) *
                          static_cast<std::uint64_t>(page_bytes));
}

}  // namespace netcompute::worker
