#include "server/backup_service.hpp"

#include "store/store_backup.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <array>
#include <string>
#include <utility>

namespace netcompute::server {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using Protocol = asio::local::stream_protocol;
using boost::system::error_code;

}  // namespace

class BackupService::Impl : public std::enable_shared_from_this<Impl> {
 public:
    Impl(asio::io_context& io, engine::EngineHost& host, store::SqliteJobStore& jobs,
         AuditLog& audit, const fs::path& state_dir)
        : io_{io},
          host_{host},
          jobs_{jobs},
          audit_{audit},
          socket_{state_dir / socket_name},
          target_{state_dir / backup_name},
          acceptor_{io} {}

    void listen() {
        remove(socket_);  // Of a master that was killed.
        remove(target_);
        error_code error;
        if (socket_.native().size() >= sizeof(sockaddr_un::sun_path)) {
            error = asio::error::name_too_long;
        } else {
            const Protocol::endpoint endpoint{socket_.native()};
            acceptor_.open(endpoint.protocol(), error);
            if (!error) acceptor_.bind(endpoint, error);
            if (!error && ::chmod(socket_.c_str(), 0600) != 0)
                error.assign(errno, error.category());
            if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
        }
        if (error) {
            spdlog::warn(
                "{}: cannot listen there, so this master makes no backups while it runs: {}",
                socket_.string(), error.message());
            return;
        }
        accept();
    }

    void close() {
        is_closed_ = true;
        error_code ignored;
        acceptor_.close(ignored);
        backup_.reset();
        remove(socket_);
        remove(target_);
    }

 private:
    struct Client {
        explicit Client(Protocol::socket the_socket) : socket{std::move(the_socket)} {}
        Protocol::socket socket;
        std::array<char, request.size()> said{};
        std::string answer;
        bool has_backup = false;
    };
    using ClientPtr = std::shared_ptr<Client>;

    static void remove(const fs::path& path) {
        std::error_code ignored;
        fs::remove(path, ignored);
    }

    void accept() {
        acceptor_.async_accept(
            [self = shared_from_this()](const error_code& error, Protocol::socket socket) {
                if (self->is_closed_) return;
                if (!error) self->read(std::make_shared<Client>(std::move(socket)));
                self->accept();
            });
    }

    void read(const ClientPtr& client) {
        asio::async_read(client->socket, asio::buffer(client->said),
                         [self = shared_from_this(), client](const error_code& error, std::size_t) {
                             if (error || self->is_closed_) return;
                             self->serve(client);
                         });
    }

    void serve(const ClientPtr& client) {
        if (std::string_view{client->said.data(), client->said.size()} != request) {
            return answer(client, "error this master does not know that command");
        }
        if (is_busy_) return answer(client, "error another backup is under way; try again later");
        is_busy_ = client->has_backup = true;
        auto begun = jobs_.begin_backup(target_);
        if (!begun) return end(client, unexpected(begun.error()));
        backup_ = std::move(*begun);
        step(client);
    }

    /// Everybody else has a turn between two steps.
    void step(const ClientPtr& client) {
        asio::post(io_, [self = shared_from_this(), client] {
            if (self->is_closed_) return;
            const auto is_copied = self->backup_->step();
            if (!is_copied) return self->end(client, unexpected(is_copied.error()));
            if (!*is_copied) return self->step(client);
            self->host_.run_slow([self, client, backup = self->backup_] {
                return [self, client, done = backup->finish()] {
                    if (!self->is_closed_) self->end(client, done);
                };
            });
        });
    }

    void end(const ClientPtr& client, const Result<void>& done) {
        backup_.reset();
        jobs_.end_backup();
        audit_.write({.action = "backup",
                      .who = audit_by::local,
                      .outcome = done ? "ok" : std::string{error_code_name(done.error().code)},
                      .detail = done ? "" : done.error().message});
        answer(client, done ? "ok" : "error " + done.error().message);
    }

    void answer(const ClientPtr& client, std::string text) {
        client->answer = std::move(text) + '\n';
        asio::async_write(client->socket, asio::buffer(client->answer),
                          [self = shared_from_this(), client](const error_code&, std::size_t) {
                              self->await_end(client);
                          });
    }

    /// Until then the client may take the backup.
    void await_end(const ClientPtr& client) {
        asio::async_read(client->socket, asio::buffer(client->said),
                         [self = shared_from_this(), client](const error_code&, std::size_t) {
                             if (!client->has_backup || self->is_closed_) return;
                             self->is_busy_ = false;
                             remove(self->target_);
                         });
    }

    asio::io_context& io_;
    engine::EngineHost& host_;
    store::SqliteJobStore& jobs_;
    AuditLog& audit_;
    const fs::path socket_;
    const fs::path target_;
    Protocol::acceptor acceptor_;
    std::shared_ptr<store::StoreBackup> backup_;
    bool is_busy_ = false;  ///< From a request until the end of its connection.
    bool is_closed_ = false;
};

BackupService::BackupService(asio::io_context& io, engine::EngineHost& host,
                             store::SqliteJobStore& jobs, AuditLog& audit,
                             const fs::path& state_dir)
    : impl_{std::make_shared<Impl>(io, host, jobs, audit, state_dir)} {
    impl_->listen();
}

BackupService::~BackupService() {
    impl_->close();
}

void BackupService::close() {
    impl_->close();
}

}  // namespace netcompute::server
