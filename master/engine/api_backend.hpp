#pragma once

#include "api/backend.hpp"
#include "engine/engine.hpp"

namespace netcompute::engine {

/// Shows the engine to the HTTP routes: its documents, and what may be asked of it.
class ApiBackend final : public api::Backend {
 public:
    /// `join_url` tells where other PCs open the worker page.
    ApiBackend(Engine& engine, std::function<std::string()> join_url);

    /// What a worker that was told the dashboard's address asks for.
    void set_worker_ports(std::uint16_t task, std::uint16_t result, std::uint16_t heartbeat);

    [[nodiscard]] nlohmann::json cluster() override;
    [[nodiscard]] Result<api::ListPage> workers(const api::ListQuery& query) override;
    [[nodiscard]] std::optional<nlohmann::json> worker(std::string_view id) override;
    [[nodiscard]] Result<api::ListPage> jobs(const api::ListQuery& query) override;
    [[nodiscard]] std::optional<nlohmann::json> job(JobId id) override;
    [[nodiscard]] Result<nlohmann::json> job_result(JobId id) override;
    [[nodiscard]] nlohmann::json job_types() const override { return jobs::job_types_document(); }
    [[nodiscard]] Result<std::vector<api::JobFile>> job_files(JobId id) override;
    [[nodiscard]] Result<JobId> submit(std::string_view body,
                                       std::string_view idempotency_key) override;
    [[nodiscard]] Result<void> cancel(JobId id) override;
    [[nodiscard]] Result<void> pause(JobId id, bool paused) override;
    [[nodiscard]] Result<void> prioritize(JobId id, std::string_view body) override;
    [[nodiscard]] Result<void> drain(std::string_view worker, bool drained) override;
    [[nodiscard]] Result<void> readmit(std::string_view worker) override;
    void when_written(std::function<void(Result<void>)> callback) override;
    [[nodiscard]] Result<ReceiptMaker> receipt(JobId id) override;
    void when_over(JobId id, std::function<void()> callback) override;
    [[nodiscard]] std::optional<api::BlobView> blob(const Sha256& sha256) override;
    [[nodiscard]] std::string metrics() override;
    [[nodiscard]] nlohmann::json dashboard_state() override;

 private:
    [[nodiscard]] bool is_open(JobId id) const;
    [[nodiscard]] Result<WorkerId> worker_id(std::string_view key) const;
    [[nodiscard]] nlohmann::json worker_document(WorkerInfo& worker) const;
    [[nodiscard]] nlohmann::json liar_names(const store::JobRecord& record) const;
    [[nodiscard]] nlohmann::json validation_document(const store::JobRecord& record) const;
    /// What a list says of a job; record_document() and live_document() say all.
    [[nodiscard]] nlohmann::json short_document(const store::JobRecord& record) const;
    [[nodiscard]] nlohmann::json record_document(const store::JobRecord& record) const;
    [[nodiscard]] nlohmann::json live_short_document(JobRun& job) const;
    [[nodiscard]] nlohmann::json live_document(JobRun& job) const;
    [[nodiscard]] static store::JobRecord live_record(const JobRun& job);
    [[nodiscard]] std::string waiting_for(const JobRun& job,
                                          const std::optional<core::RoundView>& round,
                                          bool waits_for_workers) const;

    Engine& engine_;
    std::function<std::string()> join_url_;
    nlohmann::json worker_ports_;
};

}  // namespace netcompute::engine
