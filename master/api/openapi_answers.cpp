#include "api/openapi_answers.hpp"

#include <string>
#include <string_view>

namespace netcompute::api {
namespace {

constexpr std::string_view schemas_text = R"({
    "Refusal": {
        "type": "object", "required": ["error"],
        "properties": {"error": {"$ref": "#/components/schemas/Error"}}
    },
    "Error": {
        "type": "object", "required": ["code", "message"],
        "properties": {
            "code": {"type": "string", "description": "One word, for programs"},
            "message": {"type": "string", "description": "What is wrong, for people"}
        }
    },
    "Cluster": {
        "type": "object",
        "required": ["version", "ports", "uptime", "workers", "slots", "join_url", "jobs_live",
                     "tasks_done", "tasks_per_second"],
        "properties": {
            "version": {"type": "string"},
            "ports": {
                "type": "object", "required": ["task", "result", "heartbeat"],
                "properties": {
                    "task": {"type": "integer"}, "result": {"type": "integer"},
                    "heartbeat": {"type": "integer"}
                }
            },
            "uptime": {"type": "number", "description": "In seconds"},
            "workers": {
                "type": "object", "required": ["native", "browser", "connected", "by_state"],
                "properties": {
                    "native": {"type": "integer"}, "browser": {"type": "integer"},
                    "connected": {"type": "integer"},
                    "by_state": {"type": "object", "additionalProperties": {"type": "integer"}}
                }
            },
            "slots": {"type": "integer", "description": "Tasks that can run at once"},
            "join_url": {"type": "string", "description": "Where a browser becomes a worker"},
            "jobs_live": {"type": "integer"},
            "tasks_done": {"type": "integer"},
            "tasks_per_second": {"type": "number"}
        }
    },
    "Worker": {
        "type": "object",
        "required": ["id", "name", "kind", "version", "address", "slots", "state", "cpu", "memory",
                     "validated", "quarantined", "drained", "tasks_processed", "processing_rate",
                     "current_task", "uptime", "last_seen"],
        "properties": {
            "id": {"type": "string"},
            "name": {"type": "string"},
            "kind": {"type": "string", "enum": ["native", "browser"]},
            "version": {"type": "string"},
            "address": {"type": "string"},
            "slots": {"type": "integer"},
            "state": {"type": "string",
                      "enum": ["Idle", "Busy", "Draining", "Suspect", "Lost"]},
            "cpu": {"type": "number", "nullable": true},
            "memory": {"type": "integer", "description": "In bytes"},
            "validated": {"type": "integer"},
            "quarantined": {"type": "string", "description": "Why; empty if it is not"},
            "drained": {"type": "boolean"},
            "tasks_processed": {"type": "integer"},
            "processing_rate": {"type": "number", "description": "In tasks per second"},
            "current_task": {"type": "string"},
            "uptime": {"type": "number", "description": "In seconds"},
            "last_seen": {"type": "number", "description": "Seconds ago"}
        }
    },
    "Workers": {"type": "array", "items": {"$ref": "#/components/schemas/Worker"}},
    "Job": {
        "type": "object",
        "required": ["id", "type", "name", "priority", "state", "submitted_at", "phase",
                     "waiting_for", "elapsed", "eta", "slot_seconds", "tasks", "summary", "error",
                     "deadline_seconds", "validation", "after", "parent", "paused_because"],
        "properties": {
            "id": {"type": "integer"},
            "type": {"type": "string"},
            "name": {"type": "string"},
            "priority": {"type": "integer"},
            "state": {"type": "string",
                      "enum": ["Queued", "Running", "Paused", "Succeeded", "Failed", "Cancelled"]},
            "submitted_at": {"type": "integer", "description": "In milliseconds since 1970"},
            "phase": {"type": "string"},
            "waiting_for": {"type": "string", "description": "Empty if it is not held up"},
            "elapsed": {"type": "number", "description": "In seconds"},
            "eta": {"type": "number", "nullable": true, "description": "In seconds from now"},
            "slot_seconds": {"type": "number", "description": "What workers computed for it"},
            "tasks": {
                "type": "object", "required": ["total", "done", "failed"],
                "properties": {
                    "total": {"type": "integer"}, "done": {"type": "integer"},
                    "failed": {"type": "integer"}
                }
            },
            "summary": {"type": "string", "description": "The beginning of the result, as text"},
            "error": {"allOf": [{"$ref": "#/components/schemas/Error"}], "nullable": true},
            "deadline_seconds": {"type": "number", "nullable": true},
            "validation": {
                "type": "object",
                "required": ["policy", "checks", "audits", "overhead", "liars"],
                "properties": {
                    "policy": {"type": "string"},
                    "checks": {"type": "integer"},
                    "audits": {"type": "integer"},
                    "overhead": {"type": "number",
                                 "description": "Tasks computed again for each that was needed"},
                    "liars": {"type": "array", "items": {"type": "string"}}
                }
            },
            "after": {"type": "array", "items": {"type": "integer"},
                      "description": "Jobs that had to succeed before it began"},
            "parent": {"type": "integer", "nullable": true,
                       "description": "The job that submitted it; null: a user did"},
            "paused_because": {"type": "string"},
            "round": {"type": "integer", "description": "While it is not over"},
            "rate": {"type": "number", "description": "In tasks per second, while not over"},
            "notes": {"type": "array", "items": {"type": "string"},
                      "description": "While it is not over; the result has them afterwards"},
            "progress": {
                "type": "object", "required": ["fraction", "metrics"],
                "description": "Of one job that is asked for while it runs",
                "properties": {
                    "fraction": {"type": "number", "nullable": true},
                    "metrics": {"type": "object", "additionalProperties": {"type": "number"}}
                }
            },
            "params": {"type": "object", "additionalProperties": true,
                       "description": "Of one job that is asked for, not in lists"},
            "result": {"type": "object", "nullable": true, "additionalProperties": true,
                       "description": "Likewise"}
        }
    },
    "Jobs": {"type": "array", "items": {"$ref": "#/components/schemas/Job"}},
    "Submitted": {
        "type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}
    },
    "Cancelled": {
        "type": "object", "required": ["id", "state"],
        "properties": {
            "id": {"type": "integer"}, "state": {"type": "string", "enum": ["Cancelled"]}
        }
    },
    "JobResult": {"type": "object", "additionalProperties": true,
                  "description": "What the job's type makes"},
    "JobTypes": {
        "type": "array",
        "items": {
            "type": "object", "required": ["name", "title", "summary", "params"],
            "properties": {
                "name": {"type": "string"},
                "title": {"type": "string"},
                "summary": {"type": "string"},
                "params": {
                    "type": "array",
                    "items": {
                        "type": "object", "required": ["name", "description", "required", "type"],
                        "additionalProperties": true,
                        "properties": {
                            "name": {"type": "string"},
                            "description": {"type": "string"},
                            "required": {"type": "boolean"},
                            "type": {"type": "string"},
                            "if_left_out": {"type": "string"},
                            "unit": {"type": "string"}
                        }
                    }
                }
            }
        }
    },
    "Receipt": {"type": "object", "additionalProperties": true,
                "description": "For netcompute-master verify; docs/receipt.md says what is in it"},
    "JobFiles": {
        "type": "array",
        "items": {
            "type": "object", "required": ["name", "path", "sha256"],
            "properties": {
                "name": {"type": "string", "description": "As the job's result has it"},
                "path": {"type": "string"},
                "sha256": {"type": "string"}
            }
        }
    },
    "Upload": {
        "type": "object", "required": ["name", "path", "bytes", "complete"],
        "properties": {
            "name": {"type": "string"},
            "path": {"type": "string", "description": "As jobs name it"},
            "bytes": {"type": "integer", "description": "That have come"},
            "complete": {"type": "boolean", "description": "Otherwise no job sees it"},
            "sha256": {"type": "string", "description": "When it has just become complete"}
        }
    },
    "Uploads": {"type": "array", "items": {"$ref": "#/components/schemas/Upload"}},
    "Erased": {
        "type": "object", "required": ["name", "erased"],
        "properties": {"name": {"type": "string"}, "erased": {"type": "boolean"}}
    },
    "Description": {"type": "object", "additionalProperties": true}
})";

