#pragma once

#include "engine/engine.hpp"
#include "jobs/job_type.hpp"
#include <netcompute/audit_log.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace netcompute::server {

enum class Mode { Train, Predict, Job, Serve };

struct ModeOptions {
    Mode mode = Mode::Serve;
    std::string train_data = "Data/train.csv";
    /// Predicted by Mode::Predict, and by Mode::Train after training where somebody named it.
    std::optional<std::string> test_data;
    std::optional<std::string> test_labels;  ///< The test set's truth, for scoring.
    std::optional<std::string> target;       ///< The column to learn, if not the default.
    std::optional<std::string> id;           ///< The column that names rows, if not the default.
    std::string job_type = {};               ///< Of Mode::Job.
    /// What the options above do not say: params of the job, by name; of Mode::Train those of the
    /// training.
    nlohmann::json params = nlohmann::json::object();
};

/// `texts`, each "NAME=VALUE", as params of a job type: VALUE is JSON for one that is a number, an
/// object or a list. Errors: InvalidArgument for a text without a name or "=".
[[nodiscard]] Result<nlohmann::json> params_of_texts(const jobs::JobType& type,
                                                     std::span<const std::string> texts);

/// Submits the jobs that the command line asks for, one after the other, and prints what came out.
class ModeRunner {
 public:
    /// `on_done` is called once with whether every job succeeded.
    ModeRunner(engine::Engine& engine, AuditLog& audit, ModeOptions options,
               std::function<void(bool)> on_done);
    ModeRunner(const ModeRunner&) = delete;
    ModeRunner& operator=(const ModeRunner&) = delete;

    void start();

 private:
    void train();
    void predict();
    void run_job();
    void submit(jobs::JobRequest request, std::function<void(const nlohmann::json&)> then);

    engine::Engine& engine_;
    AuditLog& audit_;
    ModeOptions options_;
    std::function<void(bool)> on_done_;
};

}  // namespace netcompute::server
