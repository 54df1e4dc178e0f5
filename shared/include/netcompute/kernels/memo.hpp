#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace netcompute::kernels {

/// What all slots of a native worker may keep together, unless an eighth of the PC's memory is
/// less: the PC has its owner's work to do, and the blobs have a cache of their own.
inline constexpr std::uint64_t memo_bytes_native_max = std::uint64_t{1} << 30;
/// What one compute thread of a tab may keep: browsers stop tabs that take much, and an instance's
/// memory never shrinks.
inline constexpr std::size_t memo_bytes_tab_max = std::size_t{64} << 20;

/// What a kernel made of its inputs, and how many bytes of memory it takes.
template <typename T>
struct Derived {
    T value;
    std::size_t bytes = 0;
};

/// A derived value whose type only the one who derived it knows.
using AnyValue = std::shared_ptr<const void>;
using AnyDerived = Derived<AnyValue>;

/// One object for each type: its address tells a type from others within a process.
template <typename T>
inline constexpr char type_tag = 0;
/// The same for values that tasks take and change: none of them is ever read as a derived one.
template <typename T>
inline constexpr char changing_type_tag = 0;

/// Names a derived value: the kernel's own name for it with the hashes of what it was made from,
/// and its type, so that none is ever read as another one.
struct MemoKey {
    Sha256 sha256;
    const void* type = nullptr;  ///< A type_tag.
    std::uint32_t copy = 0;      ///< Of values that tasks take there may be several.
    friend bool operator==(const MemoKey&, const MemoKey&) = default;
    friend bool operator<(const MemoKey& a, const MemoKey& b) {
        if (a.sha256 != b.sha256) return a.sha256 < b.sha256;
        if (a.type != b.type) return std::less<const void*>{}(a.type, b.type);
        return a.copy < b.copy;
    }
};

/// Where derived values are between tasks.
class MemoValues {
 public:
    using Derive = std::function<Result<AnyDerived>()>;

    MemoValues() = default;
    MemoValues(const MemoValues&) = delete;
    MemoValues& operator=(const MemoValues&) = delete;
    virtual ~MemoValues() = default;

    /// The value of this key: a kept one, or what `derive` makes, which is kept if there is room.
    /// Errors: those of `derive`; they are not kept.
    [[nodiscard]] virtual Result<AnyValue> get(const MemoKey& key, const Derive& derive) = 0;

    /// Takes a value out that was given under this key: it is the caller's alone. Null: there is
    /// none.
    [[nodiscard]] virtual AnyValue take(const MemoKey&) { return nullptr; }
    /// Keeps a value for take(), if there is room.
    virtual void give(const MemoKey&, AnyDerived) {}
};

/// Keeps values within a budget: the one not asked for the longest goes first. Not thread-safe.
class MemoStore final : public MemoValues {
 public:
    /// What keeping one value takes besides the value: tiny ones have their price too.
    static constexpr std::size_t entry_bytes = 160;

    explicit MemoStore(std::size_t bytes_max) : bytes_max_{bytes_max} {}

    [[nodiscard]] Result<AnyValue> get(const MemoKey& key, const Derive& derive) override;
    [[nodiscard]] AnyValue take(const MemoKey& key) override;
    void give(const MemoKey& key, AnyDerived derived) override;
    /// The kept value, or null. Counts as a use.
    [[nodiscard]] AnyValue find(const MemoKey& key);
    /// One that is larger than the budget is not kept, and nothing goes for it.
    void insert(const MemoKey& key, AnyDerived derived);
    void clear();
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
    struct Entry {
        MemoKey key;
        AnyDerived derived;
    };
    std::size_t bytes_max_;
    std::size_t bytes_ = 0;     ///< With entry_bytes for each.
    std::list<Entry> entries_;  ///< The last used one first.
    std::map<MemoKey, std::list<Entry>::iterator> by_key_;
};

/// What a kernel may keep between tasks: values that it derived from its inputs. One that is gone
/// is derived again, so no bit of an output ever depends on a memo.
class Memo {
 public:
    Memo() = default;
    Memo(const Memo&) = delete;
    Memo& operator=(const Memo&) = delete;
    virtual ~Memo() = default;

