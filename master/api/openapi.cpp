#include "api/openapi.hpp"

#include "api/routes.hpp"

#include <algorithm>

namespace netcompute::api {
namespace {

nlohmann::json job_schema() {
    auto schema = nlohmann::json::parse(R"({
        "type": "object",
        "required": ["type"],
        "additionalProperties": false,
        "properties": {
            "type": {"type": "string", "enum": ["train", "predict", "monte_carlo_pi", "noop"]},
            "params": {"type": "object"},
            "name": {"type": "string", "maxLength": 200},
            "priority": {"type": "integer", "minimum": -1000, "maximum": 1000, "default": 0},
            "validation": {"type": "string", "enum": ["none"]}
        }
    })");
    schema["properties"]["params"]["description"] =
        "train: data, target, id, algorithm, C, max_iterations, model, output. "
        "predict: data, model, id, labels, output. monte_carlo_pi: samples, seed. "
        "noop: task_count, payload_bytes.";
    return schema;
}

std::string lower_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

nlohmann::json operation(const Route& route) {
    nlohmann::json operation = {{"summary", route.summary}};
    const std::size_t open = route.path.find('{');
    if (open != std::string_view::npos) {
        const std::string name{route.path.substr(open + 1, route.path.find('}') - open - 1)};
        operation["parameters"] = {
            {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}}};
    }
    if (route.name == RouteName::Job || route.name == RouteName::JobResult) {
        operation["parameters"].push_back(
            {{"name", "wait"},
             {"in", "query"},
             {"description", "Seconds to wait for the job's end, 0 to 60"},
             {"schema", {{"type", "number"}, {"minimum", 0}, {"maximum", 60}}}});
    }
    if (route.name == RouteName::SubmitJob) {
        operation["requestBody"]["content"]["application/json"]["schema"] = job_schema();
        operation["responses"]["201"]["description"] = "Submitted: {\"id\": …}";
    } else {
        operation["responses"]["200"]["description"] = route.summary;
    }
    operation["responses"]["default"]["description"] =
        "An error: {\"error\": {\"code\": …, \"message\": …}}";
    if (route.changes_something) operation["security"] = {{{"token", nlohmann::json::array()}}};
    return operation;
}

}  // namespace

nlohmann::json openapi_document() {
    nlohmann::json document = {
        {"openapi", "3.0.3"},
        {"info", {{"title", "NetCompute"}, {"version", NETCOMPUTE_VERSION}}},
        {"components",
         {{"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}}}};
    for (const Route& route : routes) {
        const std::string method =
            lower_case(std::string{boost::beast::http::to_string(route.method)});
        document["paths"][std::string{route.path}][method] = operation(route);
    }
    return document;
}

}  // namespace netcompute::api
