#include "engine/job_run.hpp"

#include <netcompute/assert.hpp>

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <numeric>
#include <utility>

namespace netcompute::engine {
namespace {

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
        if (ref.size <= inline_input_bytes_max) {
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

JobRun::JobRun(store::JobRecord the_record, Instant the_submitted, store::BlobStore& blobs)
    : record{std::move(the_record)}, submitted{the_submitted}, blobs_{&blobs} {}

void JobRun::begin(PreparedJob prepared) {
    prepared_ = std::make_shared<PreparedJob>(std::move(prepared));
    notes = prepared_->notes;
    if (prepared_->next_jobs) {
        children.emplace();
        return;
    }
    due_ = where_it_stands();
    states_ = {due_.state_sha256};
    checkpoints_ = {0};
}

std::function<Result<jobs::JobsOrResult>()> JobRun::next_jobs_step() const {
    return [shared = prepared_, results = children->results] { return shared->next_jobs(results); };
}

/// The program has folded nothing just now, so there is nothing to publish, and nothing to fail.
NextRound JobRun::where_it_stands() const {
    const programs::RoundWork nothing{std::span<const ByteSpan>{}};
    return next_round(*prepared_->program, *blobs_, nothing).value();
}

std::vector<store::Record> JobRun::take_checkpoint() {
    std::vector<store::Record> records;
    for (const Sha256& name : due_.published) {
        const auto file = blobs_->find(name);
        records.emplace_back(store::PutBlob{record.id, round_index, name, file->bytes(), file});
    }
    records.emplace_back(store::PutCheckpoint{record.id, round_index, due_.state_sha256,
                                              std::move(due_.state), std::move(due_.named)});
    return records;
}

std::function<Result<void>()> JobRun::fetch_step(std::vector<store::ReadBytes> reads) const {
    return
        [holder = due_.blobs, missing = due_.missing, reads = std::move(reads)]() -> Result<void> {
            for (std::size_t i = 0; i < reads.size(); ++i) {
                const auto bytes = reads[i]();
                if (!bytes) return unexpected(bytes.error());
                const auto ref = holder->put(**bytes);
                if (!ref) return unexpected(ref.error());
                if (*ref == missing[i]) continue;
                return unexpected(ErrorCode::Internal,
                                  "the blob " + to_hex(missing[i].sha256) +
                                      " in the job record is damaged; cancel the job and submit it "
                                      "again");
            }
            return {};
        };
}

std::optional<programs::Round> JobRun::start_round() {
    round_ = due_.round;
    outputs_ = RoundOutputs{round_ ? round_->task_count : 0};
    if (!round_) return round_;
    task_counts_.resize(round_index);
    tasks_done = std::accumulate(task_counts_.begin(), task_counts_.end(), std::uint64_t{0});
    tasks_total = tasks_done + round_->task_count;
    task_counts_.push_back(round_->task_count);
    kernels_.resize(round_index);
    kernels_.push_back({std::string{round_->kernel}, round_->kernel_version});
    return round_;
}

Result<void> JobRun::go_back(RoundIndex round, ByteSpan state) {
    if (auto restored = prepared_->program->restore(state); !restored) return restored;
    round_index = round;
    due_ = where_it_stands();
    if (round >= first_kept_) return {};
    first_kept_ = round;
    states_.resize(round + 1);
    checkpoints_.erase(checkpoints_.upper_bound(round), checkpoints_.end());
    told_.erase(told_.lower_bound(round), told_.end());
    return {};
}

RoundIndex JobRun::checkpoint_for(RoundIndex round) const {
    // There is always one of round 0.
    return *std::prev(checkpoints_.upper_bound(round));
}

std::vector<RoundIndex> JobRun::forget_rounds(std::vector<Bytes> told) {
    for (Bytes& one : told) told_.emplace(first_kept_++, std::move(one));
    std::vector<RoundIndex> useless;
    for (const RoundIndex round : checkpoints_) {
        if (round >= first_kept_) break;
        const RoundIndex reach = round & (~round + 1);  // The largest power of two that divides it.
        if (round != 0 && first_kept_ - round > reach) useless.push_back(round);
    }
    for (const RoundIndex round : useless) checkpoints_.erase(round);
    return useless;
}

std::uint64_t JobRun::listed_tasks() const {
    std::uint64_t count = 0;
    for (RoundIndex round = 0; round < task_counts_.size() && round < round_index; ++round) {
        const auto tasks = static_cast<std::uint32_t>(task_counts_[round]);
        if (lists_tasks(round, tasks)) count += tasks;
    }
    return count;
}

/// What the store has of forgotten rounds.
Result<void> JobRun::recall(std::vector<store::ForgottenRound> forgotten) {
    std::set<std::pair<WorkerId, bool>> known;
    for (auto& [round, bytes] : forgotten) {
        auto told = decode_told_round(bytes);
        if (!told || round != first_kept_) {
            return unexpected(ErrorCode::Internal,
                              "what its record tells of round " + std::to_string(round) +
                                  " cannot be read; cancel it and submit it again");
        }
        const auto note_word = [&, round = round](WorkerId worker, bool is_confirmer) {
            if (known.insert({worker, is_confirmer}).second) {
                forgotten_words_.push_back({worker, is_confirmer, round});
            }
        };
        for (const auto& [worker, share] : told->shares) {
            if (share.output_count > share.confirmed_count) note_word(worker, false);
            if (share.confirmations_count > 0) note_word(worker, true);
        }
        states_.push_back(told->round.state_sha256);
        kernels_.push_back({std::move(told->round.kernel), told->round.kernel_version});
        task_counts_.push_back(told->round.task_count);
        told_.emplace(round, std::move(bytes));
        ++first_kept_;
    }
    return {};
}

Result<void> JobRun::restore(store::JobPlan plan, const ReadState& read) {
    states_.clear();
    checkpoints_.clear();
    if (auto recalled = recall(std::move(plan.forgotten)); !recalled) return recalled;
    for (const auto& [round, sha256] : plan.checkpoints) {
        checkpoints_.insert(round);
        if (round < first_kept_) continue;
        states_.push_back(sha256);
        const auto state = read(round);
        if (!state) return unexpected(state.error());
        if (auto back = go_back(round, **state); !back) return back;
        if (!start_round()) {
            return unexpected(ErrorCode::Internal,
                              "round " + std::to_string(round) + " of its record is none");
        }
    }
    return {};
}

bool JobRun::advance(NextRound next) {
    ++round_index;
    due_ = std::move(next);
    if (round_index < states_.size() && states_[round_index] == due_.state_sha256) return true;
    states_.resize(round_index);
    checkpoints_.erase(checkpoints_.lower_bound(round_index), checkpoints_.end());
    if (has_finished()) return false;
    states_.push_back(due_.state_sha256);
    checkpoints_.insert(round_index);
    return false;
}

std::uint32_t JobRun::kernel_number() const {
    // A job has few kernels, and its later rounds have those of its first ones.
    const auto first = std::ranges::find(kernels_, kernels_.back());
    return static_cast<std::uint32_t>(first - kernels_.begin());
}

std::uint64_t JobRun::task_bytes() const {
    std::uint64_t bytes = 0;
    for (const programs::TaskInput& input : prepared_->program->task_inputs(0)) {
        const auto* const inlined = std::get_if<Bytes>(&input);
        const std::uint64_t blob_size =
            inlined == nullptr ? std::get<programs::BlobRef>(input).size : 0;
        if (inlined != nullptr)
            bytes += inlined->size();
        else
            bytes += blob_size <= inline_input_bytes_max ? blob_size : 64;
    }
    constexpr std::uint64_t framing_bytes = 16;
    return bytes + framing_bytes;
}

void JobRun::keep_output(TaskIndex index, ByteSpan bytes, std::shared_ptr<const Bytes> owner) {
    const std::uint32_t before = outputs_.count();
    outputs_.put(index, bytes, std::move(owner));
    tasks_done += outputs_.count() - before;
}

std::function<Result<NextRound>()> JobRun::fold_step() {
    return [shared = prepared_, outputs = std::make_shared<RoundOutputs>(std::move(outputs_)),
            blobs = blobs_]() -> Result<NextRound> {
        const std::vector<ByteSpan> views = outputs->views();
        programs::RoundWork work{views};
        auto folded = programs::fold_round(*shared->program, views, work);
        if (!folded) return unexpected(folded.error());
        return next_round(*shared->program, *blobs, work);
    };
}

protocol::WireMessage JobRun::lease_message(LeaseId lease, const std::vector<TaskIndex>& tasks,
                                            double seconds) const {
    NETCOMPUTE_ASSERT(round_.has_value(), "tasks are given out while a round is due");
    InputWirer wirer{*blobs_};
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
        for (programs::TaskInput& input : prepared_->program->task_inputs(index)) {
            task.inputs.push_back(wirer.wire(std::move(input)));
        }
    }
    return protocol::encode(protocol::MasterMessage{std::move(message)});
}

std::function<Result<Bytes>()> JobRun::audit(TaskIndex index,
                                             const programs::ComputeOptions& options) const {
    NETCOMPUTE_ASSERT(round_.has_value(), "tasks are audited while their round is due");
    std::vector<programs::TaskInput> inputs = round_->shared_inputs;
    for (programs::TaskInput& input : prepared_->program->task_inputs(index)) {
        inputs.push_back(std::move(input));
    }
    std::map<Sha256, std::shared_ptr<const store::MappedFile>> files;
    for (const programs::TaskInput& input : inputs) {
        const auto* const ref = std::get_if<programs::BlobRef>(&input);
        if (ref != nullptr) files[ref->sha256] = blobs_->find(ref->sha256);
    }
    return [kernel = std::string{round_->kernel}, version = round_->kernel_version,
            inputs = std::move(inputs), files = std::move(files), options] {
        const auto find = [&](const Sha256& sha256) -> std::optional<ByteSpan> {
            const auto found = files.find(sha256);
            if (found == files.end() || found->second == nullptr) return std::nullopt;
            return found->second->bytes();
        };
        return programs::run_task(kernel, version, inputs, find, options);
    };
}

std::function<Result<nlohmann::json>()> JobRun::finish_step() const {
    return [shared = prepared_] { return shared->finish(); };
}

}  // namespace netcompute::engine
