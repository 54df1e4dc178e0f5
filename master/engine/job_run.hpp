#pragma once

#include "core/events.hpp"
#include "engine/next_round.hpp"
#include "engine/rate_meter.hpp"
#include "engine/receipt.hpp"
#include "engine/round_outputs.hpp"
#include "jobs/job_request.hpp"
#include "jobs/job_type.hpp"
#include "store/blob_store.hpp"
#include "store/job_store.hpp"
#include "store/records.hpp"
#include <netcompute/ids.hpp>
#include <netcompute/instant.hpp>
#include <netcompute/protocol/messages.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace netcompute::engine {

// What a job type gives the engine.
using jobs::FileNames;
using jobs::find_job_type;
using jobs::JobContext;
using jobs::JobInput;
using jobs::JobRequest;
using jobs::JobType;
using jobs::ParamValues;
using jobs::PreparedJob;
using jobs::tasks_per_round_max;

/// What a job that is made of other jobs has submitted, or is about to.
struct Children {
    std::vector<JobRequest> requests;  ///< In order.
    std::vector<std::string> results;  ///< Of each: JSON; empty until it has succeeded.
    std::size_t next = 0;              ///< The first one that is not submitted.
    std::size_t live = 0;              ///< Submitted and not over.
    [[nodiscard]] std::size_t done() const { return next - live; }
};

/// A job that is not over: its program, the outputs of the round in progress, and its counts.
class JobRun {
 public:
    /// `blobs` outlives it.
    JobRun(store::JobRecord record, Instant submitted, store::BlobStore& blobs);

    store::JobRecord record;
    Instant submitted;
    std::shared_ptr<store::BlobHolder> held_blobs;  ///< What it put goes with it.
    std::string phase;  ///< What it does besides tasks: "reading data", "writing results", or "".
    std::vector<std::string> notes;
    FileNames file_names;
    std::uint64_t tasks_total = 0;   ///< Of the rounds up to the one in progress.
    std::uint64_t tasks_done = 0;    ///< Of those; fewer again when it goes back to a former round.
    std::uint64_t tasks_failed = 0;  ///< Failed attempts; the tasks were tried again.
    core::Validation validation;
    bool is_away = false;                  ///< The pool has the program: no touching it.
    std::uint32_t dangerous_tasks = 0;     ///< That the pool computes, and a master may die of.
    std::optional<RoundIndex> go_back_to;  ///< Asked for while it was.
    /// Where it stood when its first round began here, for those who ask how long it will take.
    std::optional<std::pair<Instant, double>> pace_from;
    std::set<JobId> waits_for;         ///< Jobs that it comes after, and that are not over.
    std::optional<Children> children;  ///< Of one that is made of other jobs, once it has begun.
    /// What its result may list as files.
    std::shared_ptr<jobs::WrittenOutputs> outputs_written =
        std::make_shared<jobs::WrittenOutputs>();
    std::string held;  ///< Why it is held back since a restart, not even prepared; or empty.
    RoundIndex round_index = 0;
    RateMeter rate;

    /// Takes what the pool has prepared.
    void begin(PreparedJob prepared);
    [[nodiscard]] bool begun() const { return prepared_ != nullptr; }

    /// The jobs that it submits next, or its result, for the pool.
    [[nodiscard]] std::function<Result<jobs::JobsOrResult>()> next_jobs_step() const;

    /// Whether rounds may follow the one in progress.
    [[nodiscard]] bool has_more_rounds() const { return prepared_->rounds_may_follow; }

