#pragma once

#include "store/records.hpp"
#include <netcompute/bytes.hpp>
#include <netcompute/ids.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// What a job leaves behind for those who doubt it: docs/receipt.md says what is in a receipt.
namespace netcompute::engine {

/// The output that counted for a task.
struct ReceiptOutput {
    WorkerId worker;  ///< WorkerId{}: the master itself.
    Sha256 sha256;
    bool confirmed = false;  ///< Somebody whose word counts came to the same.
    friend bool operator==(const ReceiptOutput&, const ReceiptOutput&) = default;
};

struct ReceiptRound {
    std::string kernel;
    std::uint32_t kernel_version = 0;
    Bytes state;                         ///< The program's checkpoint as the round began.
    std::vector<ReceiptOutput> outputs;  ///< One a task, by index.
    friend bool operator==(const ReceiptRound&, const ReceiptRound&) = default;
};

struct ReceiptWorker {
    WorkerId id;
    std::string key;  ///< The id that people see.
    std::string name;
    std::string kind;  ///< "native" or "browser".
    friend bool operator==(const ReceiptWorker&, const ReceiptWorker&) = default;
};

/// What a job's rounds leave for its receipt, besides the job's record.
struct ReceiptWork {
    std::vector<ReceiptRound> rounds;
    std::vector<ReceiptWorker> workers;  ///< Those that gave outputs that counted.
    /// The version that ran the job; encode_receipt_work() puts its own where this is empty.
    std::string software = {};
    friend bool operator==(const ReceiptWork&, const ReceiptWork&) = default;
};

/// For store::PutReceipt: about 34 bytes a task.
[[nodiscard]] Bytes encode_receipt_work(const ReceiptWork& work);

/// Errors: InvalidArgument for bytes that encode_receipt_work() did not make.
[[nodiscard]] Result<ReceiptWork> decode_receipt_work(ByteSpan bytes);

/// The receipt of a job that is over: a JSON document, whose last line holds the SHA-256 of all
/// that stands before it. The same text for the same job, always. About 80 bytes a task.
[[nodiscard]] std::string receipt_text(const store::JobRecord& job, const ReceiptWork& work);

}  // namespace netcompute::engine
