#include "engine/job_run.hpp"

#include <netcompute/assert.hpp>

#include <deque>

namespace netcompute::engine {
namespace {

/// A blob of up to this size rides in the lease itself: cheaper than a request of its own.
constexpr std::uint64_t inline_blob_bytes_max = 4096;

/// Turns a program's inputs into what the wire carries, and keeps alive what they point to.
class InputWirer {
 public:
    explicit InputWirer(const store::BlobStore& blobs) : blobs_{blobs} {}

    protocol::WireInput wire(programs::TaskInput input) {
        if (auto* bytes = std::get_if<Bytes>(&input)) {
            kept_bytes_.push_back(std::move(*bytes));
            return protocol::InlineInput{kept_bytes_.back()};
        }
        const auto& ref = std::get<programs::BlobRef>(input);
        if (ref.size <= inline_blob_bytes_max) {
            if (auto file = blobs_.find(ref.sha256)) {
                kept_files_.push_back(std::move(file));
                return protocol::InlineInput{kept_files_.back()->bytes()};
            }
        }
        return protocol::BlobInput{ref.sha256, ref.size};
    }

 private:
    const store::BlobStore& blobs_;
    std::deque<Bytes> kept_bytes_;
    std::deque<std::shared_ptr<const store::MappedFile>> kept_files_;
};

}  // namespace

JobRun::JobRun(store::JobRecord the_record, Instant the_submitted)
    : record{std::move(the_record)}, submitted{the_submitted} {}

void JobRun::begin(PreparedJob prepared) {
    prepared_ = std::move(prepared);
    notes = prepared_.notes;
}

std::optional<programs::Round> JobRun::start_round() {
    round_ = prepared_.program->round();
    outputs_.clear();
    if (round_) {
        outputs_.resize(round_->task_count);
        tasks_total += round_->task_count;
    }
    return round_;
}

std::uint64_t JobRun::task_bytes() const {
    std::uint64_t bytes = 0;
    for (const programs::TaskInput& input : prepared_.program->task_inputs(0)) {
        const auto* const inlined = std::get_if<Bytes>(&input);
        const std::uint64_t blob_size =
            inlined == nullptr ? std::get<programs::BlobRef>(input).size : 0;
        if (inlined != nullptr)
            bytes += inlined->size();
        else
            bytes += blob_size <= inline_blob_bytes_max ? blob_size : 64;
    }
    constexpr std::uint64_t framing_bytes = 16;
    return bytes + framing_bytes;
}

void JobRun::keep_output(TaskIndex index, ByteSpan bytes, std::shared_ptr<const Bytes> owner) {
    outputs_.at(index) = {bytes, std::move(owner)};
    ++tasks_done;
}

Result<void> JobRun::fold() {
    std::vector<ByteSpan> views;
    views.reserve(outputs_.size());
    for (const Output& output : outputs_) views.push_back(output.bytes);
    auto folded = prepared_.program->finish_round(views);
    outputs_.clear();
    outputs_.shrink_to_fit();
    ++round_index;
    return folded;
}

protocol::WireMessage JobRun::lease_message(LeaseId lease, const std::vector<TaskIndex>& tasks,
                                            double seconds, const store::BlobStore& blobs) const {
    NETCOMPUTE_ASSERT(round_.has_value(), "tasks are given out while a round is due");
    InputWirer wirer{blobs};
    protocol::Lease message;
    message.lease = lease;
    message.job = record.id;
    message.round = round_index;
    message.kernel = round_->kernel;
    message.kernel_version = round_->kernel_version;
    message.seconds = seconds;
    for (const programs::TaskInput& input : round_->shared_inputs) {
        message.shared_inputs.push_back(wirer.wire(input));
    }
    message.tasks.reserve(tasks.size());
    for (const TaskIndex index : tasks) {
        protocol::LeasedTask& task = message.tasks.emplace_back();
        task.index = index;
        for (programs::TaskInput& input : prepared_.program->task_inputs(index)) {
            task.inputs.push_back(wirer.wire(std::move(input)));
        }
    }
    return protocol::encode(protocol::MasterMessage{std::move(message)});
}

std::function<Result<nlohmann::json>()> JobRun::take_finish() {
    // The program goes along: finish() reads its result.
    auto shared = std::make_shared<PreparedJob>(std::move(prepared_));
    return [shared] { return shared->finish(); };
}

}  // namespace netcompute::engine
