#include "engine/engine.hpp"
#include "engine/receipt.hpp"
#include "engine/within_memory.hpp"
#include <netcompute/logging.hpp>

#include <spdlog/spdlog.h>

#include <map>

namespace netcompute::engine {
namespace {

/// A receipt is a text of 80 bytes for each task that it lists.
constexpr std::uint64_t receipt_tasks_max = 1'000'000;

/// The receipt's rounds: who gave which outputs, enough to verify the job. On any thread.
Result<Bytes> make_receipt(const std::map<RoundIndex, Bytes>& forgotten,
                           const std::map<RoundIndex, core::RoundTasks>& rounds,
                           const std::vector<Sha256>& states,
                           const std::vector<KernelName>& kernels,
                           const std::map<WorkerId, ReceiptWorker>& workers) {
    ReceiptWork work;
    std::map<WorkerId, ReceiptShare> shares;
    const auto add = [&](ToldRound told) {
        work.rounds.push_back(std::move(told.round));
        for (const auto& [worker, share] : told.shares) {
            shares[worker].output_count += share.output_count;
            shares[worker].confirmed_count += share.confirmed_count;
        }
    };
    for (const auto& [round, bytes] : forgotten) {
        auto told = decode_told_round(bytes);
        if (!told) return unexpected(told.error());
        add(std::move(*told));
    }
    for (const auto& [round, tasks] : rounds) {
        if (round >= states.size()) break;
        add(tell_round(round, tasks, kernels.at(round), states[round]));
    }
    for (const auto& [id, share] : shares) {
        if (share.output_count == 0) continue;
        // One of a former master may be forgotten, where others have confirmed what it gave.
        const auto found = workers.find(id);
        ReceiptWorker& worker = work.workers.emplace_back();
        worker = found == workers.end() ? ReceiptWorker{id, {}, {}, "native"} : found->second;
        worker.output_count = share.output_count;
        worker.confirmed_count = share.confirmed_count;
    }
    return encode_receipt_work(work);
}

}  // namespace

/// For the outputs of the round that is due. False if the job has ended, and is gone, because the
/// round has too many tasks.
bool Engine::make_room(JobRun& job) {
    const auto refuse = [&](Error error) {
        end_job(job.record.id, store::JobState::Failed, {}, std::move(error));
        return false;
    };
    const std::uint64_t before = job.round_tasks();
    const auto round = job.start_round();
    if (!round) return true;
    if (round->task_count > options_.round_tasks_max) {
        return refuse({ErrorCode::LimitExceeded,
                       fmt::format("round {} has {} tasks, and {} are allowed "
                                   "(limits.tasks_per_job in the master's config.json)",
                                   job.round_index, round->task_count, options_.round_tasks_max)});
    }
    // It counts among them already, and another round of it did before.
    if (round->task_count <= before) return true;
    if (auto fits = check_live_tasks(0); !fits) return refuse(fits.error());
    return true;
}

/// Tells the scheduler what comes next.
void Engine::announce_round(JobRun& job, bool fresh, std::vector<core::PastLease> leases) {
    const JobId id = job.record.id;
    if (job.has_finished()) return enqueue(core::ProgramFinished{id, job.round_index});
    if (!job.pace_from) job.pace_from = {now(), job.progress().fraction.value_or(0)};
    enqueue(core::RoundStarted{id, job.round_index, static_cast<std::uint32_t>(job.round_tasks()),
                               job.task_bytes(), job.record.priority, job.validation, fresh,
                               std::move(leases), job.record.state == store::JobState::Paused,
                               job.kernel_number()});
}

/// Some outputs of a former round are in doubt: the program goes back to where that began.
void Engine::go_back(JobId id, RoundIndex round) {
    const auto found = live_.find(id);
    if (found == live_.end()) return;
    JobRun& job = found->second;
    if (job.is_away) {
        job.go_back_to = round;
        return;
    }
    const bool is_anew = round < job.first_kept();
    const RoundIndex from = job.checkpoint_for(round);
    const auto state = jobs_.checkpoint(id, from);
    if (!state) return end_job(id, store::JobState::Failed, {}, state.error());
    auto back = job.go_back(from, **state);
    if (!back) return end_job(id, store::JobState::Failed, {}, back.error());
    if (is_anew) put(store::RewindJob{id, from, true});
    if (!make_room(job)) return;
    fetch_blobs(job, [this, is_anew, round](JobRun& ready) {
        if (is_anew) return announce_round(ready, true);
        load_outputs(ready, {round, 0, false, {}});
    });
}

/// Has the blobs that the job's state names in the blob store again, and goes on. Where some are
/// not, the pool reads them.
void Engine::fetch_blobs(JobRun& job, std::function<void(JobRun&)> go_on) {
    const JobId id = job.record.id;
    if (job.missing_blobs().empty()) return go_on(job);
    std::vector<store::ReadBytes> reads;
    for (const programs::BlobRef& ref : job.missing_blobs()) {
        auto read = jobs_.blob(id, ref.sha256);
        if (!read) return end_job(id, store::JobState::Failed, {}, read.error());
        reads.push_back(std::move(*read));
    }
    job.is_away = true;
    job.phase = "reading blobs";
    host_.run_slow([this, id, fetch = job.fetch_step(std::move(reads)),
                    go_on = std::move(go_on)]() -> EngineHost::Work {
        auto fetched = std::make_shared<Result<void>>(within_memory(fetch));
        return [this, id, fetched, go_on] {
            if (!live_.contains(id)) return;  // It was cancelled meanwhile.
            be_due();
            JobRun& ready = live_.at(id);
            if (went_back(ready)) return;
            if (!*fetched) return end_job(id, store::JobState::Failed, {}, fetched->error());
            go_on(ready);
        };
    });
    be_due();
}

/// Goes back if a wrong result was found while the pool had the program.
bool Engine::went_back(JobRun& job) {
    job.is_away = false;
    job.phase.clear();
    if (!job.go_back_to) return false;
    go_back(job.record.id, *std::exchange(job.go_back_to, std::nullopt));
    return true;
}

/// Folds the round that is complete, on the pool unless that is quick.
void Engine::fold(JobRun& job) {
    const JobId id = job.record.id;
    const bool is_quick = job.round_tasks() <= options_.quick_fold_tasks_max &&
                          job.outputs().output_bytes() <= options_.quick_bytes_max;
    auto step = job.fold_step();
    if (is_quick) return folded(id, within_memory(step));
    job.is_away = true;
    job.phase = "folding";
    run_heavy(id, store::HeavyStep::Folding, [this, id, step = std::move(step)]() mutable {
        auto next = std::make_shared<Result<NextRound>>(within_memory(step));
        step = nullptr;  // The outputs go here, not on the engine's thread.
        return [this, id, next] {
            if (!live_.contains(id)) return;  // It was cancelled meanwhile.
            step_is_over(id);
            be_due();
            folded(id, std::move(*next));
        };
    });
}

void Engine::folded(JobId id, Result<NextRound> next) {
    JobRun& job = live_.at(id);
    if (went_back(job)) return;
    if (!next && next.error().code == ErrorCode::LimitExceeded) {
        return end_job(id, store::JobState::Failed, {}, next.error());
    }
    if (!next) return enqueue(core::RoundRejected{id, next.error()});
    const std::size_t known = job.states().size();
    const bool fresh = !job.advance(std::move(*next));
    if (fresh && known > job.round_index) {
        put(store::RewindJob{id, job.round_index - 1});
    }
    if (fresh && !job.has_finished()) {
        for (store::Record& record : job.take_checkpoint()) put(std::move(record));
    }
    if (!make_room(job)) return;
    if (fresh || job.has_finished()) return announce_round(job, fresh);
    load_outputs(job, {job.round_index, 0, false, {}});
}

/// Makes the result document, on the pool unless that is quick.
void Engine::finish(JobRun& job) {
    const JobId id = job.record.id;
    job.is_away = true;
    const bool is_quick = options_.find_job_type(job.record.type)->is_quick;
    if (is_quick) return finished(id, within_memory(job.finish_step()));
    job.phase = "writing results";
    run_heavy(id, store::HeavyStep::Finishing,
              [this, id, finish = job.finish_step()]() -> EngineHost::Work {
                  auto result = std::make_shared<Result<nlohmann::json>>(within_memory(finish));
                  return [this, id, result] {
                      put_written_files();
                      if (!live_.contains(id)) return;  // It was cancelled meanwhile.
                      step_is_over(id);
                      be_due();
                      finished(id, std::move(*result));
                  };
              });
}

void Engine::finished(JobId id, Result<nlohmann::json> result) {
    JobRun& job = live_.at(id);
    if (went_back(job)) return;
    if (!result) return end_job(id, store::JobState::Failed, {}, result.error());
    leave_receipt(id, *result);
}

/// The job's last step: its receipt, on the pool unless that is quick.
void Engine::leave_receipt(JobId id, const nlohmann::json& result) {
    JobRun& job = live_.at(id);
    auto rounds = scheduler_.rounds(id);
    const std::uint64_t task_count = job.listed_tasks();
    if (task_count > receipt_tasks_max) {
        log_within_budget(
            "job without receipt", "", spdlog::level::warn,
            "job {} leaves no receipt: it would list {} tasks, and one lists up to {}", id.value,
            task_count, receipt_tasks_max);
        return end_job(id, store::JobState::Succeeded, result, {});
    }
    std::map<WorkerId, ReceiptWorker> workers;
    for (const auto& [worker_id, worker] : workers_) {
        workers.insert({worker_id,
                        {worker_id, worker.key, worker.name,
                         std::string{protocol::worker_kind_name(worker.kind)}}});
    }
    using Rounds = std::map<RoundIndex, core::RoundTasks>;
    auto make = [shared = std::make_shared<const Rounds>(std::move(rounds)), told = job.told(),
                 states = job.states(), kernels = job.kernels(), workers = std::move(workers)] {
        return make_receipt(told, *shared, states, kernels, workers);
    };
    if (job.told().empty() && task_count <= options_.quick_fold_tasks_max) {
        auto receipt = make();
        if (receipt) put(store::PutReceipt{id, std::move(*receipt)});
        return end_job(id, store::JobState::Succeeded, result, {});
    }
    job.is_away = true;
    job.phase = "writing the receipt";
    auto work = [this, id, result, make = std::move(make)]() mutable {
        auto receipt = std::make_shared<Result<Bytes>>(within_memory(make));
        // The snapshot comes back with it: its pages are shared with the scheduler's.
        return [this, id, result, receipt, snapshot = std::move(make)] {
            if (!live_.contains(id)) return;  // It was cancelled meanwhile.
            step_is_over(id);
            be_due();
            if (went_back(live_.at(id))) return;
            if (!*receipt) return end_job(id, store::JobState::Failed, {}, receipt->error());
            put(store::PutReceipt{id, std::move(**receipt)});
            end_job(id, store::JobState::Succeeded, result, {});
        };
    };
    run_heavy(id, store::HeavyStep::Finishing, std::move(work));
}

}  // namespace netcompute::engine
