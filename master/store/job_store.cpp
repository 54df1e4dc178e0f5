#include "store/job_store.hpp"

#include <functional>
#include <limits>
#include <map>
#include <utility>

namespace netcompute::store {
namespace {

Result<void> each_entry(const JobStore& store, JobId id, RoundIndex round,
                        const std::function<void(const RoundEntry&)>& take) {
    constexpr std::size_t rows_max = 64;
    std::uint64_t from = 0;
    for (bool is_last = false; !is_last;) {
        const auto slice = store.slice(id, round, from, rows_max);
        if (!slice) return unexpected(slice.error());
        for (const RoundEntry& entry : slice->entries) take(entry);
        from = slice->next;
        is_last = slice->is_last;
    }
    return {};
}

}  // namespace

Result<JobWork> JobStore::work(JobId id) const {
    auto plan = this->plan(id);
    if (!plan) return unexpected(plan.error());
    auto leases = this->leases(id, {}, std::numeric_limits<std::size_t>::max());
    if (!leases) return unexpected(leases.error());
    JobWork work{std::move(plan->forgotten), std::move(plan->checkpoints), {}, std::move(*leases)};
    for (const RoundIndex round : plan->rounds) {
        std::map<TaskIndex, StoredVote> votes;
        auto done = each_entry(*this, id, round, [&](const RoundEntry& entry) {
            for (const OutputView& output : entry.outputs) {
                votes[output.index] = {
                    round, output.index, entry.worker, sha256(output.bytes), false, {}};
            }
            for (const TaskIndex index : entry.confirmed) {
                const auto vote = votes.find(index);
                if (vote == votes.end()) continue;
                vote->second.confirmed = true;
                vote->second.confirmer = entry.worker;
            }
        });
        if (!done) return unexpected(done.error());
        for (const auto& [index, vote] : votes) work.votes.push_back(vote);
    }
    return work;
}

Result<std::vector<StoredOutput>> JobStore::outputs(JobId id, RoundIndex round) const {
    std::map<TaskIndex, StoredOutput> last;
    auto done = each_entry(*this, id, round, [&](const RoundEntry& entry) {
        for (const OutputView& output : entry.outputs) {
            last[output.index] = {output.index, output.bytes, entry.owner};
        }
    });
    if (!done) return unexpected(done.error());
    std::vector<StoredOutput> outputs;
    outputs.reserve(last.size());
    for (auto& [index, output] : last) outputs.push_back(std::move(output));
    return outputs;
}

}  // namespace netcompute::store
