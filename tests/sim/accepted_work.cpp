#include "accepted_work.hpp"

#include <limits>

namespace netcompute::sim {
namespace {

std::string task_name(JobId job, RoundIndex round, TaskIndex index) {
    return "task " + std::to_string(index) + " of round " + std::to_string(round) + " of job " +
           std::to_string(job.value);
}

}  // namespace

void AcceptedWork::add(std::span<const store::Record> records) {
    note_liars(records);
    for (const store::Record& record : records) {
        std::visit([this](const auto& one) { add_one(one); }, record);
    }
}

void AcceptedWork::start_again(std::span<const store::Record> records) {
    jobs_.clear();
    liars_.clear();
    leases_.clear();
    looks_ = false;
    add(records);
    looks_ = true;
}

/// Before anything else: that a worker lied is decided at once with what follows from it.
void AcceptedWork::note_liars(std::span<const store::Record> records) {
    for (const store::Record& record : records) {
        const auto* const put = std::get_if<store::PutWorker>(&record);
        if (put != nullptr && !put->worker.quarantined.empty()) liars_.insert(put->worker.id);
    }
}

void AcceptedWork::add_one(const store::PutLease& put) {
    const store::LeaseRecord& lease = put.lease;
    leases_.insert(lease.id);
    if (lease.is_check) return;
    const Job& job = jobs_[lease.job];
    for (const TaskIndex index : lease.tasks) {
        const auto output = job.authors.find({lease.round, index});
        if (output == job.authors.end() || liars_.contains(output->second)) continue;
        broken(task_name(lease.job, lease.round, index) +
               " is computed again though its output was written down");
    }
}

void AcceptedWork::add_one(const store::PutOutputs& put) {
    Job& job = jobs_[put.job];
    for (const store::OutputView& output : put.outputs) {
        const auto [entry, is_new] = job.authors.try_emplace({put.round, output.index}, put.worker);
        if (is_new) continue;
        if (!liars_.contains(entry->second)) {
            broken(task_name(put.job, put.round, output.index) + " was recorded twice");
        }
        entry->second = put.worker;
        job.was_corrected = true;
    }
}

void AcceptedWork::add_one(const store::RewindJob& rewind) {
    Job& job = jobs_[rewind.job];
    if (rewind.is_anew) {
        if (liars_.empty()) {
            broken("job " + std::to_string(rewind.job.value) +
                   " does forgotten rounds again though nobody lied");
        }
        job.authors.erase(job.authors.lower_bound({rewind.round, 0}), job.authors.end());
        return;
    }
    if (!std::exchange(job.was_corrected, false)) {
        broken("job " + std::to_string(rewind.job.value) +
               " throws its rounds away though nothing in them was wrong");
    }
    constexpr TaskIndex last = std::numeric_limits<TaskIndex>::max();
    job.authors.erase(job.authors.upper_bound({rewind.round, last}), job.authors.end());
}

void AcceptedWork::add_one(const store::PutJob& put) {
    if (store::is_final(put.job.state)) jobs_.erase(put.job.id);
}

void AcceptedWork::broken(std::string what) {
    if (looks_) report_(std::move(what));
}

}  // namespace netcompute::sim
