#include "engine/api_backend.hpp"

#include "engine/receipt.hpp"
#include "engine/validation_policy.hpp"
#include "jobs/job_files.hpp"
#include <netcompute/logging.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace netcompute::engine {
namespace {

/// What one frame of the feed shows; lists show the rest.
constexpr std::size_t dashboard_ended_jobs_max = 50;
constexpr std::size_t dashboard_live_jobs_max = 200;
constexpr std::size_t dashboard_workers_max = 1000;
constexpr std::size_t summary_bytes_max = 300;  ///< Of any one text in a list.
constexpr std::size_t notes_shown_max = 10;

/// Three decimals are enough for people, and change less often.
double rounded(double value) {
    return std::round(value * 1000) / 1000;
}

std::string short_text(std::string_view text) {
    return store::cut_text(text, summary_bytes_max);
}

nlohmann::json error_document(const Error& error) {
    return {{"code", error_code_name(error.code)}, {"message", error.message}};
}

/// {"fraction", "metrics": {NAME: …}}: of a job of one round its tasks tell the fraction, of
/// another one its program does, if it can.
nlohmann::json progress_document(const JobRun& job) {
    const programs::Progress& progress = job.progress();
    nlohmann::json document{{"fraction", nullptr}, {"metrics", nlohmann::json::object()}};
    if (progress.fraction)
        document["fraction"] = *progress.fraction;
    else if (!job.has_more_rounds() && job.tasks_total > 0)
        document["fraction"] =
            static_cast<double>(job.tasks_done) / static_cast<double>(job.tasks_total);
    for (const auto& [name, value] : progress.metrics) document["metrics"][name] = value;
    return document;
}

/// The remaining seconds at the current speed; nothing where that cannot be estimated.
std::optional<double> seconds_left(const JobRun& job, const core::RoundView& round, double rate,
                                   Instant now) {
    if (!job.has_more_rounds()) {
        if (rate <= 0) return std::nullopt;
        return (round.task_count - round.succeeded_count) / rate;
    }
    if (!job.progress().fraction || !job.pace_from) return std::nullopt;
    const auto [begun, fraction] = *job.pace_from;
    const double gained = *job.progress().fraction - fraction;
    if (gained <= 0) return std::nullopt;
    return (1 - *job.progress().fraction) * to_seconds(now - begun) / gained;
}

}  // namespace

ApiBackend::ApiBackend(Engine& engine, std::function<std::string()> join_url)
    : engine_{engine}, join_url_{std::move(join_url)} {}

void ApiBackend::set_worker_ports(std::uint16_t task, std::uint16_t result,
                                  std::uint16_t heartbeat) {
    worker_ports_ = {{"task", task}, {"result", result}, {"heartbeat", heartbeat}};
}

nlohmann::json ApiBackend::cluster() {
    std::map<std::string, std::uint32_t> by_state;
    std::map<std::string, std::uint32_t> by_kind{{"native", 0}, {"browser", 0}};
    for (const auto state :
         {core::WorkerState::Idle, core::WorkerState::Busy, core::WorkerState::Draining,
          core::WorkerState::Suspect, core::WorkerState::Lost}) {
        by_state[std::string{core::worker_state_name(state)}] = 0;
    }
    std::uint64_t slots = 0;
    for (const auto& [id, worker] : engine_.workers()) {
        const auto view = engine_.scheduler().worker(id);
        if (!view) continue;
        ++by_state[std::string{core::worker_state_name(view->state)}];
        if (view->state == core::WorkerState::Lost) continue;
        ++by_kind[std::string{protocol::worker_kind_name(worker.kind)}];
        slots += view->slots;
    }
    return {{"version", NETCOMPUTE_VERSION},
            {"ports", worker_ports_},
            {"uptime", rounded(to_seconds(engine_.now().time_since_epoch()))},
            {"workers",
             {{"native", by_kind["native"]},
              {"browser", by_kind["browser"]},
              {"connected", by_kind["native"] + by_kind["browser"]},
              {"by_state", by_state}}},
            {"slots", slots},
            {"join_url", join_url_()},
            {"jobs_live", engine_.live_jobs().size()},
            {"tasks_done", engine_.tasks_done()},
            {"tasks_per_second", rounded(engine_.tasks_per_second())}};
}

