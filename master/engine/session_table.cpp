#include "engine/session_table.hpp"

#include <netcompute/assert.hpp>

#include <utility>

namespace netcompute::engine {

const WorkerSession* SessionTable::find(const std::string& key) const {
    const auto found = sessions_.find(key);
    return found == sessions_.end() ? nullptr : &found->second;
}

const WorkerSession* SessionTable::find_connected(const std::string& key) const {
    const WorkerSession* const session = find(key);
    return session != nullptr && session->connection != nullptr ? session : nullptr;
}

const WorkerSession* SessionTable::connected(WorkerId worker) const {
    const auto key = keys_by_worker_.find(worker);
    return key == keys_by_worker_.end() ? nullptr : find_connected(key->second);
}

const WorkerSession* SessionTable::connected(const net::SessionPtr& connection) const {
    const auto key = keys_by_connection_.find(connection.get());
    return key == keys_by_connection_.end() ? nullptr : find(key->second);
}

std::size_t SessionTable::connected_at(const std::string& address) const {
    const auto count = connected_by_address_.find(address);
    return count == connected_by_address_.end() ? 0 : count->second;
}

void SessionTable::put(WorkerSession session) {
    NETCOMPUTE_ASSERT(connected(session.worker) == nullptr, "a worker has one session at a time");
    forget(session.worker);
    if (session.connection != nullptr) {
        keys_by_connection_.emplace(session.connection.get(), session.key);
        ++connected_by_address_[session.connection->peer_address()];
    }
    keys_by_worker_.emplace(session.worker, session.key);
    std::string key = session.key;
    sessions_.insert_or_assign(std::move(key), std::move(session));
}

WorkerSession SessionTable::disconnect(const std::string& key) {
    WorkerSession& session = sessions_.at(key);
    WorkerSession before = session;
    session.connection = nullptr;
    keys_by_connection_.erase(before.connection.get());
    const auto count = connected_by_address_.find(before.connection->peer_address());
    if (--count->second == 0) connected_by_address_.erase(count);
    return before;
}

std::vector<WorkerSession> SessionTable::disconnect_all() {
    std::vector<std::string> keys;
    for (const auto& [connection, key] : keys_by_connection_) keys.push_back(key);
    std::vector<WorkerSession> before;
    for (const std::string& key : keys) before.push_back(disconnect(key));
    return before;
}

void SessionTable::forget(WorkerId worker) {
    const auto key = keys_by_worker_.find(worker);
    if (key == keys_by_worker_.end()) return;
    sessions_.erase(key->second);
    keys_by_worker_.erase(key);
}

}  // namespace netcompute::engine
