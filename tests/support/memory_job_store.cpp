#include "memory_job_store.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace netcompute::store {

Result<void> MemoryJobStore::commit(std::span<const Record> records, Durability) {
    for (const Record& record : records) {
        std::visit([this](const auto& one) { apply(one); }, record);
    }
    prune();
    return {};
}

void MemoryJobStore::apply(const PutJob& put) {
    Job& job = jobs_[put.job.id];
    job.record = put.job;
    last_job_ = std::max(last_job_, put.job.id);
    if (!is_final(put.job.state)) {
        if (job.ended != 0) ended_.erase(job.ended);
        job.ended = 0;
        return;
    }
    job.work = {};
    if (job.ended != 0) return;
    job.ended = ++last_ended_;
    ended_.emplace(job.ended, put.job.id);
}

void MemoryJobStore::apply(const PutWorker& put) {
    workers_[put.worker.id] = put.worker;
    last_worker_ = std::max(last_worker_, put.worker.id);
}

void MemoryJobStore::apply(const ForgetWorker& forget) {
    workers_.erase(forget.worker);
}

void MemoryJobStore::apply(const PutLease& put) {
    last_lease_ = std::max(last_lease_, put.lease.id);
    if (Work* const work = live_work(put.lease.job)) work->leases[put.lease.id] = put.lease;
}

void MemoryJobStore::apply(const PutOutputs& put) {
    Work* const work = live_work(put.job);
    if (work == nullptr || put.round < work->first_kept()) return;
    auto& round = work->outputs[put.round];
    for (const OutputView& output : put.outputs) {
        round[output.index] = {output.bytes, put.owner, put.worker, false, {}};
    }
}

void MemoryJobStore::apply(const ConfirmOutput& confirm) {
    Work* const work = live_work(confirm.job);
    if (work == nullptr) return;
    const auto round = work->outputs.find(confirm.round);
    if (round == work->outputs.end()) return;
    const auto output = round->second.find(confirm.index);
    if (output == round->second.end()) return;
    output->second.confirmed = true;
    output->second.confirmer = confirm.confirmer;
}

void MemoryJobStore::Work::erase_checkpoints(RoundIndex first, std::uint64_t end) {
    std::vector<Sha256> names;
    for (auto place = checkpoints.lower_bound(first);
         place != checkpoints.end() && place->first < end;) {
        names.insert(names.end(), place->second.blobs.begin(), place->second.blobs.end());
        place = checkpoints.erase(place);
    }
    erase_unnamed(names);
}

void MemoryJobStore::Work::erase_unnamed(const std::vector<Sha256>& names) {
    std::set<Sha256> named;
    for (const auto& [round, put] : checkpoints) named.insert(put.blobs.begin(), put.blobs.end());
    for (const Sha256& name : names) {
        if (!named.contains(name)) blobs.erase(name);
    }
}

void MemoryJobStore::apply(const PutBlob& put) {
    if (Work* const work = live_work(put.job)) work->blobs.emplace(put.sha256, put);
}

void MemoryJobStore::apply(const PutCheckpoint& put) {
    Work* const work = live_work(put.job);
    if (work == nullptr) return;
    const std::vector<Sha256> former = std::exchange(work->checkpoints[put.round], put).blobs;
    work->erase_unnamed(former);
    std::erase_if(work->leases, [&](const auto& lease) { return lease.second.round < put.round; });
}

void MemoryJobStore::apply(const RewindJob& rewind) {
    Work* const work = live_work(rewind.job);
    if (work == nullptr) return;
    const RoundIndex first = rewind.is_anew ? rewind.round : rewind.round + 1;
    work->erase_checkpoints(rewind.round + 1, std::numeric_limits<std::uint64_t>::max());
    work->outputs.erase(work->outputs.lower_bound(first), work->outputs.end());
    if (rewind.is_anew) {
        work->forgotten.erase(work->forgotten.lower_bound(rewind.round), work->forgotten.end());
    }
    work->leases.clear();
}

