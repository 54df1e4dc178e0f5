#include "engine/job_request.hpp"

#include "engine/job_type.hpp"
#include "engine/param_reader.hpp"

#include <gtest/gtest.h>

namespace netcompute::engine {
namespace {

std::string refusal(std::string_view body) {
    const auto request = parse_job_request(body);
    return request ? "accepted" : request.error().message;
}

TEST(JobRequestTest, AWholeRequestIsRead) {
    const auto request =
        parse_job_request(R"({"type":"noop","params":{"task_count":3},"name":"try",)"
                          R"("priority":-2,"validation":"none"})");
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_EQ(request->type, "noop");
    EXPECT_EQ(request->params, (nlohmann::json{{"task_count", 3}}));
    EXPECT_EQ(request->name, "try");
    EXPECT_EQ(request->priority, -2);
    EXPECT_FALSE(request->from_command_line) << "never over HTTP";
}

// Each mistake is named with its key, its value and what would do.
TEST(JobRequestTest, MistakesAreNamed) {
    EXPECT_EQ(refusal("{"), "the body is not JSON");
    EXPECT_EQ(refusal("[]"), "the body is not a JSON object");
    EXPECT_EQ(refusal("{}"), "type: is missing; it is one of train, predict, monte_carlo_pi, noop");
    EXPECT_EQ(refusal(R"({"type":"nope"})"),
              "type: \"nope\" is not one of train, predict, monte_carlo_pi, noop");
    EXPECT_EQ(refusal(R"({"type":7})"),
              "type: 7 is not one of train, predict, monte_carlo_pi, noop");
    EXPECT_NE(refusal(R"({"type":"noop","parms":{}})").find("parms: is not a key"),
              std::string::npos);
    EXPECT_EQ(refusal(R"({"type":"noop","params":[1]})"), "params: [1] is not an object");
    EXPECT_NE(refusal(R"({"type":"noop","priority":1001})").find("priority: 1001"),
              std::string::npos);
    EXPECT_NE(refusal(R"({"type":"noop","priority":1.5})").find("priority: 1.5"),
              std::string::npos);
    EXPECT_NE(refusal(R"({"type":"noop","validation":"quorum"})").find("validation: \"quorum\""),
              std::string::npos);
    EXPECT_NE(refusal("{\"type\":\"noop\",\"name\":\"" + std::string(201, 'x') + "\"}").find("200"),
              std::string::npos);
}

// A stranger's deep body is refused before anything recurses into it: printing the value of such a
// key took the master's whole stack, and the master with it.
TEST(JobRequestTest, AVeryDeepBodyIsRefused) {
    const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
    for (const char* const key : {"type", "params", "name", "priority", "validation"}) {
        const std::string body = std::string{R"({"type":"noop",")"} + key + "\":" + deep + "}";
        EXPECT_EQ(refusal(body),
                  "the body has arrays or objects more than 32 deep in each other; no job needs "
                  "that")
            << key;
    }
    const std::string brackets_in_text(100, '[');
    EXPECT_EQ(refusal(R"({"type":"noop","name":")" + brackets_in_text + "\"}"), "accepted");
}

std::string param_refusal(const char* type, const nlohmann::json& params) {
    const auto checked = find_job_type(type)->check(params, JobContext{});
    return checked ? "accepted" : checked.error().message;
}

TEST(JobTypesTest, ParametersAreChecked) {
    EXPECT_EQ(param_refusal("monte_carlo_pi", {{"samples", 1000000}}), "accepted");
    EXPECT_EQ(param_refusal("monte_carlo_pi", {{"samples", 1e9}}), "accepted");
    EXPECT_EQ(param_refusal("monte_carlo_pi", nlohmann::json::object()),
              "params.samples: is missing");
    EXPECT_NE(param_refusal("monte_carlo_pi", {{"samples", 0}}).find("samples: 0 is not a whole"),
              std::string::npos);
    EXPECT_NE(param_refusal("monte_carlo_pi", {{"samples", -5}}).find("samples: -5"),
              std::string::npos);
    EXPECT_NE(param_refusal("monte_carlo_pi", {{"samples", 1.5}}).find("samples: 1.5"),
              std::string::npos);
    EXPECT_NE(param_refusal("monte_carlo_pi", {{"samples", 1}, {"sead", 1}})
                  .find("sead: is not a parameter of this type; it takes samples, seed"),
              std::string::npos);
    EXPECT_NE(param_refusal("noop", {{"task_count", 10000001}}).find("10000000"),
              std::string::npos);
    EXPECT_NE(param_refusal("noop", {{"payload_bytes", "64"}}).find("payload_bytes: \"64\""),
              std::string::npos);
    EXPECT_NE(param_refusal("train", {{"algorithm", "magic"}}).find("\"magic\" is not one of"),
              std::string::npos);
    EXPECT_NE(param_refusal("train", {{"C", 0}}).find("params.C: 0"), std::string::npos);
}

}  // namespace
}  // namespace netcompute::engine
