#pragma once

#include <netcompute/assert.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

/// Containers of what ids name. Ids are counters, so those that are known lie close together: they
/// are kept in pages of 64, and a page is found at once where no page before it is missing, by a
/// binary search elsewhere. Far ids cost a page each, and no more. Iteration is in order of id.
namespace netcompute::core {

constexpr std::uint64_t ids_per_page = 64;

/// Where the page of this number is among such pages, which are ascending, or would come.
template <typename Pages>
[[nodiscard]] std::size_t place_of_page(const Pages& pages, std::uint64_t number) {
    if (pages.empty() || pages.back().number < number) return pages.size();
    const std::uint64_t guess = number - pages.front().number;  // Huge, if it comes before.
    if (guess < pages.size() && pages[guess].number == number) return guess;
    const auto place = std::lower_bound(
        pages.begin(), pages.end(), number,
        [](const auto& page, std::uint64_t wanted) { return page.number < wanted; });
    return static_cast<std::size_t>(place - pages.begin());
}

/// A set of ids.
template <typename Id>
class IdSet {
    struct Page {
        std::uint64_t number = 0;
        std::uint64_t bits = 0;  ///< Never 0.
        friend bool operator==(const Page&, const Page&) = default;
    };

 public:
    class Iterator {
     public:
        using value_type = Id;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        Iterator(const Page* page, const Page* end) : page_{page}, end_{end} { enter(); }
        Id operator*() const {
            return Id{page_->number * ids_per_page +
                      static_cast<std::uint64_t>(std::countr_zero(left_))};
        }
        Iterator& operator++() {
            left_ &= left_ - 1;
            if (left_ != 0) return *this;
            ++page_;
            enter();
            return *this;
        }
        Iterator operator++(int) {
            Iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const Iterator& a, const Iterator& b) {
            return a.page_ == b.page_ && a.left_ == b.left_;
        }

     private:
        void enter() { left_ = page_ == end_ ? 0 : page_->bits; }

        const Page* page_ = nullptr;
        const Page* end_ = nullptr;
        std::uint64_t left_ = 0;  ///< Of the page, this id and those after it.
    };

    IdSet() = default;
    IdSet(std::initializer_list<Id> ids) {
        for (const Id id : ids) insert(id);
    }

    void insert(Id id) {
        const std::uint64_t number = id.value / ids_per_page;
        const std::size_t place = place_of_page(pages_, number);
        if (place == pages_.size() || pages_[place].number != number) {
            pages_.insert(pages_.begin() + static_cast<std::ptrdiff_t>(place), Page{number, 0});
        }
        pages_[place].bits |= bit(id);
    }

    void erase(Id id) {
        const std::uint64_t number = id.value / ids_per_page;
        const std::size_t place = place_of_page(pages_, number);
        if (place == pages_.size() || pages_[place].number != number) return;
        pages_[place].bits &= ~bit(id);
        if (pages_[place].bits == 0) {
            pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(place));
        }
    }

    [[nodiscard]] bool empty() const { return pages_.empty(); }
    [[nodiscard]] std::optional<Id> first() const {
        return empty() ? std::nullopt : std::optional<Id>{*begin()};
    }
    /// The first one after this, which need not be in it.
    [[nodiscard]] std::optional<Id> next(Id after) const {
        const std::uint64_t number = after.value / ids_per_page;
        const std::size_t place = place_of_page(pages_, number);
        if (place == pages_.size()) return std::nullopt;
        if (pages_[place].number != number) return lowest(pages_[place], ~std::uint64_t{0});
        const std::uint64_t later = ~(bit(after) | (bit(after) - 1));
        if ((pages_[place].bits & later) != 0) return lowest(pages_[place], later);
        if (place + 1 == pages_.size()) return std::nullopt;
        return lowest(pages_[place + 1], ~std::uint64_t{0});
    }
    [[nodiscard]] Iterator begin() const { return {pages_.data(), pages_.data() + pages_.size()}; }
    [[nodiscard]] Iterator end() const {
        const Page* const past = pages_.data() + pages_.size();
        return {past, past};
    }
    friend bool operator==(const IdSet&, const IdSet&) = default;

