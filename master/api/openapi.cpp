#include "api/openapi.hpp"

#include "api/backend.hpp"
#include "api/openapi_answers.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace netcompute::api {
namespace {

/// A parameter as Backend::job_types() says it, in the words of OpenAPI alone.
nlohmann::json param_schema(nlohmann::json param) {
    std::string description = param.at("description");
    if (param.contains("unit")) description += ", in " + std::string{param["unit"]};
    if (param.contains("if_left_out")) {
        description += "; if left out: " + std::string{param["if_left_out"]};
    }
    for (const char* const key : {"name", "required", "unit", "if_left_out", "only_with"})
        param.erase(key);
    param["description"] = description;
    return param;
}

/// A value of a param that decides which others there are: {"param", "value"}; null: none does.
std::vector<nlohmann::json> variants_of(const nlohmann::json& type) {
    const nlohmann::json& params = type.at("params");
    const auto dependent = std::ranges::find_if(
        params, [](const nlohmann::json& param) { return param.contains("only_with"); });
    if (dependent == params.end()) return {nlohmann::json()};
    const nlohmann::json& name = dependent->at("only_with").at("param");
    const auto decider = std::ranges::find_if(
        params, [&](const nlohmann::json& param) { return param.at("name") == name; });
    std::vector<nlohmann::json> variants;
    for (const nlohmann::json& value : decider->at("enum")) {
        variants.push_back({{"param", name}, {"value", value}});
    }
    return variants;
}

/// A job of one type, in one of its variants.
nlohmann::json job_type_schema(const nlohmann::json& type, const nlohmann::json& variant) {
    nlohmann::json params = {{"type", "object"}, {"additionalProperties", false}};
    nlohmann::json required = {"type"};
    for (const nlohmann::json& param : type.at("params")) {
        if (param.contains("only_with") && param["only_with"] != variant) continue;
        nlohmann::json& property = params["properties"][std::string{param.at("name")}];
        property = param_schema(param);
        const bool decides = !variant.is_null() && param["name"] == variant["param"];
        if (decides) {
            property["enum"] = nlohmann::json::array({variant["value"]});
            if (param.at("default") != variant["value"]) property.erase("default");
        }
        if (param.at("required") || (decides && param.at("default") != variant["value"])) {
            params["required"].push_back(param["name"]);
        }
    }
    if (params.contains("required")) required.push_back("params");
    return {{"title", type.at("title")},
            {"description", type.at("summary")},
            {"required", required},
            {"properties",
             {{"type", {{"type", "string"}, {"enum", nlohmann::json::array({type.at("name")})}}},
              {"params", params}}}};
}

/// A job of one type that could be submitted: with no more params than it must have.
nlohmann::json job_example(const nlohmann::json& type) {
    nlohmann::json params = nlohmann::json::object();
    for (const nlohmann::json& param : type.at("params")) {
        if (param.at("required")) params[std::string{param["name"]}] = param.at("example");
    }
    return {{"summary", type.at("title")},
            {"value", {{"type", type.at("name")}, {"params", params}}}};
}

nlohmann::json job_schema(const nlohmann::json& job_types) {
    auto schema = nlohmann::json::parse(R"({
        "type": "object",
        "required": ["type"],
        "additionalProperties": false,
        "properties": {
            "type": {"type": "string", "enum": []},
            "params": {"type": "object"},
            "name": {"type": "string", "maxLength": 200,
                     "description": "At most 200 bytes of UTF-8"},
            "priority": {"type": "integer", "minimum": -1000, "maximum": 1000, "default": 0},
            "validation": {
                "oneOf": [
                    {"type": "string", "enum": ["none", "adaptive"]},
                    {"type": "string", "pattern": "^quorum:([2-9]|10)$"},
                    {"type": "object", "required": ["quorum"], "additionalProperties": false,
                     "properties": {"quorum": {"type": "integer", "minimum": 2, "maximum": 10}}}
                ]
            },
            "deadline_seconds": {
                "description": "The age at which the job fails if it is not over",
                "type": "number", "minimum": 0, "exclusiveMinimum": true, "maximum": 31536000
            },
            "after": {
                "description": "Jobs that must have succeeded before it begins",
                "type": "array", "maxItems": 100, "items": {"type": "integer", "minimum": 0}
            }
        },
        "oneOf": []
    })");
    for (const nlohmann::json& type : job_types) {
        schema["properties"]["type"]["enum"].push_back(type.at("name"));
        for (const nlohmann::json& variant : variants_of(type)) {
            schema["oneOf"].push_back(job_type_schema(type, variant));
        }
    }
    schema["properties"]["validation"]["description"] =
        "Whose results somebody else checks before they count: nobody's; every worker's until it "
        "is trusted, then some at random; or each one by K PCs. Without it: adaptive for browser "
        "workers, none for native ones.";
    return schema;
}