nlohmann::json ApiBackend::worker_document(WorkerInfo& worker) const {
    const auto view = engine_.scheduler().worker(worker.id);
    const Instant now = engine_.now();
    const Instant last_seen = view ? view->last_seen : worker.joined;
    const auto state = view ? view->state : core::WorkerState::Lost;
    return {{"id", worker.key},
            {"name", worker.name},
            {"kind", protocol::worker_kind_name(worker.kind)},
            {"version", worker.version},
            {"address", worker.address},
            {"slots", view ? view->slots : 0},
            {"state", core::worker_state_name(state)},
            {"cpu", worker.cpu < 0 ? nlohmann::json() : nlohmann::json(rounded(worker.cpu))},
            {"memory", worker.memory_bytes},
            {"validated", view ? view->validated : worker.validated},
            {"quarantined", short_text(worker.quarantined)},
            {"drained", worker.drained},
            {"tasks_processed", worker.tasks_done},
            {"processing_rate", rounded(worker.rate.per_second(now))},
            {"current_task", short_text(worker.current)},
            {"uptime", std::floor(to_seconds(now - worker.joined))},
            {"last_seen", std::floor(std::max(0.0, to_seconds(now - last_seen)))}};
}

std::optional<nlohmann::json> ApiBackend::worker(std::string_view id) {
    for (auto& [worker_id, worker] : engine_.workers()) {
        if (worker.key == id) return worker_document(worker);
    }
    return std::nullopt;
}

/// Of the workers that were proven wrong in the job; the id of one that is forgotten.
nlohmann::json ApiBackend::liar_names(const store::JobRecord& record) const {
    nlohmann::json names = nlohmann::json::array();
    for (const std::string& key : record.liars) {
        const auto known = std::find_if(engine_.workers().begin(), engine_.workers().end(),
                                        [&](const auto& entry) { return entry.second.key == key; });
        names.push_back(known == engine_.workers().end() ? key : known->second.name);
    }
    return names;
}

/// What checking the job's results took and found. `overhead`: tasks computed once more, for each
/// one that was needed.
nlohmann::json ApiBackend::validation_document(const store::JobRecord& record) const {
    const std::uint64_t extra = record.checks + record.audits;
    const double tasks = static_cast<double>(std::max<std::uint64_t>(record.tasks_done, 1));
    return {{"policy", validation_name(parse_validation(record.validation))},
            {"checks", record.checks},
            {"audits", record.audits},
            {"overhead", rounded(static_cast<double>(extra) / tasks)},
            {"liars", liar_names(record)}};
}

nlohmann::json ApiBackend::short_document(const store::JobRecord& record) const {
    nlohmann::json document = {
        {"id", record.id.value},
        {"type", record.type},
        {"name", record.name},
        {"priority", record.priority},
        {"state", store::job_state_name(record.state)},
        {"submitted_at", record.submitted_unix_ms},
        {"phase", ""},
        {"waiting_for", ""},
        {"elapsed", rounded(record.elapsed_seconds)},
        {"eta", nullptr},
        {"slot_seconds", rounded(record.slot_seconds)},
        {"tasks", {{"total", record.tasks_done}, {"done", record.tasks_done}, {"failed", 0}}},
        {"summary", short_text(record.result)},
        {"error", nullptr},
        {"deadline_seconds",
         record.deadline_seconds > 0 ? nlohmann::json(record.deadline_seconds) : nlohmann::json()},
        {"validation", validation_document(record)},
        {"after", nlohmann::json::array()},
        {"parent",
         record.parent != JobId{} ? nlohmann::json(record.parent.value) : nlohmann::json()},
        {"paused_because", ""}};
    for (const JobId before : record.after) document["after"].push_back(before.value);
    if (record.error) {
        document["error"] = error_document({record.error->code, short_text(record.error->message)});
    }
    return document;
}