 private:
    static std::uint64_t bit(Id id) { return std::uint64_t{1} << (id.value % ids_per_page); }
    static Id lowest(const Page& page, std::uint64_t among) {
        return Id{page.number * ids_per_page +
                  static_cast<std::uint64_t>(std::countr_zero(page.bits & among))};
    }

    std::vector<Page> pages_;
};

/// A value for each of some ids. References to values hold until these are erased.
template <typename Id, typename T>
class IdTable {
 public:
    /// Null if there is none.
    [[nodiscard]] const T* find(Id id) const {
        const std::uint64_t number = id.value / ids_per_page;
        const std::size_t place = place_of_page(pages_, number);
        if (place == pages_.size() || pages_[place].number != number) return nullptr;
        const std::optional<T>& slot = (*pages_[place].slots)[id.value % ids_per_page];
        return slot ? &*slot : nullptr;
    }
    [[nodiscard]] T* find(Id id) { return const_cast<T*>(std::as_const(*this).find(id)); }
    /// Of an id that has one.
    [[nodiscard]] const T& at(Id id) const {
        const T* const found = find(id);
        NETCOMPUTE_ASSERT(found != nullptr, "only what is known is asked for by its id");
        return *found;
    }
    [[nodiscard]] T& at(Id id) { return const_cast<T&>(std::as_const(*this).at(id)); }
    [[nodiscard]] std::size_t size() const { return size_; }

    /// The id's value, and whether it was made now.
    std::pair<T&, bool> try_emplace(Id id) {
        const std::uint64_t number = id.value / ids_per_page;
        const std::size_t place = place_of_page(pages_, number);
        if (place == pages_.size() || pages_[place].number != number) {
            auto slots = spare_ ? std::move(spare_) : std::make_unique<Slots>();
            pages_.insert(pages_.begin() + static_cast<std::ptrdiff_t>(place),
                          Page{number, 0, std::move(slots)});
        }
        Page& page = pages_[place];
        std::optional<T>& slot = (*page.slots)[id.value % ids_per_page];
        if (slot) return {*slot, false};
        slot.emplace();
        ++page.count;
        ++size_;
        return {*slot, true};
    }
    T& operator[](Id id) { return try_emplace(id).first; }

    /// False if it had none.
    bool erase(Id id) {
        const std::uint64_t number = id.value / ids_per_page;
        const std::size_t place = place_of_page(pages_, number);
        if (place == pages_.size() || pages_[place].number != number) return false;
        Page& page = pages_[place];
        std::optional<T>& slot = (*page.slots)[id.value % ids_per_page];
        if (!slot) return false;
        slot.reset();
        --size_;
        if (--page.count > 0) return true;
        spare_ = std::move(page.slots);
        pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(place));
        return true;
    }

    /// Calls `visit` with each id and its value; it neither adds nor erases any.
    template <typename Visit>
    void for_each(Visit&& visit) {
        std::as_const(*this).for_each(
            [&](Id id, const T& value) { visit(id, const_cast<T&>(value)); });
    }
    template <typename Visit>
    void for_each(Visit&& visit) const {
        for (const Page& page : pages_) {
            for (std::uint64_t place = 0; place < ids_per_page; ++place) {
                const std::optional<T>& slot = (*page.slots)[place];
                if (slot) visit(Id{page.number * ids_per_page + place}, *slot);
            }
        }
    }

 private:
    using Slots = std::array<std::optional<T>, ids_per_page>;
    struct Page {
        std::uint64_t number = 0;
        std::uint32_t count = 0;  ///< Of values; never 0.
        std::unique_ptr<Slots> slots;
    };

    std::vector<Page> pages_;
    std::unique_ptr<Slots> spare_;  ///< Empty: a few ids that come and go need no new page each.
    std::size_t size_ = 0;
};

}  // namespace netcompute::core