    /// What `make`, a function without arguments that gives a Result<Derived<T>>, makes of `from`
    /// and of nothing else: now, or once before. `what` is the kernel's own name for it, with a
    /// version ("my_kernel table 1"); whatever else it depends on belongs into the name, or into
    /// `from`. The value is shared with other tasks, at the same time too. Errors: those of `make`.
    template <typename T, typename Make>
    [[nodiscard]] Result<std::shared_ptr<const T>> derive(std::string_view what,
                                                          std::span<const ByteSpan> from,
                                                          Make&& make) {
        Result<AnyValue> value = value_of(what, from, &type_tag<T>, [&]() -> Result<AnyDerived> {
            Result<Derived<T>> made = make();
            if (!made) return unexpected(made.error());
            return AnyDerived{std::make_shared<const T>(std::move(made->value)), made->bytes};
        });
        if (!value) return unexpected(value.error());
        return std::static_pointer_cast<const T>(std::move(value).value());
    }

    /// A value that a task before this one has given under this name and `from`; it is this task's
    /// alone, to be changed. Null: there is none. For what would cost more to make anew, memory and
    /// all, than a task may take: whatever state it is in, the output is the same bits.
    template <typename T>
    [[nodiscard]] std::shared_ptr<T> take(std::string_view what, std::span<const ByteSpan> from) {
        AnyValue value = taken(what, from, &changing_type_tag<T>);
        return std::static_pointer_cast<T>(std::const_pointer_cast<void>(std::move(value)));
    }
    /// Keeps a value for the tasks that follow. A task that fails gives nothing: what it has left
    /// half done is gone. Slots that take at the same time have values of their own.
    template <typename T>
    void give(std::string_view what, std::span<const ByteSpan> from, std::shared_ptr<T> value,
              std::size_t bytes) {
        given(what, from, &changing_type_tag<T>, {std::move(value), bytes});
    }

 private:
    [[nodiscard]] virtual AnyValue taken(std::string_view, std::span<const ByteSpan>, const void*) {
        return nullptr;
    }
    virtual void given(std::string_view, std::span<const ByteSpan>, const void*, AnyDerived) {}
    [[nodiscard]] virtual Result<AnyValue> value_of(std::string_view what,
                                                    std::span<const ByteSpan> from,
                                                    const void* type,
                                                    const MemoValues::Derive& derive) = 0;
};

/// Keeps nothing, and hashes nothing either.
class NoMemo final : public Memo {
 private:
    [[nodiscard]] Result<AnyValue> value_of(std::string_view what, std::span<const ByteSpan> from,
                                            const void* type,
                                            const MemoValues::Derive& derive) override;
};

/// The memo of one task, whose inputs stay where they are until it is done. Blobs' hashes are
/// known already; whatever else values are derived from is hashed.
class TaskMemo final : public Memo {
 public:
    /// `values` outlives it.
    explicit TaskMemo(MemoValues& values) : values_{values} {}

    /// These bytes, an input as a whole, are the blob of this name.
    void know(ByteSpan blob, const Sha256& sha256) { blobs_.emplace_back(blob, sha256); }

 private:
    [[nodiscard]] Result<AnyValue> value_of(std::string_view what, std::span<const ByteSpan> from,
                                            const void* type,
                                            const MemoValues::Derive& derive) override;
    [[nodiscard]] AnyValue taken(std::string_view what, std::span<const ByteSpan> from,
                                 const void* type) override;
    void given(std::string_view what, std::span<const ByteSpan> from, const void* type,
               AnyDerived derived) override;
    [[nodiscard]] MemoKey key_of(std::string_view what, std::span<const ByteSpan> from,
                                 const void* type) const;
    [[nodiscard]] Sha256 hash_of(ByteSpan bytes) const;

    MemoValues& values_;
    std::vector<std::pair<ByteSpan, Sha256>> blobs_;
};

}  // namespace netcompute::kernels