void MemoryJobStore::apply(const ForgetRound& forget) {
    Work* const work = live_work(forget.job);
    if (work == nullptr) return;
    work->forgotten[forget.round] = forget.told;
    work->outputs.erase(work->outputs.begin(), work->outputs.upper_bound(forget.round));
}

void MemoryJobStore::apply(const DropCheckpoint& drop) {
    Work* const work = live_work(drop.job);
    if (work != nullptr) work->erase_checkpoints(drop.round, std::uint64_t{drop.round} + 1);
}

void MemoryJobStore::apply(const PutReceipt& put) {
    const auto job = jobs_.find(put.job);
    if (job == jobs_.end()) return;
    std::optional<Bytes>& receipt = job->second.receipt;
    receipt_bytes_ -= receipt ? receipt->size() : 0;
    receipt = put.bytes;
    receipt_bytes_ += put.bytes.size();
}

void MemoryJobStore::apply(const PutWrittenFile& put) {
    written_files_[put.file.name] = put.file;
}

void MemoryJobStore::apply(const PutTrial& put) {
    Work* const work = live_work(put.trial.job);
    if (work == nullptr) return;
    work->trial = put.trial.says_nothing() ? JobTrial{} : put.trial;
}

void MemoryJobStore::prune() {
    while (ended_.size() > limits_.ended_jobs_max) forget_job(ended_.begin()->second);
    for (auto place = ended_.begin();
         receipt_bytes_ > limits_.receipt_bytes_max && place != ended_.end();) {
        const JobId id = (place++)->second;
        if (jobs_.at(id).receipt) forget_job(id);
    }
}

void MemoryJobStore::forget_job(JobId id) {
    const auto job = jobs_.find(id);
    receipt_bytes_ -= job->second.receipt ? job->second.receipt->size() : 0;
    ended_.erase(job->second.ended);
    jobs_.erase(job);
}

MemoryJobStore::Work* MemoryJobStore::live_work(JobId id) {
    const auto job = jobs_.find(id);
    return job == jobs_.end() || job->second.ended != 0 ? nullptr : &job->second.work;
}

const MemoryJobStore::Work* MemoryJobStore::live_work(JobId id) const {
    const auto job = jobs_.find(id);
    return job == jobs_.end() || job->second.ended != 0 ? nullptr : &job->second.work;
}

std::optional<JobRecord> MemoryJobStore::job(JobId id) const {
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return std::nullopt;
    return found->second.record;
}

std::vector<JobRecord> MemoryJobStore::jobs() const {
    std::vector<JobRecord> jobs;
    jobs.reserve(jobs_.size());
    for (const auto& [id, job] : jobs_) jobs.push_back(job.record);
    return jobs;
}

std::optional<JobId> MemoryJobStore::job_of_key(std::string_view key) const {
    const auto found = std::ranges::find_if(jobs_.rbegin(), jobs_.rend(), [&](const auto& each) {
        return each.second.record.idempotency_key == key;
    });
    return found == jobs_.rend() ? std::nullopt : std::optional{found->first};
}

std::vector<JobRecord> MemoryJobStore::newest_ended(std::size_t count_max) const {
    std::vector<JobRecord> jobs;
    for (auto place = ended_.rbegin(); place != ended_.rend() && jobs.size() < count_max; ++place) {
        jobs.push_back(shortened(jobs_.at(place->second).record));
    }
    return jobs;
}

std::vector<JobRecord> MemoryJobStore::ended_jobs(const EndedJobsQuery& query) const {
    const auto lower = [](std::string text) {
        for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        return text;
    };
    std::vector<JobRecord> found;
    for (auto one = jobs_.rbegin(); one != jobs_.rend() && found.size() < query.count_max; ++one) {
        const auto& [id, job] = *one;
        const std::string words =
            std::to_string(id.value) + " " + job.record.type + " " + job.record.name;
        const bool fits = job.ended != 0 && (!query.before || id < *query.before) &&
                          (!query.state || job.record.state == *query.state) &&
                          lower(words).find(lower(query.text)) != std::string::npos;
        if (fits) found.push_back(shortened(job.record));
    }
    return found;
}

