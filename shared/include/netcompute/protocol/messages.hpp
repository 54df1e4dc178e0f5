#pragma once

#include <netcompute/ids.hpp>
#include <netcompute/protocol/frame.hpp>
#include <netcompute/sha256.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

/// Protocol 1. A worker says hello; the master answers welcome or goodbye. From then on the master
/// sends lease, revoke, ack and goodbye; the worker sends results, heartbeat and leave.
/// Every worker message after hello names the session key that welcome gave, because ZeroMQ's
/// result and heartbeat sockets do not say who sent a message.
namespace netcompute::protocol {

enum class WorkerKind { Native, Browser };
[[nodiscard]] std::string_view worker_kind_name(WorkerKind kind);  ///< "native", "browser".

inline constexpr std::uint32_t slots_max = 1024;
inline constexpr std::size_t name_bytes_max = 200;
inline constexpr std::size_t worker_key_bytes_max = 64;
inline constexpr std::size_t secret_digits_min = 32;  ///< 128 bits in hexadecimal.
inline constexpr std::size_t secret_digits_max = 64;

/// worker -> master, first of all.
struct Hello {
    int protocol = protocol_version;
    std::string worker;  ///< The worker's own id, which lasts across visits: [A-Za-z0-9_-]{8,64}.
    std::string token;   ///< security.join_token, or empty.
    WorkerKind kind = WorkerKind::Native;
    std::string name;         ///< For people; shown, never trusted.
    std::string version;      ///< Of the software.
    std::uint32_t slots = 1;  ///< Tasks at a time: 1..slots_max.
    std::string resume;       ///< The session key of the connection before this one, or empty.
    /// Kept beside the id: who first comes with both owns the id. Hexadecimal; or empty, then the
    /// field is left out, as workers of before do.
    std::string secret{};
    /// A hash of what tells this PC from one that was installed from the same image, with the same
    /// id and secret: [A-Za-z0-9_-]{1,64}. Or empty, likewise.
    std::string machine{};
    friend bool operator==(const Hello&, const Hello&) = default;
};

/// One task's output or error. `bytes` points into the frame's payload.
struct TaskOutcome {
    TaskIndex index = 0;
    bool failed = false;
    ErrorCode code = ErrorCode::Internal;  ///< Where failed.
    ByteSpan bytes;                        ///< The output, or the error's message where failed.
};

/// worker -> master: outcomes of tasks of one lease, in any order, as they come.
struct Results {
    std::string session;
    LeaseId lease;
    JobId job;
    RoundIndex round = 0;
    double busy_seconds = 0;  ///< Compute time of these tasks, summed over slots.
    std::vector<TaskOutcome> outcomes;
};

/// worker -> master, every heartbeat_seconds, from something that never computes.
struct Heartbeat {
    std::string session;
    std::vector<LeaseId> leases;  ///< Those it still works on or holds; this renews them.
    std::uint32_t slots = 1;      ///< As many as it offers now.
    bool paused = false;          ///< It takes no new leases.
    double cpu = 0;               ///< Share of the whole PC that is busy, 0..1; negative: unknown.
    std::uint64_t memory_bytes = 0;  ///< Resident size of the worker; 0: unknown.
    std::string current;             ///< For people: "logistic_newton 3/7/12", or empty.
    friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

/// worker -> master: goodbye by the worker's own wish; what it holds is handed back.
struct Leave {
    std::string session;
    friend bool operator==(const Leave&, const Leave&) = default;
};

/// master -> worker: hello is accepted.
struct Welcome {
    /// A secret key: whoever names it speaks for this worker. The key that hello asked to resume
    /// means that the worker's leases still stand; any other means that it has none.
    std::string session;
    std::string worker;  ///< The id it goes by; differs from hello's if that one is another's.
    double heartbeat_seconds = 2;
    double silence_seconds = 10;  ///< With no message from the master for so long: reconnect.
    std::string version;          ///< The master's software.
    friend bool operator==(const Welcome&, const Welcome&) = default;
};

/// master -> worker: hello is refused, or the session ends. `retry` says whether to come again.
struct Goodbye {
    /// "refused_token", "refused_protocol", "protocol_violation", "unknown_session", …
    std::string code;
    std::string message;
    bool retry = true;
    friend bool operator==(const Goodbye&, const Goodbye&) = default;
};

/// One input of a task: bytes in the payload, or a blob to fetch from GET /blobs/{sha256}.
struct InlineInput {
    ByteSpan bytes;
};
struct BlobInput {
    Sha256 sha256;
    std::uint64_t size = 0;
};
using WireInput = std::variant<InlineInput, BlobInput>;

struct LeasedTask {
    TaskIndex index = 0;
    std::vector<WireInput> inputs;
};

/// master -> worker: do these tasks. The payload holds shared inputs and tasks.
struct Lease {
    LeaseId lease;
    JobId job;
    RoundIndex round = 0;
    std::string kernel;
    std::uint32_t kernel_version = 0;
    double seconds = 0;  ///< Until it runs out, unless heartbeats renew it.
    std::vector<WireInput> shared_inputs;
    std::vector<LeasedTask> tasks;
};

/// master -> worker: stop the tasks of this lease; their outcomes are not wanted any more.
struct Revoke {
    LeaseId lease;
    std::string reason;  ///< "cancelled", "expired", "done_elsewhere", …
    friend bool operator==(const Revoke&, const Revoke&) = default;
};

/// master -> worker, in answer to each heartbeat: the master is there.
struct Ack {
    friend bool operator==(const Ack&, const Ack&) = default;
};

using WorkerMessage = std::variant<Hello, Results, Heartbeat, Leave>;
using MasterMessage = std::variant<Welcome, Goodbye, Lease, Revoke, Ack>;

/// What travels: the header's text and the payload, still apart so that ZeroMQ need not join them.
struct WireMessage {
    std::string header;
    Bytes payload;
};

[[nodiscard]] WireMessage encode(const WorkerMessage& message);
[[nodiscard]] WireMessage encode(const MasterMessage& message);

/// The session key that a worker message names, for finding the sender of one that does not
/// decode; empty where there is none.
[[nodiscard]] std::string session_of(const nlohmann::json& header);

/// Errors: ProtocolViolation naming the field, its value and what it should be. The message's
/// spans point into `payload`, which must outlive it.
[[nodiscard]] Result<WorkerMessage> decode_worker_message(const nlohmann::json& header,
                                                          ByteSpan payload);
[[nodiscard]] Result<MasterMessage> decode_master_message(const nlohmann::json& header,
                                                          ByteSpan payload);

}  // namespace netcompute::protocol
