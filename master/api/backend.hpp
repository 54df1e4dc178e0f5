#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/ids.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <nlohmann/json.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::api {

struct BlobView {
    ByteSpan bytes;
    std::shared_ptr<const void> owner;  ///< Keeps the bytes alive.
};

/// Which part of a list is asked for.
struct ListQuery {
    static constexpr std::size_t limit_max = 1000;
    static constexpr std::size_t text_bytes_max = 200;

    std::size_t limit = 100;  ///< The newest ones that fit.
    std::string before;       ///< Only those before the one of this id; empty: all.
    std::string state;        ///< Only those in this state; empty: any.
    std::string text;         ///< Only those that have this in a name or an id; empty: any.
};

struct ListPage {
    nlohmann::json items = nlohmann::json::array();
    std::string next;  ///< The `before` of the page of older ones; empty if there are none.
};

/// A file that a job has written.
struct JobFile {
    std::string name;  ///< As the job's result has it: "submission".
    std::string path;  ///< "Data/submission_test.csv".
    Sha256 sha256;
};

/// What the HTTP routes ask of the rest of the master. The documents are those of the OpenAPI
/// description.
class Backend {
 public:
    Backend() = default;
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;
    virtual ~Backend() = default;

    [[nodiscard]] virtual nlohmann::json cluster() = 0;
    /// What jobs there can be: [{"name", "title", "summary", "params": [{"name", "description",
    /// "required", and the words of JSON Schema}, …]}, …].
    [[nodiscard]] virtual nlohmann::json job_types() const = 0;
    /// In the order in which they first came. Errors: InvalidArgument for a bad query.
    [[nodiscard]] virtual Result<ListPage> workers(const ListQuery& query) = 0;
    [[nodiscard]] virtual std::optional<nlohmann::json> worker(std::string_view id) = 0;
    /// In order of submission, without params and result. Errors as for workers().
    [[nodiscard]] virtual Result<ListPage> jobs(const ListQuery& query) = 0;
    [[nodiscard]] virtual std::optional<nlohmann::json> job(JobId id) = 0;
    /// Errors: NotFound; Unavailable while it is not over; the job's own error if it failed.
    [[nodiscard]] virtual Result<nlohmann::json> job_result(JobId id) = 0;
    /// Of a job that is over. Errors: NotFound.
    [[nodiscard]] virtual Result<std::vector<JobFile>> job_files(JobId id) = 0;
    // Calls that change something take effect at once; when_written() tells when that is durable.
    /// With an idempotency_key that was given before: the job that was submitted with it.
    [[nodiscard]] virtual Result<JobId> submit(std::string_view body,
                                               std::string_view idempotency_key) = 0;
    [[nodiscard]] virtual Result<void> cancel(JobId id) = 0;
    /// Pauses or resumes a job. Errors: NotFound; InvalidArgument if it is over.
    [[nodiscard]] virtual Result<void> pause(JobId id, bool paused) = 0;
    /// Gives a job the priority that the body of the call names.
    /// Errors: as for pause(), and InvalidArgument for a bad body.
    [[nodiscard]] virtual Result<void> prioritize(JobId id, std::string_view body) = 0;
    /// Gives a worker no new tasks, or gives it tasks again. Errors: NotFound.
    [[nodiscard]] virtual Result<void> drain(std::string_view worker, bool drained) = 0;
    /// Lets a worker that is in quarantine join again, without trust.
    /// Errors: NotFound; InvalidArgument if it is not in quarantine.
    [[nodiscard]] virtual Result<void> readmit(std::string_view worker) = 0;
    /// Calls back once when all that was changed so far survives a power cut; with Unavailable if
    /// it cannot be written now.
    virtual void when_written(std::function<void(Result<void>)> callback) = 0;
    /// Makes the text of a job's receipt; it may take seconds, and any thread may call it.
    using ReceiptMaker = std::function<Result<std::string>()>;
    /// Errors: NotFound if there is no such job, or none that has left a receipt.
    [[nodiscard]] virtual Result<ReceiptMaker> receipt(JobId id) = 0;
    /// Calls back once when the job is over; at once if it is, or if there is none.
    virtual void when_over(JobId id, std::function<void()> callback) = 0;
    [[nodiscard]] virtual std::optional<BlobView> blob(const Sha256& sha256) = 0;
    /// Prometheus' text format.
    [[nodiscard]] virtual std::string metrics() = 0;
    /// One tree with everything that the dashboard shows.
    [[nodiscard]] virtual nlohmann::json dashboard_state() = 0;
};

}  // namespace netcompute::api