nlohmann::json job_content(const nlohmann::json& job_types) {
    nlohmann::json content = {{"schema", job_schema(job_types)}};
    for (const nlohmann::json& type : job_types) {
        content["examples"][std::string{type.at("name")}] = job_example(type);
    }
    return content;
}

nlohmann::json priority_schema() {
    return nlohmann::json::parse(R"({
        "type": "object",
        "required": ["priority"],
        "additionalProperties": false,
        "properties": {"priority": {"type": "integer", "minimum": -1000, "maximum": 1000}}
    })");
}

bool is_upload(const Route& route) {
    return route.name == RouteName::SendFile || route.name == RouteName::PostFile;
}

nlohmann::json binary_content() {
    return {{"schema", {{"type", "string"}, {"format", "binary"}}}};
}

/// The statuses that a route may answer with besides its success.
std::vector<std::pair<std::string, std::string>> refusals(const Route& route) {
    std::vector<std::pair<std::string, std::string>> known;
    const bool names_something = route.path.find('{') != std::string_view::npos;
    const bool reads_body =
        route.name == RouteName::SubmitJob || route.name == RouteName::PrioritizeJob;
    if (reads_body) known.emplace_back("400", "The body is not what this call takes");
    if (route.name == RouteName::SubmitJob) {
        known.emplace_back("409", "Another job was submitted with this Idempotency-Key");
    }
    if (is_upload(route)) {
        known.emplace_back("400",
                           "A name, a parameter, Content-Range, or the bytes' hash is wrong");
        known.emplace_back("403", "The name leads elsewhere, or belongs to no plain file");
        known.emplace_back("409",
                           "It is there with other bytes, comes just now, or goes on elsewhere");
        known.emplace_back("429", "All uploads together would be too large, or too many come now");
    } else if (!route.parameters.empty()) {
        known.emplace_back("400", "A parameter is unknown, or its value is not one");
    }
    if (has_name(route.parameters, "wait")) {
        known.emplace_back("429", "Too many calls of this PC wait already; Retry-After says when");
    }
    if (route.changes_something) known.emplace_back("401", "The master's token is missing");
    if (route.changes_something) {
        known.emplace_back("503", "The state folder cannot be written: a full disk, perhaps");
    }
    if (route.name == RouteName::JobReceipt) {
        known.emplace_back("404", "There is no such job, or it has left no receipt");
    } else if (names_something && !is_upload(route)) {
        known.emplace_back("404", "There is no such thing");
    }
    if (route.name == RouteName::JobFile) {
        known.emplace_back("409", "The file holds other bytes than the job wrote");
        known.emplace_back("429", "Too many files are being fetched");
    }
    if (names_something && !is_upload(route) &&
        (route.changes_something || route.name == RouteName::JobResult)) {
        known.emplace_back("409", "It is not in a state in which that can be done");
    }
    return known;
}

struct QueryParameter {
    std::string_view name;
    std::string_view description;
    nlohmann::json schema;
};

