#include "engine/engine.hpp"
#include "engine/validation_policy.hpp"
#include "engine/within_memory.hpp"
#include "store/job_texts.hpp"
#include <netcompute/logging.hpp>
#include <netcompute/printable.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>

namespace netcompute::engine {
namespace {

/// Ended jobs are kept for long, so their errors must be short.
std::string shortened(std::string message) {
    constexpr std::size_t message_bytes_max = 4096;
    constexpr std::string_view mark = "… (cut)";
    if (message.size() <= message_bytes_max) return message;
    std::size_t size = message_bytes_max - mark.size();
    while (size > 0 && (static_cast<unsigned char>(message[size]) & 0xc0U) == 0x80U) --size;
    message.resize(size);
    return message.append(mark);
}

std::string params_text(const JobRequest& request) {
    return request.params.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

/// The job that was submitted with this key before, if there is one. Errors: Conflict where that
/// was another one.
Result<std::optional<JobId>> Engine::find_repeated(const JobRequest& request) {
    const std::string& key = request.idempotency_key;
    if (key.empty()) return std::optional<JobId>{};
    std::optional<store::JobRecord> before;
    for (const auto& [id, job] : live_) {
        if (job.record.idempotency_key == key) before = job.record;
    }
    for (const auto& [id, ended] : ending_) {
        if (ended.idempotency_key == key) before = ended;
    }
    if (!before) {
        if (const auto id = jobs_.job_of_key(key)) before = record(*id);
    }
    if (!before) return std::optional<JobId>{};
    if (before->type == request.type && before->params == params_text(request)) {
        return std::optional{before->id};
    }
    return unexpected(ErrorCode::Conflict,
                      "Idempotency-Key: job " + std::to_string(before->id.value) +
                          " was submitted with this key, and is another one; give each job a key "
                          "of its own");
}

Result<JobId> Engine::submit(JobRequest request) {
    const auto repeated = find_repeated(request);
    if (!repeated) return unexpected(repeated.error());
    if (*repeated) return **repeated;
    const JobType* const type = options_.find_job_type(request.type);
    if (type == nullptr) {
        return unexpected(ErrorCode::InvalidArgument, "type: \"" + request.type + "\" is unknown");
    }
    // A parent may always have one live child, whatever the limit.
    const bool is_first_child =
        request.parent != JobId{} && live_.at(request.parent).children->live == 0;
    if (live_.size() >= options_.live_jobs_max && !is_first_child) {
        return unexpected(ErrorCode::LimitExceeded,
                          "there are " + std::to_string(live_.size()) +
                              " jobs already; wait for some to end, or cancel them "
                              "(limits.jobs in the master's config.json)");
    }
    if (auto writable = check_store(); !writable) {
        return unexpected(ErrorCode::Unavailable,
                          "the job cannot be taken: " + writable.error().message);
    }
    const auto before = jobs_before(request, *type);
    if (!before) return unexpected(before.error());
    const auto from_jobs = inputs_from_jobs(*type, request.params, {});
    if (!from_jobs) return unexpected(from_jobs.error());
    FileNames files;
    JobContext context{.root = options_.root,
                       .paths_anywhere = request.from_command_line,
                       .written = &written_files_,
                       .names = &files,
                       .from_jobs = *from_jobs,
                       .only_named_outputs = request.parent != JobId{}};
    std::set<JobId> waits_for;
    for (const JobId job : *before) {
        const auto found = live_.find(job);
        if (found == live_.end()) continue;
        waits_for.insert(job);
        context.awaited_files.merge(std::set<std::string>{found->second.file_names.writes});
    }
    if (auto checked = type->check(request.params, context); !checked) {
        return unexpected(checked.error());
    }
    const JobId next{last_job_ + 1};
    if (auto free = check_files_are_free(next, files, waits_for); !free) {
        return unexpected(free.error());
    }
    const auto tasks = known_tasks(*type, request.params, context);
    if (!tasks) return unexpected(tasks.error());
    if (auto fits = check_live_tasks(*tasks); !fits && !is_first_child) {
        return unexpected(fits.error());
    }
    store::JobRecord record;
    record.id = next;
    record.after = {before->begin(), before->end()};
    record.parent = request.parent;
    record.child_index = request.child_index;
    record.type = request.type;
    record.name = request.name.empty() ? request.type : request.name;
    record.priority = request.priority;
    record.params = params_text(request);
    record.idempotency_key = request.idempotency_key;
    record.validation = request.validation;
    record.deadline_seconds = request.deadline_seconds;
    record.paths_anywhere = request.from_command_line;
    record.submitted_unix_ms = host_.unix_ms();
    record.submitted_steady_ms = steady_time_.ms(now());
    const JobId id{++last_job_};
    put_record(record);
    // A user is told where it was not taken; a job that submits others goes on once it can be.
    if (request.parent == JobId{}) {
        turn_.undoings.push_back([this, id] {
            if (live_.contains(id)) end_job(id, store::JobState::Cancelled, {}, {});
        });
    }
    be_due();
    JobRun& job = live_.emplace(id, JobRun{record, now(), *options_.blobs}).first->second;
    job.file_names = std::move(files);
    job.waits_for = std::move(waits_for);
    link(job);
    log_within_budget("job submitted", "", spdlog::level::info, "job {} ({}) submitted", id.value,
                      printable(record.name));
    if (!job.waits_for.empty()) return id;
    if (!type->is_quick) begin_step(id, store::HeavyStep::Preparing);
    prepare(id, *type, std::move(request.params));
    return id;
}

/// No two live jobs may write the same file, and none may replace a file that another one reads.
/// Of the named defaults the last one's stay: who names no file wants the newest.
Result<void> Engine::check_files_are_free(JobId own, const FileNames& files,
                                          const std::set<JobId>& passed_over) const {
    for (const std::string& name : files.writes) {
        if (data::is_named_default(name)) continue;
        for (const auto& [id, job] : live_) {
            // Those that come before it are over when it begins, and then this is asked again.
            if (id == own || passed_over.contains(id) || job.waits_for.contains(own)) continue;
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

/// How many tasks the job's first round will have, as far as that can be told at once; else 0.
Result<std::uint64_t> Engine::known_tasks(const JobType& type, const nlohmann::json& params,
                                          const JobContext& context) const {
    if (!type.is_quick) return std::uint64_t{0};
    const auto prepared = within_memory([&] { return type.prepare(params, context); });
    if (!prepared) return unexpected(prepared.error());
    const auto round = prepared->program->round();
    return std::uint64_t{round ? round->task_count : 0};
}

/// Small rounds do not count: however much big jobs take, there is room for them. There are
/// live_jobs_max of them at most.
std::uint64_t Engine::counted_tasks(std::uint64_t round_tasks) const {
    return round_tasks > options_.small_round_tasks_max ? round_tasks : 0;
}

std::uint64_t Engine::live_tasks() const {
    std::uint64_t tasks = 0;
    for (const auto& [id, job] : live_) tasks += counted_tasks(job.round_tasks());
    return tasks;
}

/// Each live task takes memory, at the latest when it is done. `more`: in a round that is not begun
/// yet.
Result<void> Engine::check_live_tasks(std::uint64_t more) const {
    const std::uint64_t tasks = live_tasks() + counted_tasks(more);
    if (tasks <= options_.live_tasks_max) return {};
    return unexpected(
        ErrorCode::LimitExceeded,
        fmt::format("the jobs that are not over would have {} tasks together, and {} are allowed; "
                    "wait for some to end, or cancel them (limits.tasks in the master's "
                    "config.json; rounds of up to {} tasks do not count)",
                    tasks, options_.live_tasks_max, options_.small_round_tasks_max));
}

/// Makes the job ready for its rounds, on the pool unless that is quick.
void Engine::prepare(JobId id, const JobType& type, nlohmann::json params) {
    JobRun& job = live_.at(id);
    job.held_blobs = std::make_shared<store::BlobHolder>(*options_.blobs);
    JobContext context = context_of(job);
    context.blobs = job.held_blobs.get();
    context.datasets = options_.datasets;
    context.outputs = job.outputs_written;
    auto from_jobs = inputs_from_jobs(type, params, job.record.inputs);
    if (!from_jobs) return end_job(id, store::JobState::Failed, {}, from_jobs.error());
    context.from_jobs = std::move(*from_jobs);
    if (type.is_quick) {
        return begin(id, within_memory([&] { return type.prepare(params, context); }));
    }
    job.phase = "reading data";
    host_.run_slow([this, id, &type, context, blobs = job.held_blobs,
                    params = std::move(params)]() -> EngineHost::Work {
        auto prepared = std::make_shared<Result<PreparedJob>>(
            within_memory([&] { return type.prepare(params, context); }));
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
        return end_job(id, store::JobState::Failed, {}, prepared.error());
    }
    job.validation = parse_validation(job.record.validation);
    // As the store keeps them: what is no UTF-8 in a path is replaced there.
    const std::string inputs = store::job_files_text(prepared->inputs);
    const std::string known = store::job_files_text(job.record.inputs);
    if (!known.empty() && known != inputs) {
        return end_job(
            id, store::JobState::Failed, {},
            Error{ErrorCode::InvalidArgument,
                  "its input has changed since it was submitted: it was " + known + " and is " +
                      inputs + "; put the file back and submit the job again"});
    }
    job.begin(std::move(*prepared));
    for (const std::string& note : job.notes) {
        log_within_budget("note of a job", "", spdlog::level::info, "job {}: {}", id.value, note);
    }
    if (scheduler_.available_worker_count() == 0) {
        log_within_budget("job that waits", "", spdlog::level::info, "job {} waits for workers",
                          id.value);
    }
    if (job.children) return begin_parent(job);
    if (!resuming_.contains(id)) return begin_fresh(job);
    const auto taken_up = within_memory([&] { return take_up(job); });
    if (!taken_up) end_job(id, store::JobState::Failed, {}, taken_up.error());
}

void Engine::begin_fresh(JobRun& job) {
    const JobId id = job.record.id;
    if (!make_room(job)) return;
    step_is_over(id);
    job.record.inputs = job.inputs();
    if (job.record.state != store::JobState::Paused) job.record.state = store::JobState::Running;
    put_record(job.record);
    for (store::Record& one : job.take_checkpoint()) put(std::move(one));
    announce_round(job, true);
    if (resuming_.erase(id) != 0) job_is_ready();
}

/// Takes a job out of the running ones. Who waits for its end is told when that is written down.
void Engine::end_job(JobId id, store::JobState state, nlohmann::json result,
                     std::optional<Error> error) {
    const auto found = live_.find(id);
    JobRun job = std::move(found->second);
    live_.erase(found);
    loads_.erase(id);
    trials_.erase(id);  // In the store it goes with the job.
    // Also one that is cancelled, or too late, before it was ready to go on.
    if (resuming_.erase(id) != 0) job_is_ready();
    store::JobRecord record = job.record;
    record.state = state;
    record.elapsed_seconds = seconds_since_submission(job);
    if (const auto round = scheduler_.round(id)) record.slot_seconds = round->slot_seconds;
    record.tasks_done = job.tasks_done;
    if (state == store::JobState::Succeeded && result.is_object()) {
        record.outputs = job.outputs_written->listed(result);
    }
    if (!result.is_null()) record.result = result.dump();
    if (error) record.error = Error{error->code, shortened(std::move(error->message))};
    put_record(record);
    job.record.tasks_done = record.tasks_done;
    job.record.elapsed_seconds = record.elapsed_seconds;
    job.record.slot_seconds = record.slot_seconds;
    ending_[id] = std::move(job.record);
    ends_[id] = record;
    unsettled_ends_.push_back(record);
    enqueue(core::JobEnded{id});
    promise([this, record] {
        ending_.erase(record.id);
        ends_.erase(record.id);
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
        if (!live_.contains(id)) continue;
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
    if (ending_.contains(id)) return {ErrorCode::Conflict, name + ": it is ending"};
    if (!record) return {ErrorCode::NotFound, name + ": there is no such job"};
    return {ErrorCode::Conflict,
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
    if (const auto made = children_.find(id); made != children_.end()) {
        for (const JobId child : made->second) std::ignore = pause(child, paused);
    }
    if (!job.held.empty() && !paused) {
        release(job);
        return {};
    }
    const auto going = job.begun() ? store::JobState::Running : store::JobState::Queued;
    job.record.state = paused ? store::JobState::Paused : going;
    put_record(job.record);
    if (job.children && !paused) submit_children(job);
    if (!live_.contains(id)) return {};
    enqueue(core::JobPaused{id, paused});
    log_within_budget("job that is held back", "", spdlog::level::info, "job {} ({}) {}", id.value,
                      printable(job.record.name), paused ? "pauses" : "goes on");
    return {};
}

Result<void> Engine::prioritize(JobId id, std::int32_t priority) {
    const auto found = live_.find(id);
    if (found == live_.end()) return unexpected(over_or_unknown(id));
    if (auto writable = check_store(); !writable) return writable;
    if (const auto made = children_.find(id); made != children_.end()) {
        for (const JobId child : made->second) std::ignore = prioritize(child, priority);
    }
    found->second.record.priority = priority;
    put_record(found->second.record);
    enqueue(core::JobPrioritized{id, priority});
    return {};
}

}  // namespace netcompute::engine