    /// Makes room for the outputs of the round that is due; nothing if the program has finished.
    [[nodiscard]] std::optional<programs::Round> start_round();
    [[nodiscard]] bool has_finished() const { return !due_.round; }
    /// Of the round in progress; 0 before the first and after the last.
    [[nodiscard]] std::uint64_t round_tasks() const { return round_ ? round_->task_count : 0; }
    /// How many of those have their outputs here.
    [[nodiscard]] const RoundOutputs& outputs() const { return outputs_; }
    /// Of the program's states as each round so far began, by round.
    [[nodiscard]] const std::vector<Sha256>& states() const { return states_; }
    /// The state in which the round that is due begins, for the store, and before it the blobs that
    /// the fold has published; once after each fold.
    [[nodiscard]] std::vector<store::Record> take_checkpoint();
    /// Blobs that the state names, and that the blob store does not have since the program was
    /// taken back to it.
    [[nodiscard]] const std::vector<programs::BlobRef>& missing_blobs() const {
        return due_.missing;
    }
    /// Puts those there, for the pool; `reads` are of each. Errors: those of reading, and of
    /// BlobHolder::put(); Internal for other bytes than the blob's.
    [[nodiscard]] std::function<Result<void>()> fetch_step(
        std::vector<store::ReadBytes> reads) const;
    /// As the last fold left it.
    [[nodiscard]] const programs::Progress& progress() const { return due_.progress; }
    /// Numbers the kernel of the round in progress among the job's.
    [[nodiscard]] std::uint32_t kernel_number() const;
    /// The kernel of each round so far, by round.
    [[nodiscard]] const std::vector<KernelName>& kernels() const { return kernels_; }
    /// Rounds before this one are forgotten: they are not begun again by themselves.
    [[nodiscard]] RoundIndex first_kept() const { return first_kept_; }
    /// The last round up to this one whose state the store has.
    [[nodiscard]] RoundIndex checkpoint_for(RoundIndex round) const;
    /// Takes the program back to the beginning of a round that checkpoint_for() names, in this
    /// state; where that is a forgotten one, nothing of it and of later rounds holds any more.
    /// Errors: those of Program::restore.
    [[nodiscard]] Result<void> go_back(RoundIndex round, ByteSpan state);
    /// Keeps what is told of these rounds instead of themselves, the first kept one first. Which
    /// checkpoints are of no more use: of those that remain, there is one at half of the way to the
    /// beginning, at half of that, and so on, so there are few, and none is far.
    [[nodiscard]] std::vector<RoundIndex> forget_rounds(std::vector<Bytes> told);
    /// How many tasks its receipt would list by now.
    [[nodiscard]] std::uint64_t listed_tasks() const;
    /// By round, as encode_told_round() makes them.
    [[nodiscard]] const std::map<RoundIndex, Bytes>& told() const { return told_; }
    using ReadState = std::function<Result<std::shared_ptr<const Bytes>>(RoundIndex)>;
    /// Takes up a former master's job where its last round began. Errors: as for go_back(), and
    /// those of `read`; Internal for a record that this program cannot read.
    [[nodiscard]] Result<void> restore(store::JobPlan plan, const ReadState& read);
    /// On whose word forgotten rounds rest, as restore() found it.
    [[nodiscard]] const std::vector<core::ForgottenWord>& forgotten_words() const {
        return forgotten_words_;
    }
    /// After fold_step(): goes on to the round that is due now. Whether that was begun before, in
    /// the same state, so that what is known of it still holds. If it was not, forgets what was
    /// known of later rounds, and keeps the state of this one, if there is one.
    [[nodiscard]] bool advance(NextRound next);
    /// About how many bytes one task adds to a lease.
    [[nodiscard]] std::uint64_t task_bytes() const;
    /// Keeps one output, whose bytes `owner` keeps alive.
    void keep_output(TaskIndex index, ByteSpan bytes, std::shared_ptr<const Bytes> owner);
    /// Folds the round's outputs, which it takes along, on any thread. Until it is done the program
    /// must not be touched. After an error go_back() is due, else advance().
    [[nodiscard]] std::function<Result<NextRound>()> fold_step();
    /// A closure that computes one task of the round here, with all that it needs.
    [[nodiscard]] std::function<Result<Bytes>()> audit(
        TaskIndex index, const programs::ComputeOptions& options = {}) const;
    /// The lease's frame for these tasks. Small blobs ride inline.
    [[nodiscard]] protocol::WireMessage lease_message(LeaseId lease,
                                                      const std::vector<TaskIndex>& tasks,
                                                      double seconds) const;
    /// The last step, for the pool. The program has finished, and must not be touched until the
    /// step is done.
    [[nodiscard]] std::function<Result<nlohmann::json>()> finish_step() const;
    [[nodiscard]] const std::vector<JobInput>& inputs() const { return prepared_->inputs; }

 private:
    store::BlobStore* blobs_;
    std::shared_ptr<PreparedJob> prepared_;
    [[nodiscard]] NextRound where_it_stands() const;
    [[nodiscard]] Result<void> recall(std::vector<store::ForgottenRound> forgotten);

    NextRound due_;
    std::vector<Sha256> states_;
    std::set<RoundIndex> checkpoints_;  ///< That the store has.
    RoundIndex first_kept_ = 0;
    std::map<RoundIndex, Bytes> told_;
    std::vector<core::ForgottenWord> forgotten_words_;
    std::vector<KernelName> kernels_;
    std::vector<std::uint64_t> task_counts_;  ///< Of each round so far, by round.
    std::optional<programs::Round> round_;    ///< That start_round() has begun.
    RoundOutputs outputs_;
};

}  // namespace netcompute::engine
