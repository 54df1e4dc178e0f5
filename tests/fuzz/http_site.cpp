#include "http_site.hpp"

#include "jobs/job_request.hpp"
#include "jobs/job_type.hpp"
#include <netcompute/sha256.hpp>

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <cstring>
#include <exception>

namespace netcompute::fuzz {
namespace {

constexpr std::string_view blob_text = "a blob";

net::StaticFiles files_below(const test_support::TemporaryFolder& folder) {
    const auto site = folder.path() / "site";
    std::filesystem::create_directories(site / "style");
    folder.write("secret.txt", Site::secret);
    folder.write("site/index.html", "<!doctype html>");
    folder.write("site/worker.html", "<!doctype html>");
    folder.write("site/style/base.css", "body {}");
    net::StaticFiles files;
    files.add_folder(site, "/web/");
    return files;
}

api::ServerApi::AcceptWorker accept_nobody() {
    return [](const net::HttpRequest&, const std::shared_ptr<net::WebSocket>&) {};
}

/// A body that is there already.
class WholeBody final : public net::BodyReader {
 public:
    explicit WholeBody(std::string_view text) : text_{text}, rest_{text} {}
    [[nodiscard]] std::optional<std::uint64_t> size() const override { return text_.size(); }
    boost::asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override {
        const std::size_t count = std::min(into.size(), rest_.size());
        std::memcpy(into.data(), rest_.data(), count);
        rest_.remove_prefix(count);
        co_return count;
    }

 private:
    std::string_view text_;
    std::string_view rest_;
};

}  // namespace

std::optional<nlohmann::json> CountingBackend::worker(std::string_view id) {
    if (id != "pc-42_Aa0") return std::nullopt;
    return nlohmann::json{{"id", id}};
}

std::optional<nlohmann::json> CountingBackend::job(JobId id) {
    if (id.value != job_number) return std::nullopt;
    return nlohmann::json{{"id", id.value}, {"state", "Running"}};
}

Result<nlohmann::json> CountingBackend::job_result(JobId id) {
    if (id.value == job_number) return nlohmann::json(3.14);
    return unexpected(ErrorCode::NotFound, "there is no such job");
}

Result<std::vector<api::JobFile>> CountingBackend::job_files(JobId id) {
    if (id.value == job_number) return std::vector<api::JobFile>{{"model", "Data/model.json", {}}};
    return unexpected(ErrorCode::NotFound, "there is no such job");
}

Result<api::ListPage> CountingBackend::jobs(const api::ListQuery& query) {
    NETCOMPUTE_ASSERT(query.limit >= 1 && query.limit <= api::ListQuery::limit_max,
                      "a list has a limit");
    return api::ListPage{nlohmann::json::array({query.text}), query.before};
}

nlohmann::json CountingBackend::job_types() const {
    return jobs::job_types_document();
}

Result<JobId> CountingBackend::submit(std::string_view body, std::string_view) {
    ++change_count;
    const auto request = jobs::parse_job_request(body);
    if (!request) return unexpected(request.error());
    return JobId{job_number};
}

Result<void> CountingBackend::pause(JobId id, bool) {
    return cancel(id);
}

Result<void> CountingBackend::prioritize(JobId id, std::string_view body) {
    const auto priority = jobs::parse_priority_request(body);
    if (!priority) return unexpected(priority.error());
    return cancel(id);
}

Result<void> CountingBackend::drain(std::string_view, bool) {
    ++change_count;
    return {};
}

Result<void> CountingBackend::readmit(std::string_view) {
    ++change_count;
    return {};
}

Result<api::Backend::ReceiptMaker> CountingBackend::receipt(JobId id) {
    if (id.value != job_number) return unexpected(ErrorCode::NotFound, "there is no such job");
    return ReceiptMaker{[] { return Result<std::string>{std::string{"{}"}}; }};
}

Result<void> CountingBackend::cancel(JobId id) {
    ++change_count;
    if (id.value == job_number) return {};
    return unexpected(ErrorCode::NotFound, "there is no such job");
}

std::optional<api::BlobView> CountingBackend::blob(const Sha256& wanted) {
    if (wanted != sha256(as_byte_span(blob_text))) return std::nullopt;
    return api::BlobView{as_byte_span(blob_text), nullptr};
}

Site::Site()
    : files_{files_below(folder_)},
      uploads_{folder_.path(), data::Uploads::bytes_max_default},
      open_api_{io_,      {.join_token = {}, .audit = nullptr, .root = folder_.path()},
                backend_, uploads_,
                files_,   accept_nobody()},
      guarded_api_{
          io_,      {.join_token = std::string{token}, .audit = nullptr, .root = folder_.path()},
          backend_, uploads_,
          files_,   accept_nobody()},
      open_{open_api_.handlers()},
      guarded_{guarded_api_.handlers()} {}

net::HttpResponse Site::answer(const net::HttpServer::Handlers& handlers,
                               const net::HttpRequest& request) {
    backend_.change_count = 0;
    net::HttpRequest head{request.base()};
    const auto verdict = handlers.look(head, {});
    NETCOMPUTE_ASSERT(backend_.change_count == 0, "a head alone changes nothing");
    if (verdict.refusal) return *verdict.refusal;
    if (!verdict.receive && request.body().size() > verdict.body_bytes_max) {
        return net::http_error(boost::beast::http::status::payload_too_large, "limit_exceeded",
                               "the body is too long");
    }
    std::optional<net::HttpResponse> answered;
    WholeBody body{request.body()};
    const net::HttpPeer peer{"192.168.1.7"};
    boost::asio::co_spawn(
        io_, verdict.receive ? verdict.receive(head, peer, body) : handlers.handle(request, peer),
        [&](const std::exception_ptr& failure, net::HttpResponse response) {
            if (failure) std::rethrow_exception(failure);
            answered = std::move(response);
        });
    io_.restart();
    io_.run();
    NETCOMPUTE_ASSERT(answered, "every request is answered");
    return std::move(*answered);
}

}  // namespace netcompute::fuzz