nlohmann::json ApiBackend::record_document(const store::JobRecord& record) const {
    nlohmann::json document = short_document(record);
    document["params"] = jobs::shown_params(record);
    document["result"] =
        record.result.empty() ? nlohmann::json() : nlohmann::json::parse(record.result);
    if (record.error) document["error"] = error_document(*record.error);
    return document;
}

/// A live job's record with what it has done so far.
store::JobRecord ApiBackend::live_record(const JobRun& job) {
    store::JobRecord record = job.record;
    record.tasks_done = job.tasks_done;
    return record;
}

std::string ApiBackend::waiting_for(const JobRun& job, const std::optional<core::RoundView>& round,
                                    bool waits_for_workers) const {
    if (!engine_.store_trouble().empty()) return "disk space";
    if (job.record.state == store::JobState::Paused) return "";
    if (!job.waits_for.empty()) {
        std::string jobs;
        for (const JobId before : job.waits_for) {
            jobs += (jobs.empty() ? "job " : ", job ") + std::to_string(before.value);
        }
        return jobs;
    }
    if (waits_for_workers) return "workers";
    return round && round->waits_for_checker ? "another PC to check" : "";
}

nlohmann::json ApiBackend::live_document(JobRun& job) const {
    nlohmann::json document = live_short_document(job);
    document["params"] = jobs::shown_params(job.record);
    document["result"] = nullptr;
    document["notes"] = job.notes;
    if (job.begun()) document["progress"] = progress_document(job);
    return document;
}

nlohmann::json ApiBackend::live_short_document(JobRun& job) const {
    nlohmann::json document = short_document(job.record);
    const Instant now = engine_.now();
    const auto round = engine_.scheduler().round(job.record.id);
    const bool has_tasks = round && round->succeeded_count < round->task_count;
    const bool waits = has_tasks && engine_.scheduler().available_worker_count() == 0;
    const double rate = job.rate.per_second(now);
    document["elapsed"] = rounded(engine_.seconds_since_submission(job));
    if (round) document["slot_seconds"] = rounded(round->slot_seconds);
    document["phase"] = job.phase;
    document["waiting_for"] = waiting_for(job, round, waits);
    document["validation"] = validation_document(live_record(job));
    document["paused_because"] = job.held;
    if (!engine_.store_trouble().empty()) {
        document["state"] = store::job_state_name(store::JobState::Paused);
        document["paused_because"] = engine_.store_trouble();
    }
    document["round"] = job.round_index;
    document["rate"] = rounded(rate);
    document["tasks"] = {
        {"total", job.tasks_total}, {"done", job.tasks_done}, {"failed", job.tasks_failed}};
    if (has_tasks && !waits) {
        if (const auto eta = seconds_left(job, *round, rate, now)) document["eta"] = rounded(*eta);
    }
    document["notes"] = nlohmann::json::array();
    for (const std::string& note : job.notes) {
        if (document["notes"].size() == notes_shown_max) break;
        document["notes"].push_back(short_text(note));
    }
    return document;
}

std::optional<nlohmann::json> ApiBackend::job(JobId id) {
    const auto live = engine_.live_jobs().find(id);
    if (live != engine_.live_jobs().end()) return live_document(live->second);
    const auto record = engine_.record(id);
    if (!record) return std::nullopt;
    return record_document(*record);
}

Result<nlohmann::json> ApiBackend::job_result(JobId id) {
    const std::string name = "job " + std::to_string(id.value);
    const JobRun* const live = engine_.live_job(id);
    const auto record = live != nullptr ? live->record : engine_.record(id);
    if (!record) return unexpected(ErrorCode::NotFound, name + ": there is no such job");
    if (!store::is_final(record->state)) {
        return unexpected(
            ErrorCode::Conflict,
            name + ": it is not over yet: " + std::string{store::job_state_name(record->state)} +
                "; ask again, or with ?wait=SECONDS");
    }
    if (record->state == store::JobState::Succeeded) return nlohmann::json::parse(record->result);
    if (record->error) {
        return unexpected(ErrorCode::Conflict, name + " failed: " + record->error->message);
    }
    return unexpected(ErrorCode::Conflict, name + ": it was cancelled and has no result");
}

