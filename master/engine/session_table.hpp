#pragma once

#include "net/session.hpp"
#include <netcompute/ids.hpp>

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

namespace netcompute::engine {

/// The last session of a worker: connected, or such that the worker may resume it.
struct WorkerSession {
    std::string key;  ///< What the worker speaks for itself by, and may resume by.
    WorkerId worker;
    std::string worker_key;      ///< The worker's public id.
    net::SessionPtr connection;  ///< Null while it is not connected.
};

/// Those sessions, one a worker: found by their keys, by worker and by connection. What a find
/// returns is valid until the table changes; null if there is none.
class SessionTable {
 public:
    [[nodiscard]] const WorkerSession* find(const std::string& key) const;
    /// That are connected.
    [[nodiscard]] const WorkerSession* find_connected(const std::string& key) const;
    [[nodiscard]] const WorkerSession* connected(WorkerId worker) const;
    [[nodiscard]] const WorkerSession* connected(const net::SessionPtr& connection) const;
    /// How many of them are, at this address.
    [[nodiscard]] std::size_t connected_at(const std::string& address) const;

    /// A worker's session begins, or is resumed: it takes the place of that worker's last one,
    /// which is not connected any more.
    void put(WorkerSession session);
    /// It stays, to be resumed. Returns it as it was.
    WorkerSession disconnect(const std::string& key);
    /// All of them. Returns those that were connected, as they were.
    std::vector<WorkerSession> disconnect_all();
    /// Of a worker that is not connected: it cannot be resumed any more.
    void forget(WorkerId worker);

 private:
    std::unordered_map<std::string, WorkerSession> sessions_;  ///< By key.
    std::unordered_map<WorkerId, std::string> keys_by_worker_;
    std::unordered_map<const net::Session*, std::string> keys_by_connection_;
    std::unordered_map<std::string, std::size_t> connected_by_address_;
};

}  // namespace netcompute::engine
