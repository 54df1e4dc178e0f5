#include "header_reader.hpp"
#include <netcompute/protocol/messages.hpp>
#include <netcompute/protocol/payload.hpp>

#include <algorithm>
#include <limits>

namespace netcompute::protocol {
namespace {

using nlohmann::json;

constexpr std::size_t text_bytes_max = 200;  // Versions, reasons, names of kernels.
constexpr std::size_t token_bytes_max = 1024;
constexpr std::size_t worker_id_bytes_min = 8;
constexpr double period_seconds_min = 0.01;
constexpr double period_seconds_max = 86'400;
constexpr double duration_seconds_max = 1e9;

std::string session_field(HeaderReader& reader) {
    return reader.text("session", 1, worker_key_bytes_max);
}

std::string plain_field(HeaderReader& reader, std::string_view field, std::size_t size_min) {
    std::string text = reader.text(field, size_min, worker_key_bytes_max);
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
    if (!plain) reader.fail(field, text, "made of A-Z, a-z, 0-9, _ and - only");
    return text;
}

/// A worker's id, which becomes part of file names and addresses and is shown as it is.
std::string worker_id_field(HeaderReader& reader) {
    return plain_field(reader, "worker", worker_id_bytes_min);
}

std::string secret_field(HeaderReader& reader, const json& header) {
    const auto* const secret = header.at("secret").get_ptr<const std::string*>();
    const bool is_secret = secret != nullptr && secret->size() >= secret_digits_min &&
                           secret->size() <= secret_digits_max &&
                           std::all_of(secret->begin(), secret->end(), [](char c) {
                               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                           });
    if (is_secret) return *secret;
    // Not shown in the message: it may be a mistyped secret.
    reader.fail("hello: secret: not text of " + std::to_string(secret_digits_min) + ".." +
                std::to_string(secret_digits_max) + " digits 0-9 and a-f");
    return {};
}

Result<WorkerMessage> finish(const HeaderReader& reader, WorkerMessage message) {
    if (!reader.ok()) return reader.error();
    return message;
}
Result<MasterMessage> finish(const HeaderReader& reader, MasterMessage message) {
    if (!reader.ok()) return reader.error();
    return message;
}

Result<WorkerMessage> decode_hello(const json& header) {
    HeaderReader reader{header, "hello"};
    Hello hello;
    hello.protocol =
        static_cast<int>(reader.integer("protocol", 0, std::numeric_limits<int>::max()));
    // The other fields may differ in another version; its number suffices to refuse it clearly.
    if (hello.protocol != protocol_version) return finish(reader, hello);
    hello.worker = worker_id_field(reader);
    hello.token = reader.text("token", 0, token_bytes_max);
    const std::string kind = reader.text("kind", 1, text_bytes_max);
    if (kind == worker_kind_name(WorkerKind::Browser)) {
        hello.kind = WorkerKind::Browser;
    } else if (kind != worker_kind_name(WorkerKind::Native)) {
        reader.fail("kind", kind, "\"native\" or \"browser\"");
    }
    hello.name = reader.text("name", 0, name_bytes_max);
    hello.version = reader.text("version", 0, text_bytes_max);
    hello.slots = reader.integer32("slots", 1, slots_max);
    hello.resume = reader.text("resume", 0, worker_key_bytes_max);
    if (header.contains("secret")) hello.secret = secret_field(reader, header);
    if (header.contains("machine")) hello.machine = plain_field(reader, "machine", 1);
    return finish(reader, std::move(hello));
}

Result<WorkerMessage> decode_results(const json& header, ByteSpan payload) {
    HeaderReader reader{header, "results"};
    Results results;
    results.session = session_field(reader);
    results.lease = reader.id<LeaseId>("lease");
    results.job = reader.id<JobId>("job");
    results.round = reader.integer32("round");
    results.busy_seconds = reader.number("busy_seconds", 0, duration_seconds_max);
    const std::uint32_t count = reader.integer32("count");
    if (!reader.ok()) return reader.error();
    auto outcomes = decode_outcomes(payload, count);
    if (!outcomes) return unexpected(outcomes.error());
    results.outcomes = std::move(*outcomes);
    return WorkerMessage{std::move(results)};
}

Result<WorkerMessage> decode_heartbeat(const json& header) {
    HeaderReader reader{header, "heartbeat"};
    Heartbeat heartbeat;
    heartbeat.session = session_field(reader);
    heartbeat.leases = reader.ids<LeaseId>("leases");
    heartbeat.slots = reader.integer32("slots", 1, slots_max);
    heartbeat.paused = reader.boolean("paused");
    heartbeat.cpu = reader.number("cpu", -1, 1);
    heartbeat.memory_bytes = reader.integer("memory_bytes", 0, json_integer_max);
    heartbeat.current = reader.text("current", 0, text_bytes_max);
    return finish(reader, std::move(heartbeat));
}

Result<WorkerMessage> decode_leave(const json& header) {
    HeaderReader reader{header, "leave"};
    return finish(reader, Leave{session_field(reader)});
}

Result<MasterMessage> decode_welcome(const json& header) {
    HeaderReader reader{header, "welcome"};
    Welcome welcome;
    welcome.session = session_field(reader);
    welcome.worker = worker_id_field(reader);
    welcome.heartbeat_seconds =
        reader.number("heartbeat_seconds", period_seconds_min, period_seconds_max);
    welcome.silence_seconds =
        reader.number("silence_seconds", period_seconds_min, period_seconds_max);
    welcome.version = reader.text("version", 0, text_bytes_max);
    return finish(reader, std::move(welcome));
}

Result<MasterMessage> decode_goodbye(const json& header) {
    HeaderReader reader{header, "goodbye"};
    Goodbye goodbye;
    goodbye.code = reader.text("code", 1, text_bytes_max);
    goodbye.message = reader.text("message", 0, header_bytes_max);
    goodbye.retry = reader.boolean("retry");
    return finish(reader, std::move(goodbye));
}

Result<MasterMessage> decode_lease(const json& header, ByteSpan payload) {
    HeaderReader reader{header, "lease"};
    Lease lease;
    lease.lease = reader.id<LeaseId>("lease");
    lease.job = reader.id<JobId>("job");
    lease.round = reader.integer32("round");
    lease.kernel = reader.text("kernel", 1, text_bytes_max);
    lease.kernel_version = reader.integer32("kernel_version");
    lease.seconds = reader.number("seconds", 0, duration_seconds_max);
    const std::uint32_t shared_count = reader.integer32("shared_count");
    const std::uint32_t task_count = reader.integer32("task_count", 1);
    if (!reader.ok()) return reader.error();
    auto work = decode_work(payload, shared_count, task_count);
    if (!work) return unexpected(work.error());
    lease.shared_inputs = std::move(work->shared_inputs);
    lease.tasks = std::move(work->tasks);
    return MasterMessage{std::move(lease)};
}

Result<MasterMessage> decode_revoke(const json& header) {
    HeaderReader reader{header, "revoke"};
    Revoke revoke;
    revoke.lease = reader.id<LeaseId>("lease");
    revoke.reason = reader.text("reason", 0, text_bytes_max);
    return finish(reader, std::move(revoke));
}

/// The header's "type", empty if it has none.
std::string_view type_of(const json& header) {
    if (!header.is_object()) return {};
    const auto type = header.find("type");
    const auto* text = type == header.end() ? nullptr : type->get_ptr<const std::string*>();
    return text == nullptr ? std::string_view{} : std::string_view{*text};
}

Unexpected unknown_type(const json& header, std::string_view sender) {
    HeaderReader reader{header, "header"};
    reader.fail("type", std::string{type_of(header)},
                "a message that a " + std::string{sender} + " sends");
    return reader.error();
}

Unexpected payload_where_none_belongs(std::string_view type, ByteSpan payload) {
    return unexpected(ErrorCode::ProtocolViolation,
                      std::string{type} + ": payload: " + std::to_string(payload.size()) +
                          " bytes where none belong");
}

}  // namespace

std::string session_of(const json& header) {
    if (!header.is_object()) return {};
    const auto session = header.find("session");
    const auto* text = session == header.end() ? nullptr : session->get_ptr<const std::string*>();
    if (text == nullptr || text->size() > worker_key_bytes_max) return {};
    return *text;
}

Result<WorkerMessage> decode_worker_message(const json& header, ByteSpan payload) {
    const std::string_view type = type_of(header);
    if (type == "results") return decode_results(header, payload);
    const bool known = type == "hello" || type == "heartbeat" || type == "leave";
    if (!known) return unknown_type(header, "worker");
    if (!payload.empty()) return payload_where_none_belongs(type, payload);
    if (type == "hello") return decode_hello(header);
    if (type == "heartbeat") return decode_heartbeat(header);
    return decode_leave(header);
}

Result<MasterMessage> decode_master_message(const json& header, ByteSpan payload) {
    const std::string_view type = type_of(header);
    if (type == "lease") return decode_lease(header, payload);
    const bool known = type == "welcome" || type == "goodbye" || type == "revoke" || type == "ack";
    if (!known) return unknown_type(header, "master");
    if (!payload.empty()) return payload_where_none_belongs(type, payload);
    if (type == "welcome") return decode_welcome(header);
    if (type == "goodbye") return decode_goodbye(header);
    if (type == "revoke") return decode_revoke(header);
    return MasterMessage{Ack{}};
}

}  // namespace netcompute::protocol
