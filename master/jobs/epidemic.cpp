#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include <netcompute/programs/epidemic.hpp>
#include <netcompute/sha256.hpp>

namespace netcompute::jobs {
namespace {

constexpr std::string_view model_words[] = {"sir", "seir"};
constexpr std::string_view state_words[] = {"susceptible", "exposed", "infectious", "recovered"};
/// Numbers of people that are folded together, and sorted for the quantiles.
constexpr std::uint64_t recorded_max = 10'000'000;

constexpr Choice model{.name = "model",
                       .what = "Whether who is infected is infectious at once, or exposed at first",
                       .choices = model_words,
                       .otherwise = "sir"};
constexpr Number incubation{.name = "incubation",
                            .what = "How long somebody is exposed, on average",
                            .min = 0.001,
                            .max = 1e6,
                            .otherwise = 5,
                            .unit = "days"};
constexpr WholeNumber population{.name = "population",
                                 .what = "How many people",
                                 .min = 1,
                                 .max = 10'000'000,
                                 .otherwise = 1000};
constexpr WholeNumber infectious{.name = "infectious",
                                 .what = "How many of them are infectious at the beginning",
                                 .max = 10'000'000,
                                 .otherwise = 10};
constexpr Number reproduction{
    .name = "reproduction_number",
    .what = "How many one person infects on average while all others are susceptible",
    .max = 1000,
    .otherwise = 2};
constexpr Number recovery{.name = "recovery",
                          .what = "How long somebody is infectious, on average",
                          .min = 0.001,
                          .max = 1e6,
                          .otherwise = 7,
                          .unit = "days"};
constexpr Number duration{.name = "duration",
                          .what = "How long the epidemic is followed",
                          .min = 0.001,
                          .max = 1e6,
                          .otherwise = 180,
                          .unit = "days"};
constexpr WholeNumber points{.name = "points",
                             .what =
                                 "At how many times, evenly from the beginning to the end, the "
                                 "states are recorded",
                             .min = 2,
                             .max = 1000,
                             .otherwise = 181};
constexpr WholeNumber replicates{.name = "replicates",
                                 .what = "How many independent epidemics",
                                 .min = 1,
                                 .max = 1'000'000,
                                 .otherwise = 1000};
constexpr WholeNumber seed{
    .name = "seed", .what = "Which random numbers: the same seed gives the same", .otherwise = 0};
constexpr OutputFile bands_file{.name = "output",
                                .what = "Where the quantiles of each state at each time go",
                                .otherwise = "Data/epidemic.csv"};

Result<void> check_together(const ParamValues& values) {
    if (values[infectious] > values[population]) {
        return unexpected(ErrorCode::InvalidArgument,
                          "params.infectious: " + std::to_string(values[infectious]) +
                              " is more than the population, " +
                              std::to_string(values[population]));
    }
    if (values[replicates] * values[points] > recorded_max) {
        return unexpected(ErrorCode::InvalidArgument,
                          "params.replicates: " + std::to_string(values[replicates]) + " times " +
                              std::to_string(values[points]) + " points are more than " +
                              std::to_string(recorded_max) + "; give fewer of either");
    }
    return {};
}

kernels::EpidemicInput plan_of(const ParamValues& values) {
    kernels::EpidemicInput plan;
    plan.population = static_cast<std::uint32_t>(values[population]);
    plan.infectious = static_cast<std::uint32_t>(values[infectious]);
    plan.points = static_cast<std::uint32_t>(values[points]);
    plan.is_seir = values[model] == "seir";
    plan.duration = values[duration];
    plan.infection_rate = values[reproduction] / values[recovery];
    plan.onset_rate = plan.is_seir ? 1 / values[incubation] : 0;
    plan.recovery_rate = 1 / values[recovery];
    plan.seed = values[seed];
    plan.replicate_count = values[replicates];
    return plan;
}

std::string percent(double share) {
    return std::to_string(static_cast<int>(100 * share + 0.5));
}

/// The states that the model has; without exposed people their column would be zeros.
bool has_state(const kernels::EpidemicInput& plan, std::size_t state) {
    return plan.is_seir || state != 1;
}

std::string bands_csv(const programs::EpidemicProgram& program,
                      const kernels::EpidemicInput& plan) {
    std::string text = "time";
    for (std::size_t state = 0; state < programs::EpidemicProgram::states; ++state) {
        if (!has_state(plan, state)) continue;
        for (const double share : programs::epidemic_quantiles) {
            text += "," + std::string{state_words[state]} + "_" + percent(share);
        }
    }
    text += '\n';
    for (std::size_t point = 0; point < plan.points; ++point) {
        text += nlohmann::json(program.time(point)).dump();
        for (std::size_t state = 0; state < programs::EpidemicProgram::states; ++state) {
            if (!has_state(plan, state)) continue;
            for (const std::uint32_t people : program.band(point, state)) {
                text += "," + std::to_string(people);
            }
        }
        text += '\n';
    }
    return text;
}

nlohmann::json document_of(const programs::EpidemicSpread& spread) {
    auto quantiles = nlohmann::json::object();
    for (std::size_t i = 0; i < spread.quantiles.size(); ++i) {
        quantiles[percent(programs::epidemic_quantiles[i])] = spread.quantiles[i];
    }
    return {{"mean", spread.mean},
            {"standard_error", spread.standard_error},
            {"quantiles", std::move(quantiles)}};
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    const kernels::EpidemicInput plan = plan_of(values);
    auto program = std::make_unique<programs::EpidemicProgram>(plan);
    const auto finish = [finished = program.get(), plan, path = values[bands_file],
                         writer = OutputWriter{context}]() -> Result<nlohmann::json> {
        const std::string text = bands_csv(*finished, plan);
        if (auto written = writer.write(path, as_byte_span(text)); !written) {
            return unexpected(written.error());
        }
        const auto histogram = finished->size_histogram();
        return nlohmann::json{
            {"replicates", plan.replicate_count},
            {"infected", document_of(finished->size())},
            {"infected_histogram", std::vector<std::uint64_t>(histogram.begin(), histogram.end())},
            {"peak", document_of(finished->peak())},
            {"peak_time", document_of(finished->peak_time())},
            {"files", {{"bands", path.shown()}}},
            {"result_sha256", to_hex(sha256(finished->result_bytes()))}};
    };
    return PreparedJob{std::move(program), finish, false, {}};
}

}  // namespace

JobType epidemic_job() {
    return {.name = "epidemic",
            .title = "Epidemic",
            .summary =
                "Replicates of a stochastic SIR or SEIR epidemic, by Gillespie's exact "
                "method: quantiles over time, size and peak",
            .params = {.common = {model, population, infectious, reproduction, recovery, duration,
                                  points, replicates, seed, bands_file},
                       .choice = model,
                       .variants = {{"sir", {}}, {"seir", {incubation}}}},
            .make = make,
            .check_together = check_together};
}

}  // namespace netcompute::jobs
