#pragma once

#include <boost/beast/http/verb.hpp>

#include <array>
#include <ostream>  // Boost 1.81's string_view needs it and does not include it.
#include <string>
#include <string_view>

namespace netcompute::api {

enum class RouteName {
    Healthz,
    Metrics,
    OpenApi,
    Cluster,
    Workers,
    Worker,
    DrainWorker,
    UndrainWorker,
    ReadmitWorker,
    Jobs,
    SubmitJob,
    JobTypes,
    Job,
    CancelJob,
    PauseJob,
    ResumeJob,
    PrioritizeJob,
    JobResult,
    JobReceipt,
    JobFiles,
    JobFile,
    Files,
    File,
    SendFile,
    PostFile,
    EraseFile,
    Blob,
    NotFound,
    MethodNotAllowed,
};

struct Route {
    RouteName name;
    boost::beast::http::verb method;
    std::string_view path;   ///< Up to two "{…}", which stand for one segment each.
    bool changes_something;  ///< Then it asks for the token, where one is set.
    std::string_view summary;
    std::string_view parameters = {};  ///< Of the query, with spaces between; "token" may come too.
};

inline constexpr auto routes = std::to_array<Route>({
    {RouteName::Healthz, boost::beast::http::verb::get, "/healthz", false,
     "200 once the master is ready"},
    {RouteName::Metrics, boost::beast::http::verb::get, "/metrics", false,
     "Counters and gauges in Prometheus' text format"},
    {RouteName::OpenApi, boost::beast::http::verb::get, "/api/v1/openapi.json", false,
     "This description"},
    {RouteName::Cluster, boost::beast::http::verb::get, "/api/v1/cluster", false,
     "Totals: workers by kind and state, tasks per second, uptime, version"},
    {RouteName::Workers, boost::beast::http::verb::get, "/api/v1/workers", false,
     "Workers that are connected or were lately, in the order in which they first came",
     "limit before state q"},
    {RouteName::Worker, boost::beast::http::verb::get, "/api/v1/workers/{id}", false, "One worker"},
    {RouteName::DrainWorker, boost::beast::http::verb::post, "/api/v1/workers/{id}/drain", true,
     "Give a worker no new tasks; it finishes those that it has"},
    {RouteName::UndrainWorker, boost::beast::http::verb::post, "/api/v1/workers/{id}/undrain", true,
     "Give a drained worker tasks again"},
    {RouteName::ReadmitWorker, boost::beast::http::verb::post, "/api/v1/workers/{id}/readmit", true,
     "Let a worker that is in quarantine join again; it starts without trust"},
    {RouteName::Jobs, boost::beast::http::verb::get, "/api/v1/jobs", false,
     "Jobs in order of submission, the newest ones; without params and result",
     "limit before state q"},
    {RouteName::SubmitJob, boost::beast::http::verb::post, "/api/v1/jobs", true,
     "Submit a job: a type, its params, and optionally name, priority, validation and deadline"},
    {RouteName::JobTypes, boost::beast::http::verb::get, "/api/v1/job_types", false,
     "What jobs there can be: each type with its params, their defaults, ranges and units"},
    {RouteName::Job, boost::beast::http::verb::get, "/api/v1/jobs/{id}", false,
     "One job: state, progress, eta, params, result, error; ?wait=SECONDS waits for its end",
     "wait"},
    {RouteName::CancelJob, boost::beast::http::verb::delete_, "/api/v1/jobs/{id}", true,
     "Cancel a job"},
    {RouteName::PauseJob, boost::beast::http::verb::post, "/api/v1/jobs/{id}/pause", true,
     "Hold a job back: it gets no new tasks until it is resumed"},
    {RouteName::ResumeJob, boost::beast::http::verb::post, "/api/v1/jobs/{id}/resume", true,
     "Let a paused job go on"},
    {RouteName::PrioritizeJob, boost::beast::http::verb::post, "/api/v1/jobs/{id}/priority", true,
     "Give a job another priority: {\"priority\": n}; higher goes first"},
    {RouteName::JobResult, boost::beast::http::verb::get, "/api/v1/jobs/{id}/result", false,
     "The result, when there is one; ?wait=SECONDS waits for it", "wait"},
    {RouteName::JobReceipt, boost::beast::http::verb::get, "/api/v1/jobs/{id}/receipt", false,
     "The receipt of a job that succeeded, for netcompute-master verify"},
    {RouteName::JobFiles, boost::beast::http::verb::get, "/api/v1/jobs/{id}/files", false,
     "The files that a job has written: name, path and SHA-256"},
    {RouteName::JobFile, boost::beast::http::verb::get, "/api/v1/jobs/{id}/files/{name}", false,
     "One of them, by the name that the result gives it"},
    {RouteName::Files, boost::beast::http::verb::get, "/api/v1/files", false,
     "The files that were sent to the master, in Data/uploads/"},
    {RouteName::File, boost::beast::http::verb::get, "/api/v1/files/{name}", false,
     "What has come of one of them"},
    {RouteName::SendFile, boost::beast::http::verb::put, "/api/v1/files/{name}", true,
     "Send a file, any size; with Content-Range the rest of one of which a part has come",
     "replace sha256"},
    {RouteName::PostFile, boost::beast::http::verb::post, "/api/v1/files", true,
     "The same, with the name in the query", "name replace sha256"},
    {RouteName::EraseFile, boost::beast::http::verb::delete_, "/api/v1/files/{name}", true,
     "Erase a file that was sent, and what has come of it"},
    {RouteName::Blob, boost::beast::http::verb::get, "/blobs/{sha256}", false,
     "The immutable bytes of that SHA-256"},
});

struct RouteMatch {
    RouteName name = RouteName::NotFound;
    std::string_view argument;  ///< What stands for the first "{…}".
    bool changes_something = false;
    std::string_view parameters = {};  ///< That the query may have.
    std::string allowed_methods = {};  ///< Where the path is known and the method is not.
    std::string_view second = {};      ///< What stands for the second "{…}".
};

/// How much body a call may have.
[[nodiscard]] std::size_t body_bytes_max(RouteName route);

/// Finds the route for a method (HEAD counts as GET) and a path without its query.
[[nodiscard]] RouteMatch match_route(boost::beast::http::verb method, std::string_view path);

}  // namespace netcompute::api
