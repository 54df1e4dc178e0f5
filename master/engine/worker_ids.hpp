#pragma once

#include <netcompute/ids.hpp>
#include <netcompute/protocol/messages.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace netcompute::engine {

/// Who a hello is from: 64 hexadecimal digits, the hash of its id, its secret and its machine. It
/// tells a worker from those that only name its id, and from PCs that were installed from the same
/// image. Where secret or machine is missing, and in tabs, whose machine is the copied profile's,
/// the address is part of it.
[[nodiscard]] std::string owner_of(const protocol::Hello& hello, const std::string& address,
                                   bool is_web);

/// Which worker has which id. An id belongs to the worker that used it first, for as long as that
/// worker is remembered. A worker that asks for another's id gets it with a number appended, and
/// the same number the next time, in whatever order they come then.
class WorkerIds {
 public:
    /// The id that this worker wants. It is the one that it asks for, unless that is a key with a
    /// number that it was given before, for another: then that one.
    [[nodiscard]] std::string wanted_by(const protocol::Hello& hello, const std::string& address,
                                        bool is_web) const;
    /// The key under which this owner, who asks for `wanted`, goes: one of its own that is not in
    /// use, or a free one. One without an owner, of a former version's store, is its own as well.
    [[nodiscard]] std::string key_for(const std::string& wanted, const std::string& owner,
                                      const std::function<bool(WorkerId)>& is_in_use) const;
    /// Records that the owner uses this key, as key_for() gave it.
    WorkerId give(const std::string& key, const std::string& wanted, const std::string& owner);
    /// Of a former master. `owner` may be empty.
    void restore(WorkerId worker, const std::string& key, const std::string& owner);
    /// Ids up to this one have been given to workers before.
    void skip(WorkerId last) { last_ = std::max(last_, last.value); }
    /// The key is free again.
    void forget(WorkerId worker);

    /// The owner of a key; empty if it has none, or is not known.
    [[nodiscard]] std::string owner(const std::string& key) const;

    /// Whoever owns this key is to be refused, with the reason, under whatever key it comes; an
    /// empty reason lets it in.
    void ban(const std::string& key, const std::string& reason);
    /// Why the owner, or the user of the key, must be refused; null if it is not banned.
    [[nodiscard]] const std::string* ban_of(const std::string& owner, const std::string& key) const;

 private:
    struct Known {
        WorkerId worker;
        std::string owner;
        std::string wanted;
    };
    /// What has been given of one wanted id, so that no flood of owners makes anybody look through
    /// all of its numbers.
    struct Numbers {
        std::uint64_t last = 0;
        std::size_t known_count = 0;
    };

    void add(const std::string& key, Known known);

    std::map<std::string, Known> known_;  ///< By key.
    std::map<WorkerId, std::string> keys_;
    std::map<std::string, std::vector<std::string>> keys_by_owner_;
    std::map<std::string, Numbers> numbers_;     ///< By wanted id.
    std::map<std::string, std::string> banned_;  ///< Why; by owner, or by key where there is none.
    std::uint64_t last_ = 0;
};

}  // namespace netcompute::engine