std::vector<WorkerRecord> MemoryJobStore::workers() const {
    std::vector<WorkerRecord> workers;
    workers.reserve(workers_.size());
    for (const auto& [id, worker] : workers_) workers.push_back(worker);
    return workers;
}

Result<JobPlan> MemoryJobStore::plan(JobId id) const {
    JobPlan found;
    const Work* const work = live_work(id);
    if (work == nullptr) return found;
    for (const auto& [round, told] : work->forgotten) found.forgotten.push_back({round, told});
    for (const auto& [round, put] : work->checkpoints)
        found.checkpoints.push_back({round, put.sha256});
    for (const auto& [round, outputs] : work->outputs) found.rounds.push_back(round);
    return found;
}

Result<std::shared_ptr<const Bytes>> MemoryJobStore::checkpoint(JobId id, RoundIndex round) const {
    const Work* const work = live_work(id);
    const auto found =
        work == nullptr ? decltype(work->checkpoints.end()){} : work->checkpoints.find(round);
    if (work != nullptr && found != work->checkpoints.end()) return found->second.state;
    return unexpected(ErrorCode::Internal, "there is no checkpoint of that round");
}

Result<ReadBytes> MemoryJobStore::blob(JobId id, const Sha256& sha256) const {
    const Work* const work = live_work(id);
    const auto found = work == nullptr ? decltype(work->blobs.end()){} : work->blobs.find(sha256);
    if (work == nullptr || found == work->blobs.end()) {
        return unexpected(ErrorCode::Internal, "there is no blob of that name");
    }
    const ByteSpan bytes = found->second.bytes;
    return ReadBytes{
        [bytes, owner = found->second.owner]() -> Result<std::shared_ptr<const Bytes>> {
            return std::make_shared<const Bytes>(bytes.begin(), bytes.end());
        }};
}

Result<RoundSlice> MemoryJobStore::slice(JobId id, RoundIndex round, std::uint64_t from,
                                         std::size_t rows_max) const {
    RoundSlice found;
    const Work* const work = live_work(id);
    if (work == nullptr) return found;
    const auto outputs = work->outputs.find(round);
    if (outputs == work->outputs.end()) return found;
    auto place = outputs->second.lower_bound(static_cast<TaskIndex>(from));
    for (; place != outputs->second.end() && rows_max > 0; ++place, --rows_max) {
        const auto& [index, output] = *place;
        found.entries.push_back({output.worker, {{index, output.bytes}}, output.owner, {}});
        found.next = std::uint64_t{index} + 1;
        if (output.confirmed) found.entries.push_back({output.confirmer, {}, nullptr, {index}});
    }
    found.is_last = place == outputs->second.end();
    return found;
}

Result<std::vector<LeaseRecord>> MemoryJobStore::leases(JobId id, LeaseId from,
                                                        std::size_t count_max) const {
    std::vector<LeaseRecord> found;
    const Work* const work = live_work(id);
    if (work == nullptr) return found;
    RoundIndex last_round = 0;
    for (const auto& [lease_id, lease] : work->leases) {
        last_round = std::max(last_round, lease.round);
    }
    for (auto lease = work->leases.lower_bound(from);
         lease != work->leases.end() && found.size() < count_max; ++lease) {
        if (lease->second.round == last_round) found.push_back(lease->second);
    }
    return found;
}

std::vector<WrittenFileRecord> MemoryJobStore::written_files() const {
    std::vector<WrittenFileRecord> files;
    files.reserve(written_files_.size());
    for (const auto& [name, file] : written_files_) files.push_back(file);
    return files;
}

std::vector<JobTrial> MemoryJobStore::trials() const {
    std::vector<JobTrial> trials;
    for (const auto& [id, job] : jobs_) {
        if (!job.work.trial.says_nothing()) trials.push_back(job.work.trial);
    }
    return trials;
}

std::optional<Bytes> MemoryJobStore::receipt(JobId id) const {
    const auto found = jobs_.find(id);
    return found == jobs_.end() ? std::nullopt : found->second.receipt;
}

}  // namespace netcompute::store
