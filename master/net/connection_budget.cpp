#include "net/connection_budget.hpp"

#include <algorithm>
#include <array>
#include <list>
#include <map>
#include <utility>

namespace netcompute::net {
namespace ip = boost::asio::ip;
namespace {

constexpr std::size_t connections_default = 32'768;  ///< Where descriptors abound.
constexpr std::size_t connections_min = 16;          ///< However few descriptors there are.
constexpr std::size_t strangers_default = 2048;      ///< However many connections there may be.
/// A native worker has three, and a page that shows the cluster a few.
constexpr std::size_t connections_per_session = 4;

}  // namespace

ConnectionLimits connection_limits(std::size_t descriptors_max, ConnectionLimits wanted,
                                   std::size_t sessions_per_address) {
    const std::size_t for_files = std::max<std::size_t>(64, descriptors_max / 16);
    const std::size_t possible = descriptors_max > for_files + connections_min
                                     ? descriptors_max - for_files
                                     : connections_min;
    ConnectionLimits limits;
    limits.connections_max = std::min(
        possible, wanted.connections_max == 0 ? connections_default : wanted.connections_max);
    limits.per_address_max =
        wanted.per_address_max != 0
            ? wanted.per_address_max
            : std::min(connections_per_session * sessions_per_address, limits.connections_max / 2);
    limits.per_address_max = std::min(limits.per_address_max, limits.connections_max);
    return limits;
}

ip::address counted_address(const ip::address& address) {
    if (!address.is_v6()) return address;
    ip::address_v6 v6 = address.to_v6();
    if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6);
    // Here one /64 holds many PCs.
    if (v6.is_loopback() || v6.is_link_local()) return address;
    ip::address_v6::bytes_type bytes = v6.to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    return ip::address_v6{bytes};
}

struct ConnectionBudget::State {
    using Strangers = std::list<Entry*>;  ///< The oldest first.
    struct Address {
        Strangers strangers;
        std::size_t proven_count = 0;
    };
    using Addresses = std::map<ip::address, Address>;

    explicit State(ConnectionLimits the_limits) : limits{the_limits} {
        strangers_max = std::clamp<std::size_t>(limits.connections_max / 4, 1, strangers_default);
        strangers_per_address_max = std::clamp<std::size_t>(
            strangers_max / 2, 1, std::max<std::size_t>(1, limits.per_address_max));
        proven_max = limits.connections_max - std::min(limits.connections_max, strangers_max);
    }

    void make_room(Address& newcomers);
    void evict_oldest(Address& address);
    void add_stranger(Entry& entry);
    void remove_stranger(Entry& entry);
    void drop_if_empty(Addresses::iterator address);

    ConnectionLimits limits;
    std::size_t strangers_max = 0;
    std::size_t strangers_per_address_max = 0;
    std::size_t proven_max = 0;
    std::size_t stranger_count = 0;
    std::size_t proven_count = 0;
    Addresses addresses;
};

/// What a lease holds.
struct ConnectionBudget::Entry {
    enum class Standing { Stranger, Proven, Evicted };

    std::shared_ptr<State> state;
    State::Addresses::iterator address;
    State::Strangers::iterator place;  ///< Where it is a stranger.
    std::function<void()> evict;
    Standing standing = Standing::Evicted;
};

void ConnectionBudget::State::add_stranger(Entry& entry) {
    Strangers& strangers = entry.address->second.strangers;
    entry.place = strangers.insert(strangers.end(), &entry);
    entry.standing = Entry::Standing::Stranger;
    ++stranger_count;
}

void ConnectionBudget::State::remove_stranger(Entry& entry) {
    entry.address->second.strangers.erase(entry.place);
    --stranger_count;
}

void ConnectionBudget::State::drop_if_empty(Addresses::iterator address) {
    if (address->second.strangers.empty() && address->second.proven_count == 0) {
        addresses.erase(address);
    }
}

void ConnectionBudget::State::evict_oldest(Address& address) {
    Entry& oldest = *address.strangers.front();
    const auto where = oldest.address;
    const std::function<void()> evict = std::move(oldest.evict);
    remove_stranger(oldest);
    oldest.standing = Entry::Standing::Evicted;
    drop_if_empty(where);
    evict();  // May destroy the entry.
}

/// Makes room for an unproven connection whose address is known already.
void ConnectionBudget::State::make_room(Address& newcomers) {
    while (newcomers.strangers.size() > strangers_per_address_max) evict_oldest(newcomers);
    while (stranger_count > strangers_max) {
        const auto most = std::ranges::max_element(
            addresses, {},
            [](const Addresses::value_type& entry) { return entry.second.strangers.size(); });
        evict_oldest(most->second);
    }
}

ConnectionBudget::ConnectionBudget(ConnectionLimits limits)
    : state_{std::make_shared<State>(limits)} {}

ConnectionBudget::Lease ConnectionBudget::take(const ip::address& address,
                                               std::function<void()> evict) {
    auto entry = std::make_shared<Entry>();
    entry->state = state_;
    entry->address = state_->addresses.try_emplace(counted_address(address)).first;
    entry->evict = std::move(evict);
    state_->add_stranger(*entry);
    // The new connection is counted already, as the youngest: older ones are closed first.
    state_->make_room(entry->address->second);
    return Lease{std::move(entry)};
}

std::size_t ConnectionBudget::stranger_count() const {
    return state_->stranger_count;
}

std::size_t ConnectionBudget::proven_count() const {
    return state_->proven_count;
}

std::size_t ConnectionBudget::strangers_max() const {
    return state_->strangers_max;
}

bool ConnectionBudget::Lease::prove() {
    if (entry_ == nullptr || entry_->standing == Entry::Standing::Evicted) return false;
    if (entry_->standing == Entry::Standing::Proven) return true;
    State& state = *entry_->state;
    State::Address& address = entry_->address->second;
    if (state.proven_count >= state.proven_max ||
        address.proven_count >= state.limits.per_address_max) {
        return false;
    }
    ++address.proven_count;
    ++state.proven_count;
    state.remove_stranger(*entry_);
    entry_->standing = Entry::Standing::Proven;
    return true;
}

void ConnectionBudget::Lease::doubt() {
    if (entry_ == nullptr || entry_->standing != Entry::Standing::Proven) return;
    State& state = *entry_->state;
    State::Address& address = entry_->address->second;
    --address.proven_count;
    --state.proven_count;
    state.add_stranger(*entry_);
    state.make_room(address);
}

ConnectionBudget::Lease& ConnectionBudget::Lease::operator=(Lease&& other) noexcept {
    Lease old{std::move(*this)};
    entry_ = std::move(other.entry_);
    return *this;
}

ConnectionBudget::Lease::~Lease() {
    if (entry_ == nullptr || entry_->standing == Entry::Standing::Evicted) return;
    State& state = *entry_->state;
    if (entry_->standing == Entry::Standing::Proven) {
        --entry_->address->second.proven_count;
        --state.proven_count;
    } else {
        state.remove_stranger(*entry_);
    }
    state.drop_if_empty(entry_->address);
}

}  // namespace netcompute::net