std::string_view schema_of(RouteName route) {
    switch (route) {
        case RouteName::OpenApi:
            return "Description";
        case RouteName::Cluster:
            return "Cluster";
        case RouteName::Workers:
            return "Workers";
        case RouteName::Worker:
        case RouteName::DrainWorker:
        case RouteName::UndrainWorker:
        case RouteName::ReadmitWorker:
            return "Worker";
        case RouteName::Jobs:
            return "Jobs";
        case RouteName::SubmitJob:
            return "Submitted";
        case RouteName::JobTypes:
            return "JobTypes";
        case RouteName::Job:
        case RouteName::PauseJob:
        case RouteName::ResumeJob:
        case RouteName::PrioritizeJob:
            return "Job";
        case RouteName::CancelJob:
            return "Cancelled";
        case RouteName::JobResult:
            return "JobResult";
        case RouteName::JobReceipt:
            return "Receipt";
        case RouteName::JobFiles:
            return "JobFiles";
        case RouteName::Files:
            return "Uploads";
        case RouteName::File:
        case RouteName::SendFile:
        case RouteName::PostFile:
            return "Upload";
        case RouteName::EraseFile:
            return "Erased";
        case RouteName::Healthz:
        case RouteName::Metrics:
        case RouteName::Blob:
        case RouteName::JobFile:
        case RouteName::NotFound:
        case RouteName::MethodNotAllowed:
            break;
    }
    return "";
}

nlohmann::json json_content(std::string_view schema) {
    const std::string reference = "#/components/schemas/" + std::string{schema};
    return {{"application/json", {{"schema", {{"$ref", reference}}}}}};
}

}  // namespace

nlohmann::json answer_schemas() {
    return nlohmann::json::parse(schemas_text);
}

nlohmann::json answer_content(RouteName route) {
    if (route == RouteName::Blob || route == RouteName::JobFile) {
        return {
            {"application/octet-stream", {{"schema", {{"type", "string"}, {"format", "binary"}}}}}};
    }
    const std::string_view schema = schema_of(route);
    if (!schema.empty()) return json_content(schema);
    return {{"text/plain", {{"schema", {{"type", "string"}}}}}};
}

nlohmann::json error_content() {
    return json_content("Refusal");
}

}  // namespace netcompute::api