Result<std::vector<api::JobFile>> ApiBackend::job_files(JobId id) {
    const JobRun* const live = engine_.live_job(id);
    const auto record = live != nullptr ? live->record : engine_.record(id);
    if (!record) {
        return unexpected(ErrorCode::NotFound,
                          "job " + std::to_string(id.value) + ": there is no such job");
    }
    std::vector<api::JobFile> files;
    for (const store::JobOutput& output : record->outputs) {
        files.push_back({output.name, output.path, output.sha256});
    }
    return files;
}

Result<JobId> ApiBackend::submit(std::string_view body, std::string_view idempotency_key) {
    auto request = jobs::parse_job_request(body);
    if (!request) return unexpected(request.error());
    if (idempotency_key.size() > jobs::idempotency_key_bytes_max) {
        return unexpected(ErrorCode::InvalidArgument,
                          "Idempotency-Key: has " + std::to_string(idempotency_key.size()) +
                              " bytes; give at most " +
                              std::to_string(jobs::idempotency_key_bytes_max));
    }
    request->idempotency_key = idempotency_key;
    return engine_.submit(std::move(*request));
}

Result<void> ApiBackend::cancel(JobId id) {
    return engine_.cancel(id);
}

Result<void> ApiBackend::pause(JobId id, bool paused) {
    return engine_.pause(id, paused);
}

Result<void> ApiBackend::prioritize(JobId id, std::string_view body) {
    const auto priority = jobs::parse_priority_request(body);
    if (!priority) return unexpected(priority.error());
    return engine_.prioritize(id, *priority);
}

Result<WorkerId> ApiBackend::worker_id(std::string_view key) const {
    for (const auto& [id, worker] : engine_.workers()) {
        if (worker.key == key) return id;
    }
    return unexpected(ErrorCode::NotFound,
                      "worker " + std::string{key} + ": there is no such worker");
}

Result<void> ApiBackend::drain(std::string_view worker, bool drained) {
    const auto id = worker_id(worker);
    if (!id) return unexpected(id.error());
    return engine_.drain(*id, drained);
}

Result<void> ApiBackend::readmit(std::string_view worker) {
    const auto id = worker_id(worker);
    if (!id) return unexpected(id.error());
    return engine_.readmit(*id);
}

void ApiBackend::when_written(std::function<void(Result<void>)> callback) {
    engine_.when_written(std::move(callback));
}

bool ApiBackend::is_open(JobId id) const {
    return engine_.live_job(id) != nullptr || engine_.ending_jobs().contains(id);
}

Result<api::Backend::ReceiptMaker> ApiBackend::receipt(JobId id) {
    const std::string name = "job " + std::to_string(id.value);
    if (is_open(id)) {
        return unexpected(ErrorCode::NotFound,
                          name + ": it is not over yet; it leaves its receipt when it succeeds");
    }
    auto record = engine_.jobs().job(id);
    if (!record) return unexpected(ErrorCode::NotFound, name + ": there is no such job");
    auto bytes = engine_.jobs().receipt(id);
    if (!bytes) {
        return unexpected(ErrorCode::NotFound,
                          name + ": it is " + std::string{store::job_state_name(record->state)} +
                              " and has left no receipt; a job leaves one when it succeeds, "
                              "if it has at most 1000000 tasks");
    }
    return ReceiptMaker{[record = std::move(*record), bytes = std::move(*bytes)]() {
        const auto work = decode_receipt_work(bytes);
        return work ? Result<std::string>{receipt_text(record, *work)}
                    : Result<std::string>{unexpected(work.error())};
    }};
}

void ApiBackend::when_over(JobId id, std::function<void()> callback) {
    if (!is_open(id)) return callback();
    engine_.when_over(id,
                      [callback = std::move(callback)](const store::JobRecord&) { callback(); });
}

