#include <netcompute/kernels/memo.hpp>

namespace netcompute::kernels {

Result<AnyValue> MemoStore::get(const MemoKey& key, const Derive& derive) {
    if (AnyValue known = find(key)) return known;
    Result<AnyDerived> derived = derive();
    if (!derived) return unexpected(derived.error());
    AnyValue value = derived->value;
    insert(key, std::move(derived).value());
    return value;
}

AnyValue MemoStore::find(const MemoKey& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->derived.value;
}

void MemoStore::insert(const MemoKey& key, AnyDerived derived) {
    if (derived.bytes > bytes_max_ || bytes_max_ - derived.bytes < entry_bytes) return;
    // One value may have been derived while another one was made from it.
    if (find(key) != nullptr) return;
    bytes_ += derived.bytes + entry_bytes;
    entries_.push_front({key, std::move(derived)});
    by_key_.emplace(key, entries_.begin());
    while (bytes_ > bytes_max_) {
        const Entry& oldest = entries_.back();
        bytes_ -= oldest.derived.bytes + entry_bytes;
        by_key_.erase(oldest.key);
        entries_.pop_back();
    }
}

AnyValue MemoStore::take(const MemoKey& key) {
    const auto found = by_key_.lower_bound({key.sha256, key.type, 0});
    if (found == by_key_.end()) return nullptr;
    if (found->first.sha256 != key.sha256 || found->first.type != key.type) return nullptr;
    const auto entry = found->second;
    AnyValue value = std::move(entry->derived.value);
    bytes_ -= entry->derived.bytes + entry_bytes;
    by_key_.erase(found);
    entries_.erase(entry);
    return value;
}

void MemoStore::give(const MemoKey& key, AnyDerived derived) {
    MemoKey free{key.sha256, key.type, 0};
    while (by_key_.contains(free)) ++free.copy;
    insert(free, std::move(derived));
}

void MemoStore::clear() {
    by_key_.clear();
    entries_.clear();
    bytes_ = 0;
}

Result<AnyValue> NoMemo::value_of(std::string_view, std::span<const ByteSpan>, const void*,
                                  const MemoValues::Derive& derive) {
    Result<AnyDerived> derived = derive();
    if (!derived) return unexpected(derived.error());
    return std::move(derived->value);
}

Result<AnyValue> TaskMemo::value_of(std::string_view what, std::span<const ByteSpan> from,
                                    const void* type, const MemoValues::Derive& derive) {
    return values_.get(key_of(what, from, type), derive);
}

AnyValue TaskMemo::taken(std::string_view what, std::span<const ByteSpan> from, const void* type) {
    return values_.take(key_of(what, from, type));
}

void TaskMemo::given(std::string_view what, std::span<const ByteSpan> from, const void* type,
                     AnyDerived derived) {
    values_.give(key_of(what, from, type), std::move(derived));
}

/// The name's size and the number of the hashes are hashed too: no two lists read as one.
MemoKey TaskMemo::key_of(std::string_view what, std::span<const ByteSpan> from,
                         const void* type) const {
    Bytes text;
    ByteWriter writer{text};
    writer.number(std::uint64_t{what.size()});
    writer.number(std::uint64_t{from.size()});
    writer.bytes(std::as_bytes(std::span{what.data(), what.size()}));
    for (const ByteSpan bytes : from) {
        const Sha256 hash = hash_of(bytes);
        writer.bytes(std::as_bytes(std::span{hash.digest}));
    }
    return {sha256(text), type};
}

Sha256 TaskMemo::hash_of(ByteSpan bytes) const {
    for (const auto& [blob, name] : blobs_) {
        if (blob.data() == bytes.data() && blob.size() == bytes.size()) return name;
    }
    return sha256(bytes);
}

}  // namespace netcompute::kernels
