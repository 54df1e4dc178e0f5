#include "server/mode_runner.hpp"

#include "data/data_path.hpp"

#include <fmt/core.h>

#include <cstdio>

namespace netcompute::server {
namespace fs = std::filesystem;
namespace {

void print_metrics(std::string_view of, const nlohmann::json& result) {
    const auto metrics = result.find("metrics");
    if (metrics == result.end()) return;
    fmt::print("{}: accuracy {:.4f}, log-loss {:.5f}", of, metrics->at("accuracy").get<double>(),
               metrics->at("log_loss").get<double>());
    if (metrics->contains("auc")) fmt::print(", AUC {:.5f}", metrics->at("auc").get<double>());
    fmt::print("\n");
}

void print_training(const nlohmann::json& result) {
    for (const auto& note : result.at("notes")) fmt::print("note: {}\n", note.get<std::string>());
    fmt::print("trained on {} rows in {} Newton iterations\n", result.at("rows").dump(),
               result.at("iterations").dump());
    for (const auto& [name, weight] : result.at("weights").items()) {
        fmt::print("  weight {:<24} {:+.12f}\n", name, weight.get<double>());
    }
    fmt::print("  intercept {:<21} {:+.12f}\n", "", result.at("intercept").get<double>());
    print_metrics("train", result);
    fmt::print("model_sha256 {}\n", result.at("model_sha256").get<std::string>());
    for (const auto& [what, path] : result.at("files").items()) {
        fmt::print("wrote {}\n", path.get<std::string>());
    }
    std::fflush(stdout);
}

void print_prediction(const nlohmann::json& result) {
    for (const auto& note : result.at("notes")) fmt::print("note: {}\n", note.get<std::string>());
    fmt::print("predicted {} rows, {} of them positive\n", result.at("rows").dump(),
               result.at("predicted_positive").dump());
    print_metrics("test", result);
    for (const auto& [what, path] : result.at("files").items()) {
        fmt::print("wrote {}\n", path.get<std::string>());
    }
    std::fflush(stdout);
}

engine::JobRequest command_line_request(const std::string& type, nlohmann::json params) {
    engine::JobRequest request;
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

ModeRunner::ModeRunner(engine::Engine& engine, ModeOptions options,
                       std::function<void(bool)> on_done)
    : engine_{engine}, options_{std::move(options)}, on_done_{std::move(on_done)} {}

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

void ModeRunner::submit(engine::JobRequest request,
                        std::function<void(const nlohmann::json&)> then) {
    const auto fail = [this](const std::string& message) {
        fmt::print(stderr, "netcompute-master: {}\n", message);
        on_done_(false);
    };
    const auto id = engine_.submit(std::move(request));
    if (!id) return fail(id.error().message);
    engine_.when_over(*id, [fail, then = std::move(then)](const store::JobRecord& record) {
        if (record.state == store::JobState::Succeeded) {
            return then(nlohmann::json::parse(record.result));
        }
        fail(record.error ? record.error->message : record.name + " was cancelled");
    });
}

}  // namespace netcompute::server
