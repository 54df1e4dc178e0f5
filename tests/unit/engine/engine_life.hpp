#pragma once

#include "engine/engine.hpp"
#include "memory_job_store.hpp"
#include "temporary_folder.hpp"
#include <netcompute/programs/noop.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace netcompute::engine::life {

/// A host whose thread and pool do something when the test says so.
class SteppedHost final : public EngineHost {
 public:
    [[nodiscard]] Instant now() const override { return now_; }
    [[nodiscard]] std::int64_t unix_ms() const override { return 1'700'000'000'000; }
    void post(Work work) override { posted_.push_back(std::move(work)); }
    void run_slow(SlowWork work) override { slow_.push_back(std::move(work)); }
    /// The disk is as quick as the thread.
    void wait_for_disk(SlowWork work) override { posted_.push_back(work()); }
    void wake_at(Instant, Work) override {}
    void close() override {}

    /// False if there was nothing.
    bool run_one_posted() {
        if (posted_.empty()) return false;
        const Work work = std::move(posted_.front());
        posted_.pop_front();
        work();
        return true;
    }
    /// Until the engine's thread has nothing more to do.
    void run_thread() {
        while (run_one_posted()) {
        }
    }
    void run_one_slow() {
        const SlowWork work = std::move(slow_.front());
        slow_.pop_front();
        posted_.push_back(work());
    }
    /// And the pool.
    void run_all() {
        for (run_thread(); !slow_.empty(); run_thread()) run_one_slow();
    }
    [[nodiscard]] std::size_t slow_count() const { return slow_.size(); }

 private:
    Instant now_{std::chrono::seconds{1000}};
    std::deque<Work> posted_;
    std::deque<SlowWork> slow_;
};

/// One master after the other over one store, with a worker that does what it is given when the
/// test says so. A master dies without a word, unless it is stopped.
class EngineLife {
 public:
    EngineLife() {
        auto blobs = store::BlobStore::open(folder_.path());
        if (!blobs) throw std::runtime_error(blobs.error().message);
        blobs_ = std::move(*blobs);
        options.find_job_type = [this](std::string_view name) -> const JobType* {
            const auto own = types.find(name);
            return own == types.end() ? jobs::find_job_type(name) : &own->second;
        };
        options.blobs = blobs_.get();
        options.root = folder_.path();
        options.step_scheduler = [this](core::Scheduler& scheduler, Instant now,
                                        const core::Event& event) {
            core::Effects effects = scheduler.step(now, event);
            std::ranges::move(std::exchange(effects_to_add, {}), std::back_inserter(effects));
            for (const core::Effect& effect : effects) {
                if (const auto* lease = std::get_if<core::AssignTasks>(&effect)) {
                    leases.push_back(*lease);
                }
            }
            return effects;
        };
    }

    Engine& start() {
        kill();
        host.emplace();
        engine_.emplace(*host, options, store);
        engine_->resume();
        return *engine_;
    }
    void kill() {
        leases.clear();
        engine_.reset();
        host.reset();
    }
    Engine& engine() { return *engine_; }

    /// Its results are not compared with anybody's.
    JobId submit(const std::string& type, nlohmann::json params = nlohmann::json::object()) {
        JobRequest request;
        request.type = type;
        request.params = std::move(params);
        request.validation = "none";
        const auto id = engine_->submit(std::move(request));
        if (!id) throw std::runtime_error(id.error().message);
        return *id;
    }
    void join() {
        const std::string key = "worker-1";
        const std::string session = "session";
        const std::string address = "127.0.0.1";
        const std::string owner = "owner";
        const protocol::Hello hello;
        JoinedWorker worker{WorkerId{1}, key, session, hello, address, owner};
        worker.is_believed = true;
        engine_->on_joined(worker);
    }
    /// The worker does the oldest lease that is open: tasks of noop without a payload.
    bool work() {
        if (leases.empty()) return false;
        const core::AssignTasks lease = std::move(leases.front());
        leases.erase(leases.begin());
        protocol::Results results{"session", lease.lease, lease.job, lease.round, 1e-6, {}};
        for (const TaskIndex index : lease.tasks) {
            results.outcomes.push_back({index, false, ErrorCode::Internal, {}});
        }
        engine_->on_results(WorkerId{1}, results, std::make_shared<const Bytes>());
        return true;
    }
    [[nodiscard]] store::JobState state(JobId id) const {
        const JobRun* const live = engine_->live_job(id);
        return live != nullptr ? live->record.state : store.job(id)->state;
    }
    [[nodiscard]] std::string held(JobId id) const {
        const JobRun* const live = engine_->live_job(id);
        return live == nullptr ? "" : live->held;
    }

    EngineOptions options;
    std::map<std::string, JobType, std::less<>> types;  ///< Besides the program's own.
    store::MemoryJobStore store;
    std::optional<SteppedHost> host;
    std::vector<core::AssignTasks> leases;
    core::Effects effects_to_add;  ///< To those of the scheduler's next step.

 private:
    test_support::TemporaryFolder folder_;
    std::unique_ptr<store::BlobStore> blobs_;
    std::optional<Engine> engine_;
};

/// Noop, but prepared and finished on the pool, as what reads files is; each step may be replaced.
inline JobType slow_job(std::string_view name, std::uint32_t task_count) {
    JobType type;
    type.name = name;
    type.make = [task_count](const ParamValues&, const JobContext&) -> Result<PreparedJob> {
        return PreparedJob{
            std::make_unique<programs::NoopProgram>(programs::NoopPlan{task_count, 0}),
            []() -> Result<nlohmann::json> { return nlohmann::json::object(); },
            false,
            {}};
    };
    return type;
}

}  // namespace netcompute::engine::life
