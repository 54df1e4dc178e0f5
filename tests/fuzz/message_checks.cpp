#include "message_checks.hpp"

#include <netcompute/protocol/messages.hpp>

#include <functional>

namespace netcompute::fuzz {
namespace {

using namespace protocol;

/// An answer to a stranger must not grow with what the stranger sent.
constexpr std::size_t error_bytes_max = 1024;

bool lies_within(ByteSpan part, ByteSpan whole) {
    const std::less_equal<const std::byte*> at_most;
    return part.empty() || (at_most(whole.data(), part.data()) &&
                            at_most(part.data() + part.size(), whole.data() + whole.size()));
}

bool lie_within(const std::vector<WireInput>& inputs, ByteSpan payload) {
    for (const WireInput& input : inputs) {
        const auto* inlined = std::get_if<InlineInput>(&input);
        if (inlined != nullptr && !lies_within(inlined->bytes, payload)) return false;
    }
    return true;
}

void check_content(const Results& results, ByteSpan payload) {
    for (const TaskOutcome& outcome : results.outcomes) {
        NETCOMPUTE_ASSERT(lies_within(outcome.bytes, payload), "an outcome is in the payload");
    }
}

void check_content(const Lease& lease, ByteSpan payload) {
    NETCOMPUTE_ASSERT(!lease.tasks.empty(), "a lease is of at least one task");
    NETCOMPUTE_ASSERT(lie_within(lease.shared_inputs, payload), "inputs are in the payload");
    for (const LeasedTask& task : lease.tasks) {
        NETCOMPUTE_ASSERT(lie_within(task.inputs, payload), "inputs are in the payload");
    }
}

void check_content(const Hello& hello, ByteSpan) {
    if (hello.protocol != protocol_version) return;
    NETCOMPUTE_ASSERT(hello.slots >= 1 && hello.slots <= slots_max, "slots keep their limit");
    NETCOMPUTE_ASSERT(hello.name.size() <= name_bytes_max, "a name keeps its limit");
    NETCOMPUTE_ASSERT(hello.worker.find_first_of("/\\.\"<") == std::string::npos,
                      "a worker's id is safe in a file name and an address");
    NETCOMPUTE_ASSERT(hello.secret.empty() || hello.secret.size() >= secret_digits_min,
                      "a secret is one, or none");
}

void check_content(const Heartbeat& heartbeat, ByteSpan) {
    NETCOMPUTE_ASSERT(heartbeat.slots >= 1 && heartbeat.slots <= slots_max,
                      "slots keep their limit");
    NETCOMPUTE_ASSERT(heartbeat.cpu >= -1 && heartbeat.cpu <= 1, "a share is one");
}

template <typename Message>
void check_content(const Message&, ByteSpan payload) {
    NETCOMPUTE_ASSERT(payload.empty(), "only results and leases have a payload");
}

template <typename Message, typename Decode>
bool check_direction(const nlohmann::json& header, ByteSpan payload, Decode decode) {
    const Result<Message> decoded = decode(header, payload);
    if (!decoded) {
        NETCOMPUTE_ASSERT(decoded.error().code == ErrorCode::ProtocolViolation,
                          "whatever does not decode is a violation of the protocol");
        const std::size_t size = decoded.error().message.size();
        NETCOMPUTE_ASSERT(size > 0 && size <= error_bytes_max, "an error is said, and briefly");
        return false;
    }
    std::visit([&](const auto& message) { check_content(message, payload); }, *decoded);

    const WireMessage wire = encode(*decoded);
    NETCOMPUTE_ASSERT(as_text(wire.payload) == as_text(payload),
                      "a payload has one form: what was decoded encodes to the same bytes");
    const auto header_again = decode_header(wire.header);
    NETCOMPUTE_ASSERT(header_again, "what we encode is a header");
    const Result<Message> again = decode(*header_again, wire.payload);
    NETCOMPUTE_ASSERT(again, "what we encode decodes");
    const WireMessage wire_again = encode(*again);
    NETCOMPUTE_ASSERT(wire_again.header == wire.header && wire_again.payload == wire.payload,
                      "nothing is lost on the way there and back");
    return true;
}

}  // namespace

bool check_messages(const nlohmann::json& header, ByteSpan payload) {
    const bool from_worker = check_direction<WorkerMessage>(header, payload, decode_worker_message);
    const bool from_master = check_direction<MasterMessage>(header, payload, decode_master_message);
    NETCOMPUTE_ASSERT(!(from_worker && from_master), "no message is of both directions");
    NETCOMPUTE_ASSERT(session_of(header).size() <= worker_key_bytes_max,
                      "a session key keeps its limit, also in a message that does not decode");
    return from_worker || from_master;
}

}  // namespace netcompute::fuzz