std::vector<QueryParameter> query_parameters() {
    const nlohmann::json text = {{"type", "string"},
                                 {"maxLength", ListQuery::text_bytes_max},
                                 {"description", "Its limit is one of bytes of UTF-8"}};
    return {{"wait",
             "Seconds to wait for the job's end, 0 to 60",
             {{"type", "number"}, {"minimum", 0}, {"maximum", 60}}},
            {"limit",
             "How many of the list at most; the header Link names the page of older ones",
             {{"type", "integer"},
              {"minimum", 1},
              {"maximum", ListQuery::limit_max},
              {"default", ListQuery{}.limit}}},
            {"before", "Only those that come before this id in the list", text},
            {"state", "Only those in this state", text},
            {"q", "Only those with this text in id, name, type or address", text},
            {"name", "Of the file: without folders", text},
            {"replace",
             "Whether it may replace a file of that name with other bytes",
             {{"type", "boolean"}, {"default", false}}},
            {"sha256",
             "What the whole file must have, in hexadecimal digits",
             {{"type", "string"}, {"pattern", "^[0-9a-fA-F]{64}$"}}}};
}

std::string lower_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

nlohmann::json operation(const Route& route, const nlohmann::json& job_types) {
    nlohmann::json operation = {{"summary", route.summary}};
    std::string_view path = route.path;
    for (auto open = path.find('{'); open != std::string_view::npos; open = path.find('{')) {
        const std::size_t close = path.find('}');
        operation["parameters"].push_back({{"name", path.substr(open + 1, close - open - 1)},
                                           {"in", "path"},
                                           {"required", true},
                                           {"schema", {{"type", "string"}}}});
        path.remove_prefix(close + 1);
    }
    for (const QueryParameter& parameter : query_parameters()) {
        if (!has_name(route.parameters, parameter.name)) continue;
        operation["parameters"].push_back({{"name", parameter.name},
                                           {"in", "query"},
                                           {"description", parameter.description},
                                           {"schema", parameter.schema}});
    }
    if (route.name == RouteName::PrioritizeJob) {
        operation["requestBody"]["content"]["application/json"]["schema"] = priority_schema();
    }
    if (is_upload(route)) {
        operation["parameters"].push_back(
            {{"name", "Content-Range"},
             {"in", "header"},
             {"description",
              "bytes FIRST-LAST/TOTAL, where only a part of the file comes: the first bytes, or "
              "those that follow what has come"},
             {"schema", {{"type", "string"}}}});
        operation["requestBody"] = {{"required", true},
                                    {"content", {{"application/octet-stream", binary_content()}}}};
        operation["responses"]["201"] = {{"description", "All of it is there"},
                                         {"content", answer_content(route.name)}};
        operation["responses"]["202"] = {{"description", "This part is there; more has to come"},
                                         {"content", answer_content(route.name)}};
    } else if (route.name == RouteName::SubmitJob) {
        operation["parameters"].push_back(
            {{"name", "Idempotency-Key"},
             {"in", "header"},
             {"description",
              "A text of the caller's own, new for each job, at most 200 bytes: a call that is "
              "repeated with it submits nothing, and is answered as the first one"},
             {"schema", {{"type", "string"}}}});
        operation["requestBody"]["content"]["application/json"] = job_content(job_types);
        operation["responses"]["201"] = {{"description", "Submitted"},
                                         {"content", answer_content(route.name)}};
    } else {
        operation["responses"]["200"] = {{"description", route.summary},
                                         {"content", answer_content(route.name)}};
    }
    for (const auto& [status, meaning] : refusals(route)) {
        operation["responses"][status] = {{"description", meaning}, {"content", error_content()}};
    }
    operation["responses"]["default"] = {{"description", "An error"}, {"content", error_content()}};
    if (route.changes_something) operation["security"] = {{{"token", nlohmann::json::array()}}};
    return operation;
}

}  // namespace

nlohmann::json openapi_document(const nlohmann::json& job_types) {
    nlohmann::json document = {
        {"openapi", "3.0.3"},
        {"info", {{"title", "NetCompute"}, {"version", NETCOMPUTE_VERSION}}},
        {"components",
         {{"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}},
          {"schemas", answer_schemas()}}}};
    for (const Route& route : routes) {
        const std::string method =
            lower_case(std::string{boost::beast::http::to_string(route.method)});
        document["paths"][std::string{route.path}][method] = operation(route, job_types);
    }
    return document;
}

}  // namespace netcompute::api
