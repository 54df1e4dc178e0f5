#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/ids.hpp>
#include <netcompute/protocol/messages.hpp>
#include <netcompute/result.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace netcompute::worker {

/// Outcomes of some tasks of one lease, in the order in which they were computed. Outputs lie one
/// after the other in one buffer: thousands of small ones must not be thousands of allocations
/// that another thread frees.
class OutcomeChunk {
 public:
    OutcomeChunk() = default;
    OutcomeChunk(LeaseId lease, JobId job, RoundIndex round)
        : lease_{lease}, job_{job}, round_{round} {}

    void add_output(TaskIndex index, Bytes output);
    void add_error(TaskIndex index, const Error& error);
    /// Outcomes in the form in which `results` carries them. Errors: ProtocolViolation.
    [[nodiscard]] Result<void> add_encoded(ByteSpan payload, std::uint32_t count);
    void add_busy_seconds(double seconds) { busy_seconds_ += seconds; }

    [[nodiscard]] LeaseId lease() const { return lease_; }
    [[nodiscard]] JobId job() const { return job_; }
    [[nodiscard]] RoundIndex round() const { return round_; }
    [[nodiscard]] double busy_seconds() const { return busy_seconds_; }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] bool empty() const { return entries_.empty(); }
    /// At least what the outcomes take in the payload of a `results` frame.
    [[nodiscard]] std::size_t wire_bytes() const {
        constexpr std::size_t outcome_head_bytes = 9;
        return storage_.size() + entries_.size() * outcome_head_bytes;
    }
    /// The outcomes, appended; they point into this chunk.
    void append_to(std::vector<protocol::TaskOutcome>& outcomes) const;

 private:
    struct Entry {
        TaskIndex index = 0;
        bool failed = false;
        ErrorCode code = ErrorCode::Internal;
        std::size_t size = 0;
    };

    LeaseId lease_;
    JobId job_;
    RoundIndex round_ = 0;
    double busy_seconds_ = 0;
    std::vector<Entry> entries_;
    Bytes storage_;
};

}  // namespace netcompute::worker
