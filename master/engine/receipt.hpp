#pragma once

#include "core/round_tasks.hpp"
#include "store/records.hpp"
#include <netcompute/bytes.hpp>
#include <netcompute/ids.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

/// What a job leaves behind for verification: docs/receipt.md says what is in a receipt.
namespace netcompute::engine {

struct KernelName {
    std::string name;
    std::uint32_t version = 0;
    friend bool operator==(const KernelName&, const KernelName&) = default;
};

/// The output that counted for a task.
struct ReceiptOutput {
    WorkerId worker;  ///< WorkerId{}: the master itself.
    Sha256 sha256;
    bool confirmed = false;  ///< Confirmed by a believed or trusted worker, or by the master.
    friend bool operator==(const ReceiptOutput&, const ReceiptOutput&) = default;
};

/// The versions of receipts that there are; this program writes the last one for its own jobs.
/// The first one had each round's whole state and each task of each round.
inline constexpr int receipt_format_version_first = 1;
inline constexpr int receipt_format_version = 2;

struct ReceiptRound {
    std::string kernel;
    std::uint32_t kernel_version = 0;
    std::uint32_t task_count = 0;
    Sha256 state_sha256;    ///< Of the program's checkpoint as the round began.
    Sha256 results_sha256;  ///< As results_sha256() says, of all the round's outputs.
    std::uint32_t confirmed_count = 0;
    std::vector<ReceiptOutput> outputs;  ///< One a task, by index; none where they are not listed.
    Bytes state;                         ///< The checkpoint itself: in the first version only.
    friend bool operator==(const ReceiptRound&, const ReceiptRound&) = default;
};

struct ReceiptWorker {
    WorkerId id;
    std::string key;  ///< The id that people see.
    std::string name;
    std::string kind;                   ///< "native" or "browser".
    std::uint64_t output_count = 0;     ///< That it gave and that counted, in all rounds.
    std::uint64_t confirmed_count = 0;  ///< Of those.
    friend bool operator==(const ReceiptWorker&, const ReceiptWorker&) = default;
};

/// What a job's rounds leave for its receipt, besides the job's record.
struct ReceiptWork {
    std::vector<ReceiptRound> rounds;
    std::vector<ReceiptWorker> workers;  ///< Those that gave outputs that counted.
    /// The version that ran the job; encode_receipt_work() puts its own where this is empty.
    std::string software = {};
    int format_version = receipt_format_version;
    friend bool operator==(const ReceiptWork&, const ReceiptWork&) = default;
};

/// The SHA-256 of the outputs' SHA-256s, one after the other, 32 bytes each.
[[nodiscard]] Sha256 results_sha256(std::span<const ReceiptOutput> outputs);

/// Whether a receipt tells of each task: of the first round's, which can be computed from the
/// job's input and parameters alone, and where that is shorter than what else it says of a round.
[[nodiscard]] bool lists_tasks(RoundIndex round, std::uint32_t task_count);

/// What a worker gave to a round, or to all of them.
struct ReceiptShare {
    std::uint64_t output_count = 0;
    std::uint64_t confirmed_count = 0;      ///< Of those.
    std::uint64_t confirmations_count = 0;  ///< Of outputs of others, by this worker's word.
    friend bool operator==(const ReceiptShare&, const ReceiptShare&) = default;
};

/// A round and who worked on it: what a job keeps of a round that it forgets.
struct ToldRound {
    ReceiptRound round;
    std::map<WorkerId, ReceiptShare> shares;
    friend bool operator==(const ToldRound&, const ToldRound&) = default;
};

/// Tells of a round whose tasks all have their outputs. As long as it has tasks.
[[nodiscard]] ToldRound tell_round(RoundIndex round, const core::RoundTasks& tasks,
                                   const KernelName& kernel, const Sha256& state_sha256);

/// For store::ForgetRound.
[[nodiscard]] Bytes encode_told_round(const ToldRound& told);

/// Errors: InvalidArgument for bytes that encode_told_round() did not make.
[[nodiscard]] Result<ToldRound> decode_told_round(ByteSpan bytes);

/// For store::PutReceipt: about 34 bytes for each task that is listed, 80 for each round.
[[nodiscard]] Bytes encode_receipt_work(const ReceiptWork& work);

/// Of a round of the first version, whose state and outputs are there: what those determine.
void complete_first_version(ReceiptRound& round);

/// Errors: InvalidArgument for bytes that encode_receipt_work() did not make.
[[nodiscard]] Result<ReceiptWork> decode_receipt_work(ByteSpan bytes);

/// The receipt of a job that is over: a JSON document, whose last line holds the SHA-256 of all
/// that stands before it. The same text for the same job, always. About 80 bytes for each task that
/// is listed, and less than 1 kB for each round besides the first one.
[[nodiscard]] std::string receipt_text(const store::JobRecord& job, const ReceiptWork& work);

}  // namespace netcompute::engine
