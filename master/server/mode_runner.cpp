#include "server/mode_runner.hpp"

#include "data/data_path.hpp"
#include "learning/learner.hpp"
#include <netcompute/logging.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

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

void print_job(const jobs::JobType& type, const nlohmann::json& result) {
    if (result.contains("notes")) print_notes(result);
    if (type.report) {
        for (const std::string& line : type.report(result)) say("{}", line);
    } else {
        std::istringstream lines{result.dump(2)};
        for (std::string line; std::getline(lines, line);) say("{}", line);
    }
    if (result.contains("files")) print_files(result);
    std::fflush(stdout);
}

/// Whether its value is a text as it stands.
bool is_text(const params::Param& param) {
    return !std::holds_alternative<params::WholeNumber>(param) &&
           !std::holds_alternative<params::Number>(param) &&
           !std::holds_alternative<params::Structured>(param);
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

Result<nlohmann::json> params_of_texts(const jobs::JobType& type,
                                       std::span<const std::string> texts) {
    nlohmann::json params = nlohmann::json::object();
    const auto known = type.params.all();
    for (const std::string& text : texts) {
        const std::size_t sign = text.find('=');
        if (sign == std::string::npos || sign == 0) {
            return unexpected(ErrorCode::InvalidArgument,
                              "--param: \"" + text + "\" is not of the form NAME=VALUE");
        }
        const std::string name = text.substr(0, sign);
        const std::string value = text.substr(sign + 1);
        const auto param = std::ranges::find_if(
            known, [&](const auto& each) { return params::param_name(each) == name; });
        auto read = param == known.end() || is_text(*param)
                        ? nlohmann::json(value)
                        : nlohmann::json::parse(value, nullptr, false);
        params[name] = read.is_discarded() ? nlohmann::json(value) : std::move(read);
    }
    return params;
}

ModeRunner::ModeRunner(engine::Engine& engine, AuditLog& audit, ModeOptions options,
                       std::function<void(bool)> on_done)
    : engine_{engine}, audit_{audit}, options_{std::move(options)}, on_done_{std::move(on_done)} {}

void ModeRunner::start() {
    if (options_.mode == Mode::Train)
        train();
    else if (options_.mode == Mode::Predict)
        predict();
    else if (options_.mode == Mode::Job)
        run_job();
}

void ModeRunner::run_job() {
    const jobs::JobType& type = *jobs::find_job_type(options_.job_type);
    submit(command_line_request(options_.job_type, options_.params),
           [this, &type](const nlohmann::json& result) {
               print_job(type, result);
               on_done_(true);
           });
}

void ModeRunner::train() {
    auto request = command_line_request("train", {{"data", shown_file(options_.train_data)}});
    if (options_.target) request.params["target"] = *options_.target;
    if (options_.id) request.params["id"] = *options_.id;
    request.params.update(options_.params);
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
    if (options_.mode == Mode::Predict) request.params.update(options_.params);
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
