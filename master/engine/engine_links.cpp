#include "engine/engine.hpp"
#include "engine/within_memory.hpp"
#include "jobs/job_reference.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

/// How jobs hang together. A job that comes after others waits until they have succeeded. A job
/// that is made of other jobs submits them, a few at a time, and gathers their results; what it is
/// can be found out again from those, so the store keeps nothing of it but its children. The end of
/// a job and what that means for others are written down together.
namespace netcompute::engine {
namespace {

/// Of one job at a time: enough for many workers, and few enough to be listed.
constexpr std::size_t live_children_max = 64;
constexpr std::size_t children_max = 10'000;

std::string name_of(JobId id) {
    return "job " + std::to_string(id.value);
}

/// "job 3 (train) failed: why".
std::string told_end(const store::JobRecord& over, std::string_view which) {
    std::string text = name_of(over.id) + " (" + over.type + ")" + std::string{which} + " ";
    if (over.state == store::JobState::Cancelled) return text + "was cancelled";
    return text + "failed" + (over.error ? ": " + over.error->message : std::string{});
}

/// The file that a job read by this parameter when it was prepared before.
std::optional<store::JobFile> known_input(const std::vector<store::JobFile>& inputs,
                                          std::string_view name) {
    const auto found = std::ranges::find(inputs, name, &store::JobFile::name);
    if (found == inputs.end()) return std::nullopt;
    return store::JobFile{{}, found->path, found->sha256};
}

}  // namespace

// ---- Jobs that come after others ----------------------------------------------------------------

/// How a job ended; nothing if it is not over, or not known.
std::optional<store::JobRecord> Engine::end_of(JobId id) const {
    if (const auto found = ends_.find(id); found != ends_.end()) return found->second;
    auto record = jobs_.job(id);
    return record && store::is_final(record->state) ? record : std::nullopt;
}

/// Those that the request names. Errors: InvalidArgument for one that there is not, or that has not
/// succeeded.
Result<std::set<JobId>> Engine::jobs_before(const JobRequest& request, const JobType& type) const {
    const auto referenced = jobs::referenced_jobs(type.params, request.params);
    if (!referenced) return unexpected(referenced.error());
    std::set<JobId> before{request.after.begin(), request.after.end()};
    before.insert(referenced->begin(), referenced->end());
    for (const JobId id : before) {
        if (live_.contains(id)) continue;
        const auto end = end_of(id);
        if (!end) {
            return unexpected(ErrorCode::InvalidArgument,
                              "it comes after " + name_of(id) +
                                  ", and there is no such job; GET /api/v1/jobs lists those that "
                                  "there are");
        }
        if (end->state == store::JobState::Succeeded) continue;
        return unexpected(ErrorCode::InvalidArgument, told_end(*end, ", which it comes after,") +
                                                          "; submit that one again first");
    }
    return before;
}

/// What the params' references to files of jobs mean. `known_inputs`: the inputs of this job as it
/// read them before, if it did. Errors: NotFound, naming the parameter, for a file that there is
/// not.
Result<std::shared_ptr<const jobs::JobInputs>> Engine::inputs_from_jobs(
    const JobType& type, const nlohmann::json& params,
    const std::vector<store::JobFile>& known_inputs) const {
    auto inputs = std::make_shared<jobs::JobInputs>();
    for (const jobs::Param& param : type.params.of(params)) {
        const auto* const input = std::get_if<jobs::InputFile>(&param);
        if (input == nullptr || !params.contains(input->name)) continue;
        const nlohmann::json& value = params.at(std::string{input->name});
        if (!value.is_string() || !jobs::is_job_reference(value.get<std::string>())) continue;
        const auto text = value.get<std::string>();
        const auto about = [&](const Error& error) {
            return unexpected(error.code,
                              "params." + std::string{input->name} + ": " + error.message);
        };
        const auto reference = jobs::parse_job_reference(text);
        if (!reference) return about(reference.error());
        if (live_.contains(reference->job)) {
            (*inputs)[text] = std::nullopt;
            continue;
        }
        if (auto known = known_input(known_inputs, input->name)) {
            (*inputs)[text] = std::move(*known);
            continue;
        }
        const auto end = end_of(reference->job);
        if (!end) {
            return about({ErrorCode::NotFound, name_of(reference->job) +
                                                   " is not known (any more); name its file "
                                                   "by its path"});
        }
        auto output = jobs::find_output(*reference, end->outputs);
        if (!output) return about(output.error());
        (*inputs)[text] = std::move(*output);
    }
    return std::shared_ptr<const jobs::JobInputs>{std::move(inputs)};
}

/// For checking it, and as a beginning of that for preparing it.
JobContext Engine::context_of(const JobRun& job) {
    return {.root = options_.root,
            .paths_anywhere = job.record.paths_anywhere,
            .written = &written_files_,
            .only_named_outputs = job.record.parent != JobId{}};
}

/// So that it hears of the ends of others, and they of its own.
void Engine::link(const JobRun& job) {
    for (const JobId before : job.waits_for) followers_[before].insert(job.record.id);
    if (job.record.parent != JobId{}) children_[job.record.parent].insert(job.record.id);
}

/// All that it waited for has succeeded: it is as if it were submitted now.
void Engine::begin_after(JobId id) {
    JobRun& job = live_.at(id);
    if (!job.held.empty()) return;
    const JobType* const type = options_.find_job_type(job.record.type);
    const auto begun = [&]() -> Result<void> {
        if (type == nullptr) {
            return unexpected(ErrorCode::NotFound,
                              "type \"" + job.record.type + "\" is not one of this program's");
        }
        const auto params = nlohmann::json::parse(job.record.params);
        const auto from_jobs = inputs_from_jobs(*type, params, job.record.inputs);
        if (!from_jobs) return unexpected(from_jobs.error());
        FileNames files;
        JobContext context = context_of(job);
        context.names = &files;
        context.from_jobs = *from_jobs;
        if (auto checked = type->check(params, context); !checked) return checked;
        if (auto free = check_files_are_free(id, files, {}); !free) return free;
        job.file_names = std::move(files);
        return {};
    }();
    if (!begun) return end_job(id, store::JobState::Failed, {}, begun.error());
    if (!type->is_quick) begin_step(id, store::HeavyStep::Preparing);
    prepare(id, *type, nlohmann::json::parse(job.record.params));
}

// ---- What the end of a job means for others -----------------------------------------------------

void Engine::settle_ends() {
    while (!unsettled_ends_.empty()) {
        const store::JobRecord over = std::move(unsettled_ends_.front());
        unsettled_ends_.pop_front();
        settle(over);
    }
}

void Engine::settle(const store::JobRecord& over) {
    if (auto made = children_.extract(over.id)) {
        for (const JobId child : made.mapped()) {
            if (live_.contains(child)) end_job(child, store::JobState::Cancelled, {}, {});
        }
    }
    former_results_.erase(over.id);
    if (const auto of_parent = children_.find(over.parent); of_parent != children_.end()) {
        of_parent->second.erase(over.id);
    }
    const auto parent = live_.find(over.parent);
    if (parent != live_.end()) child_is_over(parent->second, over);
    auto waiting = followers_.extract(over.id);
    if (!waiting) return;
    for (const JobId id : waiting.mapped()) {
        const auto found = live_.find(id);
        if (found == live_.end()) continue;
        if (over.state != store::JobState::Succeeded) {
            end_job(id, store::JobState::Failed, {},
                    Error{ErrorCode::Unavailable, told_end(over, ", which it comes after,")});
            continue;
        }
        found->second.waits_for.erase(over.id);
        if (found->second.waits_for.empty()) begin_after(id);
    }
}

// ---- Jobs that are made of other jobs -----------------------------------------------------------

void Engine::begin_parent(JobRun& job) {
    const JobId id = job.record.id;
    step_is_over(id);
    job.record.inputs = job.inputs();
    if (job.record.state != store::JobState::Paused) job.record.state = store::JobState::Running;
    put_record(job.record);
    if (resuming_.erase(id) != 0) job_is_ready();
    ask_next_jobs(job);
}

void Engine::ask_next_jobs(JobRun& job) {
    const JobId id = job.record.id;
    job.is_away = true;
    run_heavy(id, store::HeavyStep::Finishing,
              [this, id, step = job.next_jobs_step()]() -> EngineHost::Work {
                  auto next = std::make_shared<Result<jobs::JobsOrResult>>(within_memory(step));
                  return [this, id, next] {
                      put_written_files();
                      if (!live_.contains(id)) return;  // It was cancelled meanwhile.
                      step_is_over(id);
                      be_due();
                      take_next_jobs(id, std::move(*next));
                  };
              });
}

void Engine::take_next_jobs(JobId id, Result<jobs::JobsOrResult> next) {
    JobRun& job = live_.at(id);
    job.is_away = false;
    if (!next) return end_job(id, store::JobState::Failed, {}, next.error());
    if (next->jobs.empty()) return end_job(id, store::JobState::Succeeded, next->result, {});
    Children& children = *job.children;
    if (children.requests.size() + next->jobs.size() > children_max) {
        return end_job(
            id, store::JobState::Failed, {},
            Error{ErrorCode::LimitExceeded,
                  fmt::format("it would submit {} jobs, and one job may submit {}",
                              children.requests.size() + next->jobs.size(), children_max)});
    }
    std::ranges::move(next->jobs, std::back_inserter(children.requests));
    children.results.resize(children.requests.size());
    job.tasks_total = children.requests.size();
    submit_children(job);
}

/// As many as may be live now; once all are over, asks what comes next.
void Engine::submit_children(JobRun& job) {
    const JobId id = job.record.id;
    Children& children = *job.children;
    if (job.is_away || job.record.state == store::JobState::Paused) return;
    while (children.next < children.requests.size() && children.live < live_children_max) {
        const auto taken = submit_child(job);
        if (!taken) {
            return end_job(
                id, store::JobState::Failed, {},
                Error{taken.error().code,
                      fmt::format("its job {} of {} ({}): {}", children.next + 1,
                                  children.requests.size(), children.requests[children.next].type,
                                  taken.error().message)});
        }
        if (!*taken) break;
        ++children.next;
    }
    job.tasks_done = children.done();
    if (children.done() == children.requests.size()) ask_next_jobs(job);
}

/// The next one, which may be there since a former master. False if it cannot be taken now.
Result<bool> Engine::submit_child(JobRun& job) {
    const JobId id = job.record.id;
    Children& children = *job.children;
    const auto index = static_cast<std::uint32_t>(children.next);
    auto& former = former_results_[id];
    if (const auto known = former.find(index); known != former.end()) {
        children.results[index] = std::move(known->second);
        former.erase(known);
        return true;
    }
    const auto is_this = [&](const store::JobRecord& child) {
        return child.parent == id && child.child_index == index;
    };
    // One that has ended in this turn is heard of in a moment.
    const bool is_there = std::ranges::any_of(unsettled_ends_, is_this) ||
                          std::ranges::any_of(children_[id], [&](JobId child) {
                              const auto found = live_.find(child);
                              return found != live_.end() && is_this(found->second.record);
                          });
    if (is_there) {
        ++children.live;
        return true;
    }
    JobRequest request = children.requests[index];
    request.parent = id;
    request.child_index = index;
    request.priority = job.record.priority;
    request.from_command_line = job.record.paths_anywhere;
    if (request.validation.empty()) request.validation = job.record.validation;
    const auto submitted = submit(std::move(request));
    if (submitted) {
        ++children.live;
        return true;
    }
    const bool is_for_now = submitted.error().code == ErrorCode::Unavailable ||
                            submitted.error().code == ErrorCode::LimitExceeded;
    if (is_for_now) return false;
    return unexpected(submitted.error());
}

void Engine::child_is_over(JobRun& parent, const store::JobRecord& child) {
    if (!parent.children) {
        // It is not taken up again yet, and will hear of it then.
        if (child.state == store::JobState::Succeeded) {
            former_results_[parent.record.id][child.child_index] = child.result;
            return;
        }
    } else if (child.state == store::JobState::Succeeded) {
        Children& children = *parent.children;
        if (child.child_index >= children.next) {
            former_results_[parent.record.id][child.child_index] = child.result;
            return;
        }
        children.results[child.child_index] = child.result;
        --children.live;
        return submit_children(parent);
    }
    end_job(parent.record.id, store::JobState::Failed, {},
            Error{child.error ? child.error->code : ErrorCode::Unavailable,
                  told_end(child, ", which it has submitted,")});
}

/// Those that could not be taken before: the disk was full, or there were too many jobs.
void Engine::submit_waiting_children() {
    std::vector<JobId> parents;
    for (const auto& [id, job] : live_) {
        if (job.children && job.children->next < job.children->requests.size()) {
            parents.push_back(id);
        }
    }
    for (const JobId id : parents) {
        const auto found = live_.find(id);
        if (found != live_.end()) submit_children(found->second);
    }
}

}  // namespace netcompute::engine
