#include <netcompute/protocol/messages.hpp>
#include <netcompute/protocol/payload.hpp>

namespace netcompute::protocol {
namespace {

using nlohmann::json;

WireMessage header_only(const json& header) {
    return {encode_header(header), {}};
}

WireMessage encode_one(const Hello& hello) {
    json header = {{"type", "hello"},
                   {"protocol", hello.protocol},
                   {"worker", hello.worker},
                   {"token", hello.token},
                   {"kind", worker_kind_name(hello.kind)},
                   {"name", hello.name},
                   {"version", hello.version},
                   {"slots", hello.slots},
                   {"resume", hello.resume}};
    if (!hello.secret.empty()) header["secret"] = hello.secret;
    if (!hello.machine.empty()) header["machine"] = hello.machine;
    return header_only(header);
}

WireMessage encode_one(const Results& results) {
    const json header = {{"type", "results"},
                         {"session", results.session},
                         {"lease", results.lease.value},
                         {"job", results.job.value},
                         {"round", results.round},
                         {"count", results.outcomes.size()},
                         {"busy_seconds", results.busy_seconds}};
    return {encode_header(header), encode_outcomes(results.outcomes)};
}

WireMessage encode_one(const Heartbeat& heartbeat) {
    json leases = json::array();
    for (const LeaseId lease : heartbeat.leases) leases.push_back(lease.value);
    return header_only({{"type", "heartbeat"},
                        {"session", heartbeat.session},
                        {"leases", std::move(leases)},
                        {"slots", heartbeat.slots},
                        {"paused", heartbeat.paused},
                        {"cpu", heartbeat.cpu},
                        {"memory_bytes", heartbeat.memory_bytes},
                        {"current", heartbeat.current}});
}

WireMessage encode_one(const Leave& leave) {
    return header_only({{"type", "leave"}, {"session", leave.session}});
}

WireMessage encode_one(const Welcome& welcome) {
    return header_only({{"type", "welcome"},
                        {"session", welcome.session},
                        {"worker", welcome.worker},
                        {"heartbeat_seconds", welcome.heartbeat_seconds},
                        {"silence_seconds", welcome.silence_seconds},
                        {"version", welcome.version}});
}

WireMessage encode_one(const Goodbye& goodbye) {
    return header_only({{"type", "goodbye"},
                        {"code", goodbye.code},
                        {"message", goodbye.message},
                        {"retry", goodbye.retry}});
}

WireMessage encode_one(const Lease& lease) {
    const json header = {{"type", "lease"},
                         {"lease", lease.lease.value},
                         {"job", lease.job.value},
                         {"round", lease.round},
                         {"kernel", lease.kernel},
                         {"kernel_version", lease.kernel_version},
                         {"seconds", lease.seconds},
                         {"shared_count", lease.shared_inputs.size()},
                         {"task_count", lease.tasks.size()}};
    return {encode_header(header), encode_work(lease.shared_inputs, lease.tasks)};
}

WireMessage encode_one(const Revoke& revoke) {
    return header_only(
        {{"type", "revoke"}, {"lease", revoke.lease.value}, {"reason", revoke.reason}});
}

WireMessage encode_one(const Ack&) {
    return header_only({{"type", "ack"}});
}

}  // namespace

std::string_view worker_kind_name(WorkerKind kind) {
    return kind == WorkerKind::Native ? "native" : "browser";
}

WireMessage encode(const WorkerMessage& message) {
    return std::visit([](const auto& one) { return encode_one(one); }, message);
}

WireMessage encode(const MasterMessage& message) {
    return std::visit([](const auto& one) { return encode_one(one); }, message);
}

}  // namespace netcompute::protocol
