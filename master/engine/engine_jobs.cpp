#include "engine/engine.hpp"
#include "engine/job_inputs.hpp"
#include "engine/receipt.hpp"
#include "engine/validation_policy.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/logging.hpp>
#include <netcompute/printable.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>

namespace netcompute::engine {

Result<JobId> Engine::submit(JobRequest request) {
    const JobType* const type = options_.find_job_type(request.type);
    if (type == nullptr) {
        return unexpected(ErrorCode::InvalidArgument, "type: \"" + request.type + "\" is unknown");
    }
    if (live_.size() >= options_.live_jobs_max) {
        return unexpected(ErrorCode::LimitExceeded,
                          "there are " + std::to_string(live_.size()) +
                              " jobs already; wait for some to end, or cancel them "
                              "(limits.jobs in the master's config.json)");
    }
    if (auto writable = check_store(); !writable) {
        return unexpected(ErrorCode::Unavailable,
                          "the job cannot be taken: " + writable.error().message);
    }
    FileNames files;
    const JobContext context{options_.root, nullptr,         request.from_command_line,
                             true,          &written_files_, &files};
    if (auto checked = type->check(request.params, context); !checked) {
        return unexpected(checked.error());
    }
    if (auto free = check_files_are_free(files); !free) return unexpected(free.error());
    store::JobRecord record;
    record.id = JobId{last_job_ + 1};
    record.type = request.type;
    record.name = request.name.empty() ? request.type : request.name;
    record.priority = request.priority;
    record.params = request.params.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    record.validation = request.validation;
    record.deadline_seconds = request.deadline_seconds;
    record.paths_anywhere = request.from_command_line;
    record.submitted_unix_ms = host_.unix_ms();
    record.submitted_steady_ms = steady_time_.ms(now());
    const JobId id{++last_job_};
    put_record(record);
    turn_.undoings.push_back([this, id] {
        // Its submitter is told that it was not taken.
        if (live_.contains(id)) end_job(id, store::JobState::Cancelled, {}, {});
    });
    be_due();
    live_.emplace(id, JobRun{record, now()}).first->second.file_names = std::move(files);
    log_within_budget("job submitted", "", spdlog::level::info, "job {} ({}) submitted", id.value,
                      printable(record.name));
    prepare(id, *type, std::move(request.params));
    return id;
}

/// Two jobs at a time must not leave their results in one file, nor one replace what another reads.
/// Of the named defaults the last one's stay: who names no file wants the newest.
Result<void> Engine::check_files_are_free(const FileNames& files) const {
    for (const std::string& name : files.writes) {
        if (data::is_named_default(name)) continue;
        for (const auto& [id, job] : live_) {
            const bool is_written = job.file_names.writes.contains(name);
            if (!is_written && !job.file_names.reads.contains(name)) continue;
            return unexpected(ErrorCode::InvalidArgument,
                              fmt::format("{}: job {}, which is not over, {} it; name another "
                                          "file, or wait until that job is over",
                                          name, id.value, is_written ? "writes" : "reads"));
        }
    }
    return {};
}

/// What the pool has written, for the record: also for a job that was cancelled meanwhile.
void Engine::put_written_files() {
    for (auto& [name, file] : written_files_.take_new()) {
        put(store::PutWrittenFile{{std::move(name), file.size, file.sha256}});
    }
}

/// Makes the job ready for its rounds, on the pool unless that is quick.
void Engine::prepare(JobId id, const JobType& type, nlohmann::json params) {
    JobRun& job = live_.at(id);
    job.held_blobs = std::make_shared<store::BlobHolder>(*options_.blobs);
    const JobContext context{options_.root, job.held_blobs.get(), job.record.paths_anywhere, true,
                             &written_files_};
    if (type.is_quick) return begin(id, type.prepare(params, context));
    job.phase = "reading data";
    host_.run_slow([this, id, &type, context, blobs = job.held_blobs,
                    params = std::move(params)]() -> EngineHost::Work {
        auto prepared = std::make_shared<Result<PreparedJob>>(type.prepare(params, context));
        return [this, id, prepared] {
            if (live_.contains(id)) begin(id, std::move(*prepared));
            // Else it was cancelled meanwhile.
        };
    });
}

void Engine::begin(JobId id, Result<PreparedJob> prepared) {
    JobRun& job = live_.at(id);
    job.phase.clear();
    if (!prepared) {
        end_job(id, store::JobState::Failed, {}, prepared.error());
        return job_is_ready();
    }
    job.validation = parse_validation(job.record.validation);
    const std::string inputs = inputs_json(prepared->inputs);
    if (!job.record.inputs.empty() && job.record.inputs != inputs) {
        end_job(id, store::JobState::Failed, {},
                Error{ErrorCode::InvalidArgument,
                      "its input has changed since it was submitted: it was " + job.record.inputs +
                          " and is " + inputs + "; put the file back and submit the job again"});
        return job_is_ready();
    }
    job.begin(std::move(*prepared));
    for (const std::string& note : job.notes) {
        log_within_budget("note of a job", "", spdlog::level::info, "job {}: {}", id.value, note);
    }
    if (scheduler_.available_worker_count() == 0) {
        log_within_budget("job that waits", "", spdlog::level::info, "job {} waits for workers",
                          id.value);
    }
    if (!resuming_.contains(id)) return begin_fresh(job);
    if (const auto taken_up = take_up(job); !taken_up) {
        end_job(id, store::JobState::Failed, {}, taken_up.error());
    }
    resuming_.erase(id);
    job_is_ready();
}

void Engine::begin_fresh(JobRun& job) {
    job.record.inputs = inputs_json(job.inputs());
    if (job.record.state != store::JobState::Paused) job.record.state = store::JobState::Running;
    put_record(job.record);
    put(store::PutCheckpoint{job.record.id, 0, job.states().front()});
    std::ignore = start_round(job, true, {});
}

/// False if the job has ended, and is gone, because the round has too many tasks.
bool Engine::start_round(JobRun& job, bool fresh, std::vector<core::PastLease> leases) {
    const JobId id = job.record.id;
    const auto round = job.start_round();
    if (round && round->task_count > options_.round_tasks_max) {
        end_job(id, store::JobState::Failed, {},
                Error{ErrorCode::LimitExceeded,
                      fmt::format("round {} has {} tasks, and {} are allowed "
                                  "(limits.tasks_per_job in the master's config.json)",
                                  job.round_index, round->task_count, options_.round_tasks_max)});
        return false;
    }
    if (round) {
        enqueue(core::RoundStarted{id, job.round_index, round->task_count, job.task_bytes(),
                                   job.record.priority, job.validation, fresh, std::move(leases),
                                   job.record.state == store::JobState::Paused});
    } else {
        enqueue(core::ProgramFinished{id, job.round_index});
    }
    return true;
}

/// Some outputs of a former round are in doubt: the program goes back to where that began.
void Engine::go_back(JobId id, RoundIndex round) {
    const auto found = live_.find(id);
    if (found == live_.end()) return;
    JobRun& job = found->second;
    if (job.is_finishing) {
        job.go_back_to = round;  // The program is being read on the pool.
        return;
    }
    auto back = job.go_back(round);
    if (!back) return end_job(id, store::JobState::Failed, {}, back.error());
    if (!start_round(job, false, {})) return;
    if (auto loaded = load_outputs(job); !loaded) {
        end_job(id, store::JobState::Failed, {}, loaded.error());
    }
}

/// Makes the result document, on the pool unless that is quick.
void Engine::finish(JobRun& job) {
    const JobId id = job.record.id;
    job.is_finishing = true;
    const bool is_quick = options_.find_job_type(job.record.type)->is_quick;
    if (is_quick) return finished(id, job.finish_step()());
    job.phase = "writing results";
    host_.run_slow([this, id, finish = job.finish_step()]() -> EngineHost::Work {
        auto result = std::make_shared<Result<nlohmann::json>>(finish());
        return [this, id, result] {
            put_written_files();
            if (live_.contains(id)) finished(id, std::move(*result));
            // Else it was cancelled meanwhile.
        };
    });
}

void Engine::finished(JobId id, Result<nlohmann::json> result) {
    JobRun& job = live_.at(id);
    job.is_finishing = false;
    job.phase.clear();
    if (job.go_back_to) {
        // A lie came to light while the result was made of it.
        const RoundIndex round = *std::exchange(job.go_back_to, std::nullopt);
        return go_back(id, round);
    }
    if (result) {
        put_receipt(job);
        end_job(id, store::JobState::Succeeded, std::move(*result), {});
    } else {
        end_job(id, store::JobState::Failed, {}, result.error());
    }
}

/// Who gave what in each round, from which anybody can compute it again.
void Engine::put_receipt(const JobRun& job) {
    const JobId id = job.record.id;
    ReceiptWork work;
    std::set<WorkerId> authors;
    const auto rounds = scheduler_.outputs(id);
    for (RoundIndex round = 0; round < job.states().size() && round < rounds.size(); ++round) {
        const KernelName& kernel = job.kernels().at(round);
        ReceiptRound& told = work.rounds.emplace_back();
        told.kernel = kernel.name;
        told.kernel_version = kernel.version;
        told.state = job.states()[round];
        told.outputs.reserve(rounds[round].size());
        for (const core::PastOutput& output : rounds[round]) {
            told.outputs.push_back({output.worker, output.sha256, output.confirmed});
            if (output.worker != WorkerId{}) authors.insert(output.worker);
        }
    }
    for (const WorkerId author : authors) {
        // One of a former master may be forgotten, where others have confirmed what it gave.
        const auto found = workers_.find(author);
        const WorkerInfo& worker = found == workers_.end() ? WorkerInfo{} : found->second;
        work.workers.push_back({author, worker.key, worker.name,
                                std::string{protocol::worker_kind_name(worker.kind)}});
    }
    put(store::PutReceipt{id, encode_receipt_work(work)});
}

/// Takes a job out of the running ones. Who waits for its end is told when that is written down.
void Engine::end_job(JobId id, store::JobState state, nlohmann::json result,
                     std::optional<Error> error) {
    const auto found = live_.find(id);
    JobRun job = std::move(found->second);
    live_.erase(found);
    // Also one that is cancelled, or too late, before it was ready to go on.
    if (resuming_.erase(id) != 0) job_is_ready();
    store::JobRecord record = job.record;
    record.state = state;
    record.elapsed_seconds = seconds_since_submission(job);
    if (const auto round = scheduler_.round(id)) record.slot_seconds = round->slot_seconds;
    record.tasks_done = job.tasks_done;
    if (!result.is_null()) record.result = result.dump();
    record.error = std::move(error);
    put_record(record);
    job.record.tasks_done = record.tasks_done;
    job.record.elapsed_seconds = record.elapsed_seconds;
    job.record.slot_seconds = record.slot_seconds;
    ending_[id] = std::move(job.record);
    enqueue(core::JobEnded{id});
    promise([this, record] {
        ending_.erase(record.id);
        log_within_budget("job that is over", "", spdlog::level::info,
                          "job {} ({}): {} after {:.3f} s{}", record.id.value,
                          printable(record.name), store::job_state_name(record.state),
                          record.elapsed_seconds,
                          record.error ? ": " + printable(record.error->message, 1000) : "");
        const auto watching = watchers_.find(record.id);
        if (watching == watchers_.end()) return;
        const auto callbacks = std::move(watching->second);
        watchers_.erase(watching);
        for (const auto& callback : callbacks) callback(record);
    });
}

void Engine::end_late_jobs() {
    std::vector<JobId> late;
    for (const auto& [id, job] : live_) {
        const double deadline = job.record.deadline_seconds;
        if (deadline > 0 && seconds_since_submission(job) >= deadline) late.push_back(id);
    }
    for (const JobId id : late) {
        end_job(id, store::JobState::Failed, {},
                Error{ErrorCode::Unavailable,
                      fmt::format("its deadline has passed: {} s after it was submitted; give it "
                                  "more time, a higher priority or more workers",
                                  live_.at(id).record.deadline_seconds)});
    }
}

void Engine::put_record(const store::JobRecord& record) {
    put(store::PutJob{record});
}

// ---- What users ask for -------------------------------------------------------------------------

Error Engine::over_or_unknown(JobId id) const {
    const auto record = this->record(id);
    const std::string name = "job " + std::to_string(id.value);
    if (ending_.contains(id)) return {ErrorCode::InvalidArgument, name + ": it is ending"};
    if (!record) return {ErrorCode::NotFound, name + ": there is no such job"};
    return {ErrorCode::InvalidArgument,
            name + ": it is over already: " + std::string{store::job_state_name(record->state)}};
}

/// Users are promised only what is written down.
Result<void> Engine::check_store() const {
    if (store_trouble().empty()) return {};
    return unexpected(ErrorCode::Unavailable, "nothing can be written down: " + store_trouble());
}

Result<void> Engine::cancel(JobId id) {
    if (!live_.contains(id)) return unexpected(over_or_unknown(id));
    if (auto writable = check_store(); !writable) return writable;
    end_job(id, store::JobState::Cancelled, {}, {});
    return {};
}

Result<void> Engine::pause(JobId id, bool paused) {
    const auto found = live_.find(id);
    if (found == live_.end()) return unexpected(over_or_unknown(id));
    if (auto writable = check_store(); !writable) return writable;
    JobRun& job = found->second;
    const auto going = job.begun() ? store::JobState::Running : store::JobState::Queued;
    job.record.state = paused ? store::JobState::Paused : going;
    put_record(job.record);
    enqueue(core::JobPaused{id, paused});
    log_within_budget("job that is held back", "", spdlog::level::info, "job {} ({}) {}", id.value,
                      printable(job.record.name), paused ? "pauses" : "goes on");
    return {};
}

Result<void> Engine::prioritize(JobId id, std::int32_t priority) {
    const auto found = live_.find(id);
    if (found == live_.end()) return unexpected(over_or_unknown(id));
    if (auto writable = check_store(); !writable) return writable;
    found->second.record.priority = priority;
    put_record(found->second.record);
    enqueue(core::JobPrioritized{id, priority});
    return {};
}

}  // namespace netcompute::engine
