#pragma once

#include "store/records.hpp"

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>

namespace netcompute::sim {

/// What was written down of tasks and their outputs, over all lives of the master. What has been
/// accepted once is not computed again, unless it came from a liar or its round's inputs changed.
class AcceptedWork {
 public:
    /// Told of each broken promise.
    using Report = std::function<void(std::string)>;

    explicit AcceptedWork(Report report) : report_{std::move(report)} {}

    /// These are in the store now.
    void add(std::span<const store::Record> records);
    /// These are all that is left in it.
    void start_again(std::span<const store::Record> records);

    [[nodiscard]] bool has_lease(LeaseId lease) const { return leases_.contains(lease); }

 private:
    struct Job {
        std::map<std::pair<RoundIndex, TaskIndex>, WorkerId> authors;
        bool was_corrected = false;  ///< Since its rounds were last cut off.
    };

    void add_one(const store::PutLease& put);
    void add_one(const store::PutOutputs& put);
    void add_one(const store::RewindJob& rewind);
    void add_one(const store::PutJob& put);
    template <typename T>
    void add_one(const T&) {}
    void note_liars(std::span<const store::Record> records);
    void broken(std::string what);

    Report report_;
    std::map<JobId, Job> jobs_;
    std::set<WorkerId> liars_;
    std::set<LeaseId> leases_;
    bool looks_ = true;  ///< False while what is left after a power cut is read.
};

}  // namespace netcompute::sim
