#include "server/mode_runner.hpp"

#include "data/data_path.hpp"
#include "learning/learner.hpp"
#include <netcompute/logging.hpp>

#include <fmt/core.h>

#include <cstdio>

namespace netcompute::server {
namespace fs = std::filesystem;
namespace {

void print_metrics(std::string_view of, const nlohmann::json& result) {
    const auto metrics = result.find("metrics");
    if (metrics == result.end()) return;
    if (!metrics->contains("accuracy")) {
        say("{}: RMSE {:.6g}, MAE {:.6g}", of, metrics->at("rmse").get<double>(),
            metrics->at("mae").get<double>());
        return;
    }
    const std::string auc = metrics->contains("auc")
                                ? fmt::format(", AUC {:.5f}", metrics->at("auc").get<double>())
                                : "";
    say("{}: accuracy {:.4f}, log-loss {:.5f}{}", of, metrics->at("accuracy").get<double>(),
        metrics->at("log_loss").get<double>(), auc);
}

void print_notes(const nlohmann::json& result) {
    for (const auto& note : result.at("notes")) say("note: {}", note.get<std::string>());
}

void print_files(const nlohmann::json& result) {
    for (const auto& [what, path] : result.at("files").items()) {
        say("wrote {}", path.get<std::string>());
    }
    std::fflush(stdout);
}

void print_training(const nlohmann::json& result) {
    print_notes(result);
    const auto& algorithm = result.at("algorithm").get_ref<const std::string&>();
    for (const std::string& line : learning::find_learner(algorithm)->report(result)) {
        say("{}", line);
    }
    print_metrics("train", result);
    say("model_sha256 {}", result.at("model_sha256").get<std::string>());
    print_files(result);
}

void print_prediction(const nlohmann::json& result) {
    print_notes(result);
    const bool are_pair = result.contains("predicted_positive");
    say("predicted {} rows{}", result.at("rows").dump(),
        are_pair ? fmt::format(", {} of them positive", result.at("predicted_positive").dump())
                 : std::string{});
    print_metrics("test", result);
    print_files(result);
}

jobs::JobRequest command_line_request(const std::string& type, nlohmann::json params) {
    jobs::JobRequest request;
    request.type = request.name = type;
    request.params = std::move(params);
    request.from_command_line = true;
    return request;
}

/// A file below Data/ by its name there, so that who looks at the job sees no other folder.
std::string shown_file(const std::string& path) {
    if (!fs::path{path}.is_absolute()) return path;
    const auto in_data = data::parse_data_path(".", path);
    return in_data ? in_data->shown() : path;
}

/// "…/test.csv" has its truth in "…/test_labels.csv", if that is there.
std::optional<std::string> labels_beside(const fs::path& test_data) {
    const fs::path labels = test_data.parent_path() / (test_data.stem().string() + "_labels.csv");
    std::error_code error;
    return fs::exists(labels, error) ? std::optional{labels.string()} : std::nullopt;
}

}  // namespace

ModeRunner::ModeRunner(engine::Engine& engine, AuditLog& audit, ModeOptions options,
                       std::function<void(bool)> on_done)
    : engine_{engine}, audit_{audit}, options_{std::move(options)}, on_done_{std::move(on_done)} {}

void ModeRunner::start() {
    if (options_.mode == Mode::Train)
        train();
    else if (options_.mode == Mode::Predict)
        predict();
}

void ModeRunner::train() {
    auto request = command_line_request("train", {{"data", shown_file(options_.train_data)}});
    if (options_.target) request.params["target"] = *options_.target;
    if (options_.id) request.params["id"] = *options_.id;
    submit(std::move(request), [this](const nlohmann::json& result) {
        print_training(result);
        if (options_.test_data)
            predict();
        else
            on_done_(true);
    });
}

void ModeRunner::predict() {
    const std::string data = options_.test_data.value_or("Data/test.csv");
    auto request = command_line_request("predict", {{"data", shown_file(data)}});
    const auto labels = options_.test_labels ? options_.test_labels : labels_beside(data);
    if (labels) request.params["labels"] = shown_file(*labels);
    if (options_.id) request.params["id"] = *options_.id;
    submit(std::move(request), [this](const nlohmann::json& result) {
        print_prediction(result);
        on_done_(true);
    });
}

void ModeRunner::submit(jobs::JobRequest request, std::function<void(const nlohmann::json&)> then) {
    const auto fail = [this](const std::string& message) {
        print_line(stderr, "netcompute-master: " + message);
        on_done_(false);
    };
    const auto id = engine_.submit(std::move(request));
    audit_.write({.action = "submit",
                  .who = audit_by::local,
                  .job = id ? id->value : 0,
                  .outcome = std::string{id ? "ok" : error_code_name(id.error().code)}});
    if (!id) return fail(id.error().message);
    const auto over = [fail, then = std::move(then)](const store::JobRecord& record) {
        if (record.state == store::JobState::Succeeded) {
            return then(nlohmann::json::parse(record.result));
        }
        fail(record.error ? record.error->message : record.name + " was cancelled");
    };
    engine_.when_written([this, id = *id, fail, over](const Result<void>& written) {
        if (!written) return fail("the job cannot be taken: " + written.error().message);
        engine_.when_over(id, over);
    });
}

}  // namespace netcompute::server
