#include "data/number.hpp"
#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include <netcompute/programs/generate.hpp>
#include <netcompute/sha256.hpp>

#include <utility>

namespace netcompute::jobs {
namespace {

using programs::GeneratedKind;

/// Features and targets of all rows, which the master holds while it writes them.
constexpr std::uint64_t values_max = std::uint64_t{1} << 25;
constexpr std::string_view kind_words[] = {"classification", "regression", "blobs"};

constexpr Choice kind{.name = "kind",
                      .what =
                          "Classes that features tell apart, numbers that follow from them, or "
                          "clusters",
                      .choices = kind_words,
                      .otherwise = "classification"};
constexpr WholeNumber rows{
    .name = "rows", .what = "How many rows", .min = 1, .max = values_max / 2, .otherwise = 1000};
constexpr WholeNumber columns{.name = "columns",
                              .what = "How many features",
                              .min = 1,
                              .max = kernels::generated_features_max,
                              .otherwise = 10};
constexpr WholeNumber seed{.name = "seed",
                           .what = "By which the rows are drawn: the same seed gives the same",
                           .otherwise = 0};
constexpr OutputFile output{
    .name = "output", .what = "Where the table goes", .otherwise = "Data/generated.csv"};

constexpr WholeNumber informative{.name = "informative",
                                  .what = "How many features the target depends on",
                                  .min = 1,
                                  .max = kernels::generated_features_max,
                                  .otherwise = 5};
constexpr WholeNumber redundant{.name = "redundant",
                                .what = "How many features are sums of the informative ones",
                                .max = kernels::generated_features_max,
                                .otherwise = 2};
constexpr WholeNumber classes{.name = "classes",
                              .what = "How many classes",
                              .min = 2,
                              .max = kernels::generated_classes_max,
                              .otherwise = 2};
constexpr Number class_sep{.name = "class_sep",
                           .what = "Half an edge of the cube around whose corners the classes lie",
                           .max = 1e6,
                           .otherwise = 1};
constexpr Number flip_y{.name = "flip_y",
                        .what = "The share of rows whose class is drawn by lot",
                        .max = 1,
                        .otherwise = 0.01};
constexpr Number noise{.name = "noise",
                       .what = "The deviation of what is added to the numbers",
                       .max = 1e6,
                       .otherwise = 1};
constexpr WholeNumber centers{.name = "centers",
                              .what = "How many clusters",
                              .min = 1,
                              .max = kernels::generated_classes_max,
                              .otherwise = 3};
constexpr Number center_box{.name = "center_box",
                            .what = "The centers lie between minus this and this",
                            .max = 1e6,
                            .otherwise = 10};

programs::GeneratePlan plan_of(const ParamValues& values) {
    programs::GeneratePlan plan;
    plan.features = static_cast<std::uint32_t>(values[columns]);
    plan.informative = plan.features;
    plan.seed = values[seed];
    plan.row_count = values[rows];
    if (values[kind] == "blobs") {
        plan.kind = GeneratedKind::Blobs;
        plan.classes = static_cast<std::uint32_t>(values[centers]);
        plan.separation = values[center_box];
        return plan;
    }
    plan.informative = static_cast<std::uint32_t>(values[informative]);
    if (values[kind] == "regression") {
        plan.kind = GeneratedKind::Regression;
        plan.classes = 1;
        plan.noise = values[noise];
        return plan;
    }
    plan.redundant = static_cast<std::uint32_t>(values[redundant]);
    plan.classes = static_cast<std::uint32_t>(values[classes]);
    plan.separation = values[class_sep];
    plan.noise = values[flip_y];
    return plan;
}

Unexpected refused(const std::string& what) {
    return unexpected(ErrorCode::InvalidArgument, "params." + what);
}

Result<void> check_together(const ParamValues& values) {
    const programs::GeneratePlan plan = plan_of(values);
    if (plan.row_count > values_max / (plan.features + 1)) {
        return refused("rows: " + std::to_string(plan.row_count) + " rows of " +
                       std::to_string(plan.features) + " features have more than " +
                       std::to_string(values_max) + " values; give fewer of either");
    }
    if (plan.informative + plan.redundant > plan.features) {
        return refused("informative: " + std::to_string(plan.informative) + " informative and " +
                       std::to_string(plan.redundant) + " redundant features are more than the " +
                       std::to_string(plan.features) + " of params.columns");
    }
    if (plan.kind == GeneratedKind::Classification && plan.informative < 7 &&
        plan.classes > 1U << plan.informative) {
        return refused("classes: " + std::to_string(plan.classes) + " classes need more than " +
                       std::to_string(plan.informative) + " informative features: those have " +
                       std::to_string(1U << plan.informative) + " corners");
    }
    return {};
}

std::string header_of(const programs::GeneratePlan& plan) {
    std::string text = "id";
    for (std::uint32_t i = 0; i < plan.features; ++i) {
        const std::uint32_t mixed = plan.informative + plan.redundant;
        text += i < plan.informative ? ",informative_" + std::to_string(i + 1)
                : i < mixed          ? ",redundant_" + std::to_string(i - plan.informative + 1)
                                     : ",noise_" + std::to_string(i - mixed + 1);
    }
    return text + ",target\n";
}

std::string table_text(const programs::GeneratePlan& plan, std::span<const double> values) {
    std::string text = header_of(plan);
    const std::size_t width = std::size_t{plan.features} + 1;
    for (std::size_t row = 0; row < plan.row_count; ++row) {
        text += std::to_string(row + 1);
        for (const double value : values.subspan(row * width, width)) {
            text += ',' + data::number_text(value);
        }
        text += '\n';
    }
    return text;
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    const programs::GeneratePlan plan = plan_of(values);
    auto program = std::make_unique<programs::GenerateProgram>(plan);
    const auto finish = [finished = program.get(), plan, path = values[output],
                         writer = OutputWriter{context}]() -> Result<nlohmann::json> {
        const std::string text = table_text(plan, finished->values());
        if (auto written = writer.write(path, as_byte_span(text)); !written) {
            return unexpected(written.error());
        }
        return nlohmann::json{{"rows", plan.row_count},
                              {"columns", plan.features},
                              {"target", "target"},
                              {"result_sha256", to_hex(sha256(finished->result_bytes()))},
                              {"files", {{"table", path.shown()}}}};
    };
    return PreparedJob{std::move(program), finish, false, {}};
}

}  // namespace

JobType generate_job() {
    return {.name = "generate",
            .title = "Made-up table",
            .summary = "Writes a table of made-up rows, to try learners on",
            .params = {.common = {kind, rows, columns, seed, output},
                       .choice = kind,
                       .variants = {{"classification",
                                     {informative, redundant, classes, class_sep, flip_y}},
                                    {"regression", {informative, noise}},
                                    {"blobs", {centers, center_box}}}},
            .make = make,
            .check_together = check_together};
}

}  // namespace netcompute::jobs
