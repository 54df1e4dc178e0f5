#include "jobs/job_request.hpp"

#include "jobs/job_type.hpp"

#include <gtest/gtest.h>

namespace netcompute::jobs {
namespace {

std::string refusal(std::string_view body) {
    const auto request = parse_job_request(body);
    return request ? "accepted" : request.error().message;
}

TEST(JobRequestTest, AWholeRequestIsRead) {
    const auto request =
        parse_job_request(R"({"type":"noop","params":{"task_count":3},"name":"try",)"
                          R"("priority":-2,"validation":"none","deadline_seconds":60})");
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_EQ(request->type, "noop");
    EXPECT_EQ(request->params, (nlohmann::json{{"task_count", 3}}));
    EXPECT_EQ(request->name, "try");
    EXPECT_EQ(request->priority, -2);
    EXPECT_EQ(request->validation, "none");
    EXPECT_EQ(request->deadline_seconds, 60);
    EXPECT_FALSE(request->from_command_line) << "never over HTTP";
}

// Each mistake is named with its key, its value and what would do.
TEST(JobRequestTest, MistakesAreNamed) {
    EXPECT_EQ(refusal("{"), "the body is not JSON");
    EXPECT_EQ(refusal("[]"), "the body is not a JSON object");
    std::string types;
    for (const JobType& type : job_types()) {
        types += (types.empty() ? "" : ", ") + std::string{type.name};
    }
    EXPECT_EQ(refusal("{}"), "type: is missing; it is one of " + types);
    EXPECT_EQ(refusal(R"({"type":"nope"})"), "type: \"nope\" is not one of " + types);
    EXPECT_EQ(refusal(R"({"type":7})"), "type: 7 is not one of " + types);
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

/// The policy as it is kept, or why it is refused.
std::string policy(const std::string& validation) {
    const auto request = parse_job_request(R"({"type":"noop","validation":)" + validation + "}");
    return request ? request->validation : request.error().message;
}

// However a policy is spelled, the engine and the record see one text for it.
TEST(JobRequestTest, AValidationPolicyHasOneSpelling) {
    EXPECT_EQ(parse_job_request(R"({"type":"noop"})")->validation, "");
    EXPECT_EQ(policy(R"("none")"), "none");
    EXPECT_EQ(policy(R"("adaptive")"), "adaptive");
    EXPECT_EQ(policy(R"("quorum:2")"), "quorum:2");
    EXPECT_EQ(policy(R"({"quorum":10})"), "quorum:10");
    for (const char* const bad :
         {R"("quorum:1")", R"("quorum:11")", R"("quorum:")", R"("quorum:2.5")", R"("quorum:2x")",
          R"("quorum")", R"("")", R"({"quorum":1})", R"({"quorum":2,"more":1})", R"({})", "null",
          R"({"quorum":"3"})", R"("Adaptive")", "2", "[]"}) {
        EXPECT_NE(policy(bad).find("is none of \"none\", \"adaptive\" and \"quorum:K\""),
                  std::string::npos)
            << bad;
    }
}

TEST(JobRequestTest, ADeadlineIsAnAge) {
    EXPECT_EQ(parse_job_request(R"({"type":"noop"})")->deadline_seconds, 0);
    EXPECT_EQ(parse_job_request(R"({"type":"noop","deadline_seconds":0.5})")->deadline_seconds,
              0.5);
    EXPECT_EQ(refusal(R"({"type":"noop","deadline_seconds":31536000})"), "accepted");
    for (const char* const bad : {"0", "-1", "31536001", "\"10\"", "null", "true"}) {
        const auto message =
            refusal(R"({"type":"noop","deadline_seconds":)" + std::string{bad} + "}");
        EXPECT_NE(message.find("deadline_seconds: " + std::string{bad} + " is not"),
                  std::string::npos)
            << message;
    }
}

TEST(PriorityRequestTest, IsOneWholeNumber) {
    EXPECT_EQ(*parse_priority_request(R"({"priority":-3})"), -3);
    for (const auto& [body, words] : std::vector<std::pair<std::string, std::string>>{
             {"", "not JSON"},
             {"3", "not a JSON object"},
             {"{}", "priority: is missing"},
             {R"({"priority":1001})", "priority: 1001 is not a whole number from -1000"},
             {R"({"priority":"high"})", "priority: \"high\" is not"},
             {R"({"priority":1,"name":"x"})", "name: is not a key"}}) {
        const auto priority = parse_priority_request(body);
        ASSERT_FALSE(priority) << body;
        EXPECT_NE(priority.error().message.find(words), std::string::npos)
            << priority.error().message;
    }
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

}  // namespace
}  // namespace netcompute::jobs
