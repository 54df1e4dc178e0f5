#pragma once

#include "engine/worker_gateway.hpp"
#include "store/blob_store.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace netcompute::server {

struct LocalWorkerOptions {
    std::uint32_t slots = 1;
    std::string token;
};

/// A worker inside the master's process: the native worker's agent and executor, joined to the
/// gateway without sockets. It computes on threads of its own and speaks on `io`'s.
class LocalWorker {
 public:
    /// `gateway` and `blobs` outlive it.
    LocalWorker(boost::asio::io_context& io, engine::WorkerGateway& gateway,
                const store::BlobStore& blobs, const LocalWorkerOptions& options);
    LocalWorker(const LocalWorker&) = delete;
    LocalWorker& operator=(const LocalWorker&) = delete;
    /// Waits for the tasks that are running.
    ~LocalWorker();

    /// The token to join with from now on; a live session needs none.
    void set_token(const std::string& token);

 private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace netcompute::server
