#include "engine/worker_ids.hpp"

#include <netcompute/sha256.hpp>

#include <utility>

namespace netcompute::engine {
namespace {

/// The wanted id, with this number behind it unless it is the first.
std::string numbered(const std::string& wanted, std::uint64_t number) {
    if (number == 1) return wanted;
    const std::string suffix = "-" + std::to_string(number);
    return wanted.substr(0, protocol::worker_key_bytes_max - suffix.size()) + suffix;
}

}  // namespace

std::string owner_of(const protocol::Hello& hello, const std::string& address, bool is_web) {
    const bool needs_address = is_web || hello.secret.empty() || hello.machine.empty();
    std::string text = "netcompute worker";
    for (const std::string& part :
         {hello.worker, hello.secret, hello.machine, needs_address ? address : std::string{}}) {
        text += '\0';
        text += part;
    }
    return to_hex(sha256(as_byte_span(text)));
}

std::string WorkerIds::wanted_by(const protocol::Hello& hello, const std::string& address,
                                 bool is_web) const {
    const std::size_t dash = hello.worker.find_last_not_of("0123456789");
    const auto known = known_.find(hello.worker);
    if (known == known_.end() || dash == std::string::npos || hello.worker[dash] != '-') {
        return hello.worker;
    }
    protocol::Hello before = hello;
    before.worker.resize(dash);
    const bool is_its_own = owner_of(before, address, is_web) == known->second.owner;
    return is_its_own ? before.worker : hello.worker;
}

std::string WorkerIds::key_for(const std::string& wanted, const std::string& owner,
                               const std::function<bool(WorkerId)>& is_in_use) const {
    const auto is_free = [&](const std::string& key) { return !is_in_use(known_.at(key).worker); };
    if (const auto own = keys_by_owner_.find(owner); own != keys_by_owner_.end()) {
        const auto found = std::ranges::find_if(own->second, is_free);
        if (found != own->second.end()) return *found;
    }
    const auto known = known_.find(wanted);
    if (known != known_.end() && known->second.owner.empty() && is_free(wanted)) return wanted;
    const auto numbers = numbers_.find(wanted);
    std::uint64_t number = numbers == numbers_.end() ? 1 : numbers->second.last + 1;
    while (known_.contains(numbered(wanted, number))) ++number;
    return numbered(wanted, number);
}

void WorkerIds::add(const std::string& key, Known known) {
    keys_[known.worker] = key;
    if (!known.owner.empty()) keys_by_owner_[known.owner].push_back(key);
    const std::string wanted = known.wanted;
    known_[key] = std::move(known);
    Numbers& numbers = numbers_[wanted];
    ++numbers.known_count;
    while (known_.contains(numbered(wanted, numbers.last + 1))) ++numbers.last;
}

WorkerId WorkerIds::give(const std::string& key, const std::string& wanted,
                         const std::string& owner) {
    const auto found = known_.find(key);
    if (found == known_.end()) {
        const WorkerId worker{++last_};
        add(key, {worker, owner, wanted});
        return worker;
    }
    Known& known = found->second;
    if (known.owner.empty()) {
        known.owner = owner;
        keys_by_owner_[owner].push_back(key);
        if (const auto ban = banned_.extract(key)) banned_[owner] = ban.mapped();
    }
    return known.worker;
}

void WorkerIds::restore(WorkerId worker, const std::string& key, const std::string& owner) {
    skip(worker);
    if (!known_.contains(key)) add(key, {worker, owner, key});
}

void WorkerIds::forget(WorkerId worker) {
    const auto found = keys_.extract(worker);
    if (!found) return;
    const std::string& key = found.mapped();
    const Known known = std::move(known_.extract(key).mapped());
    if (const auto numbers = numbers_.find(known.wanted); --numbers->second.known_count == 0) {
        numbers_.erase(numbers);
    }
    const auto own = keys_by_owner_.find(known.owner);
    if (own == keys_by_owner_.end()) return;
    std::erase(own->second, key);
    if (own->second.empty()) keys_by_owner_.erase(own);
}

std::string WorkerIds::owner(const std::string& key) const {
    const auto found = known_.find(key);
    return found == known_.end() ? std::string{} : found->second.owner;
}

void WorkerIds::ban(const std::string& key, const std::string& reason) {
    const std::string owned_by = owner(key);
    const std::string& banned = owned_by.empty() ? key : owned_by;
    if (reason.empty())
        banned_.erase(banned);
    else
        banned_[banned] = reason;
}

const std::string* WorkerIds::ban_of(const std::string& owner, const std::string& key) const {
    for (const std::string& one : {owner, this->owner(key), key}) {
        if (const auto found = banned_.find(one); found != banned_.end()) return &found->second;
    }
    return nullptr;
}

}  // namespace netcompute::engine
