#include "api/openapi.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"
#include "jobs/job_request.hpp"
#include "jobs/job_type.hpp"
#include "net/http/origin.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

namespace netcompute {
namespace {

using api::match_route;
using api::RouteName;
using boost::beast::http::verb;

TEST(RoutesTest, APathWithAnArgumentMatchesOneSegment) {
    EXPECT_EQ(match_route(verb::get, "/api/v1/jobs/12").name, RouteName::Job);
    EXPECT_EQ(match_route(verb::get, "/api/v1/jobs/12").argument, "12");
    EXPECT_EQ(match_route(verb::get, "/api/v1/jobs/12/result").name, RouteName::JobResult);
    EXPECT_EQ(match_route(verb::get, "/api/v1/jobs/").name, RouteName::NotFound);
    EXPECT_EQ(match_route(verb::get, "/api/v1/jobs/1/2").name, RouteName::NotFound);
    EXPECT_EQ(match_route(verb::get, "/api/v1/jobs//result").name, RouteName::NotFound);
}

// A known path with another method is 405 and says what it takes; an unknown path is 404.
TEST(RoutesTest, AWrongMethodIsToldFromAWrongPath) {
    const auto match = match_route(verb::put, "/api/v1/jobs");
    EXPECT_EQ(match.name, RouteName::MethodNotAllowed);
    EXPECT_EQ(match.allowed_methods, "GET, POST");
    EXPECT_EQ(match_route(verb::put, "/api/v1/nothing").name, RouteName::NotFound);
    EXPECT_EQ(match_route(verb::head, "/healthz").name, RouteName::Healthz);
}

// Whatever is not a GET changes something, and so asks for the token.
TEST(RoutesTest, EveryRouteThatIsNotAGetAsksForTheToken) {
    for (const api::Route& route : api::routes) {
        EXPECT_EQ(route.changes_something, route.method != verb::get) << route.path;
    }
}

// A verb at the end of a job's or a worker's path is told from the rest.
TEST(RoutesTest, JobsAndWorkersTakeOrders) {
    for (const auto& [path, name] : std::vector<std::pair<const char*, RouteName>>{
             {"/api/v1/jobs/3/pause", RouteName::PauseJob},
             {"/api/v1/jobs/3/resume", RouteName::ResumeJob},
             {"/api/v1/jobs/3/priority", RouteName::PrioritizeJob},
             {"/api/v1/workers/a-b/drain", RouteName::DrainWorker},
             {"/api/v1/workers/a-b/undrain", RouteName::UndrainWorker},
             {"/api/v1/workers/a-b/readmit", RouteName::ReadmitWorker}}) {
        const auto match = match_route(verb::post, path);
        EXPECT_EQ(match.name, name) << path;
        EXPECT_TRUE(match.argument == "3" || match.argument == "a-b") << match.argument;
        EXPECT_EQ(match_route(verb::get, path).name, RouteName::MethodNotAllowed) << path;
    }
    EXPECT_EQ(match_route(verb::get, "/api/v1/jobs/3/receipt").name, RouteName::JobReceipt);
}

TEST(RoutesTest, TheDescriptionHasEveryRoute) {
    const auto document = api::openapi_document(nlohmann::json::array());
    for (const api::Route& route : api::routes) {
        EXPECT_TRUE(document["paths"].contains(std::string{route.path})) << route.path;
    }
    std::string names;
    for (const auto& parameter : document["paths"]["/api/v1/jobs"]["get"]["parameters"]) {
        names += std::string{parameter["name"]} + " ";
    }
    EXPECT_EQ(names, "limit before state q ");
}

// Who makes a client from the description hears of a bad parameter before the master does.
TEST(RoutesTest, TheDescriptionHasEveryJobTypeWithItsParameters) {
    const auto document = api::openapi_document(jobs::job_types_document());
    const auto& content =
        document["paths"]["/api/v1/jobs"]["post"]["requestBody"]["content"]["application/json"];
    const auto& schema = content["schema"];
    std::set<std::string> described;
    for (const auto& job : schema["oneOf"]) {  // One for each type and, where it has some, variant.
        const std::string name = job["properties"]["type"]["enum"][0];
        const jobs::JobType& type = *jobs::find_job_type(name);
        EXPECT_EQ(job["properties"]["type"]["enum"].size(), 1U);
        EXPECT_EQ(job["title"], type.title);
        const auto& params = job["properties"]["params"];
        for (const auto& said : jobs::job_types_document()) {
            if (said["name"] != name) continue;
            for (const auto& param : said["params"]) {
                const std::string key = param["name"];
                if (!params["properties"].contains(key)) continue;
                if (param.contains("only_with")) {
                    // Another variant may have one of this name.
                    const std::string choice = param["only_with"]["param"];
                    const auto& here = params["properties"][choice]["enum"];
                    if (here != nlohmann::json::array({param["only_with"]["value"]})) continue;
                }
                described.insert(name + " " + key);
                const bool decides = type.params.choice && key == type.params.choice->name;
                if (decides) continue;  // A variant has one value only of that.
                for (const char* const word : {"type", "default", "minimum", "maximum", "enum"}) {
                    if (!param.contains(word)) continue;
                    EXPECT_EQ(params["properties"][key][word], param[word]) << name << " " << key;
                }
            }
        }
    }
    for (std::size_t i = 0; i < jobs::job_types().size(); ++i) {
        const jobs::JobType& type = jobs::job_types()[i];
        EXPECT_EQ(schema["properties"]["type"]["enum"][i], type.name);
        for (const jobs::Param& param : type.params.all()) {
            const std::string key{jobs::param_name(param)};
            EXPECT_TRUE(described.contains(std::string{type.name} + " " + key)) << key;
        }
        const auto& example = content["examples"][std::string{type.name}]["value"];
        EXPECT_TRUE(jobs::parse_job_request(example.dump())) << example;
    }
    const auto& pi = *std::ranges::find_if(
        schema["oneOf"], [](const auto& job) { return job["title"] == "Monte Carlo pi"; });
    EXPECT_EQ(pi["required"], (nlohmann::json{"type", "params"}));
    EXPECT_EQ(pi["properties"]["params"]["required"], (nlohmann::json{"samples"}));
}

TEST(QueryTest, ValuesAreDecoded) {
    EXPECT_EQ(api::query_value("a=1&token=x%20y%2Bz&b=2", "token"), "x y+z");
    EXPECT_EQ(api::query_value("a=b+c", "a"), "b c");
    EXPECT_EQ(api::query_value("a=1", "b"), std::nullopt);
    EXPECT_EQ(api::query_value("a=%2", "a"), std::nullopt);
    EXPECT_EQ(api::query_value("a=%zz", "a"), std::nullopt);
    EXPECT_EQ(api::query_value("a&a=2", "a"), "2");
    EXPECT_EQ(api::query_value("", "a"), std::nullopt);
}

// Who misspells a parameter is told so, and not answered as if it had not been there.
TEST(QueryTest, UnknownParametersAreRefusedByName) {
    EXPECT_TRUE(api::check_query("", ""));
    EXPECT_TRUE(api::check_query("token=x", ""));
    EXPECT_TRUE(api::check_query("limit=1&q=a&token=x", "limit before state q"));
    const auto unknown = api::check_query("limit=1&order=asc", "limit before state q");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().message,
              "\"order\": is no parameter of this call; it takes limit before state q");
    for (const char* const bad : {"limit=1&limit=2", "limi=1", "limit before=1", "=1", "q&q"}) {
        EXPECT_FALSE(api::check_query(bad, "limit before state q")) << bad;
    }
    EXPECT_EQ(api::query_value("q=" + api::encode_query("a b&c=ü%"), "q"), "a b&c=ü%");
}

// A stranger's page can have its own name resolve to this PC; such a Host is refused.
TEST(OriginTest, OnlyAddressesAndKnownNamesAreOurs) {
    for (const char* const host : {"127.0.0.1:5051", "192.168.1.7", "[::1]:5051", "localhost:80",
                                   "LOCALHOST", "lab-pc:5051"}) {
        EXPECT_TRUE(net::host_is_ours(host, {"Lab-PC"})) << host;
    }
    for (const char* const host :
         {"", ":5051", "evil.example", "127.0.0.1.evil.example:5051", "localhost.evil.example",
          "[::1", "lab-pc2", "[::1].evil.example", "127.0.0.1:80.evil.example"}) {
        EXPECT_FALSE(net::host_is_ours(host, {"lab-pc"})) << host;
    }
}

TEST(OriginTest, AnOriginIsOursIfItIsTheSameHostAndPort) {
    EXPECT_TRUE(net::origin_is_ours("http://127.0.0.1:5051", "127.0.0.1:5051"));
    EXPECT_TRUE(net::origin_is_ours("https://Lab:5051", "lab:5051"));
    for (const char* const origin : {"http://127.0.0.1:5052", "http://127.0.0.1", "null", "",
                                     "file://127.0.0.1:5051", "http://evil.example"}) {
        EXPECT_FALSE(net::origin_is_ours(origin, "127.0.0.1:5051")) << origin;
    }
}

}  // namespace
}  // namespace netcompute
