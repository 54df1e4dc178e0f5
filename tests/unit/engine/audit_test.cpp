#include "api/audit.hpp"

#include <gtest/gtest.h>

namespace netcompute::api {
namespace {

using boost::beast::http::status;
using boost::beast::http::verb;

std::optional<AuditEntry> entry_of(verb method, std::string_view path,
                                   const net::HttpResponse& response) {
    return audit_entry(match_route(method, path), response, audit_by::token, "10.0.0.9");
}

net::HttpResponse answer(std::string body, status code = status::ok) {
    net::HttpResponse response;
    response.status = code;
    response.body = std::move(body);
    return response;
}

TEST(AuditTest, EachRouteThatChangesSomethingLeavesAnEntryAndNoOther) {
    for (const Route& route : routes) {
        std::string path{route.path};
        if (const auto open = path.find('{'); open != path.npos) {
            path.replace(open, path.find('}') + 1 - open, "7");
        }
        const auto entry = entry_of(route.method, path, answer("{}"));
        ASSERT_EQ(entry.has_value(), route.changes_something) << path;
        if (!entry) continue;
        EXPECT_EQ(entry->outcome, "ok");
        EXPECT_EQ(entry->address, "10.0.0.9");
        EXPECT_FALSE(entry->is_budgeted) << "what was done is written, however often";
        EXPECT_EQ(entry->action.find('/'), std::string_view::npos) << entry->action;
    }
}

TEST(AuditTest, AnEntryNamesTheJobOrTheWorker) {
    EXPECT_EQ(entry_of(verb::post, "/api/v1/jobs", answer(R"({"id":12})", status::created))->job,
              12U);
    EXPECT_EQ(entry_of(verb::delete_, "/api/v1/jobs/13", answer("{}"))->job, 13U);
    EXPECT_EQ(entry_of(verb::delete_, "/api/v1/jobs/13", answer("{}"))->action, "cancel");
    const auto drained = entry_of(verb::post, "/api/v1/workers/pc-14/drain", answer("{}"));
    EXPECT_EQ(drained->worker, "pc-14");
    EXPECT_EQ(drained->action, "drain");
    EXPECT_EQ(drained->job, 0U);
}

// What failed is named by its code and may be cut short; without the token it was nobody.
TEST(AuditTest, ARefusalNamesItsCode) {
    const auto late = entry_of(verb::post, "/api/v1/jobs/5/pause",
                               net::http_error(status::conflict, "already_over", "it is over"));
    EXPECT_EQ(late->outcome, "already_over");
    EXPECT_EQ(late->who, audit_by::token);
    EXPECT_TRUE(late->is_budgeted);
    const auto refused = entry_of(verb::post, "/api/v1/jobs",
                                  net::http_error(status::unauthorized, "refused_token", ""));
    EXPECT_EQ(refused->who, audit_by::nobody);
    EXPECT_EQ(entry_of(verb::post, "/api/v1/jobs", answer("no JSON", status::bad_request))->outcome,
              "failed");
}

}  // namespace
}  // namespace netcompute::api