std::optional<api::BlobView> ApiBackend::blob(const Sha256& sha256) {
    auto file = engine_.blobs().find(sha256);
    if (file == nullptr) return std::nullopt;
    const ByteSpan bytes = file->bytes();
    return api::BlobView{bytes, std::move(file)};
}

std::string ApiBackend::metrics() {
    const nlohmann::json totals = cluster();
    std::string text;
    const auto add = [&text](std::string_view name, std::string_view type, std::string_view help,
                             const nlohmann::json& value) {
        text += "# HELP " + std::string{name} + " " + std::string{help} + "\n# TYPE " +
                std::string{name} + " " + std::string{type} + "\n" + std::string{name} + " " +
                value.dump() + "\n";
    };
    add("netcompute_uptime_seconds", "gauge", "Time since the master started.", totals["uptime"]);
    add("netcompute_tasks_done_total", "counter", "Tasks whose result counts.",
        totals["tasks_done"]);
    add("netcompute_tasks_per_second", "gauge", "Over about the last five seconds.",
        totals["tasks_per_second"]);
    add("netcompute_slots", "gauge", "Tasks that connected workers can run at a time.",
        totals["slots"]);
    add("netcompute_jobs_live", "gauge", "Jobs that are not over.", totals["jobs_live"]);
    if (const data::DatasetCatalog* const datasets = engine_.datasets()) {
        add("netcompute_tables_read_total", "counter", "Tables that were read from their files.",
            datasets->tables_read());
        add("netcompute_dataset_bytes", "gauge", "Tables that are kept for the next job.",
            datasets->bytes());
    }
    add("netcompute_workers_refused_total", "counter", "Workers that were not let in.",
        engine_.gateway().refused_count());
    add("netcompute_log_lines_left_out_total", "counter",
        "Lines that were over the budget for what strangers may write to the log.",
        log_lines_left_out());
    text += "# HELP netcompute_workers Workers by state.\n# TYPE netcompute_workers gauge\n";
    for (const auto& [state, count] : totals["workers"]["by_state"].items()) {
        text += "netcompute_workers{state=\"" + state + "\"} " + count.dump() + "\n";
    }
    return text;
}

nlohmann::json ApiBackend::dashboard_state() {
    nlohmann::json state = {{"cluster", cluster()},
                            {"workers", nlohmann::json::object()},
                            {"jobs", nlohmann::json::object()}};
    auto& workers = engine_.workers();
    for (auto one = workers.begin();
         one != workers.end() && state["workers"].size() < dashboard_workers_max; ++one) {
        auto& [id, worker] = *one;
        // When it was heard instead of how long ago: so a silent worker costs no patches.
        nlohmann::json& document = state["workers"][worker.key] = worker_document(worker);
        document.erase("uptime");
        document.erase("last_seen");
        const auto view = engine_.scheduler().worker(id);
        const Instant heard = view ? view->last_seen : worker.joined;
        document["heard_at"] = rounded(to_seconds(heard.time_since_epoch()));
    }
    auto& live = engine_.live_jobs();
    for (auto one = live.begin();
         one != live.end() && state["jobs"].size() < dashboard_live_jobs_max; ++one) {
        state["jobs"][std::to_string(one->first.value)] = live_short_document(one->second);
    }
    for (const auto& [id, record] : engine_.ending_jobs()) {
        state["jobs"][std::to_string(id.value)] = short_document(record);
    }
    for (const store::JobRecord& record : engine_.jobs().newest_ended(dashboard_ended_jobs_max)) {
        if (engine_.ending_jobs().contains(record.id)) continue;
        nlohmann::json& document = state["jobs"][std::to_string(record.id.value)] =
            short_document(record);
        document.erase("summary");
        // A longer one is on the job's own page, where the dashboard reads it.
        const bool is_whole = record.result.size() <= store::short_result_bytes_max;
        if (is_whole && !record.result.empty()) {
            document["result"] = nlohmann::json::parse(record.result);
        }
    }
    return state;
}

}  // namespace netcompute::engine
