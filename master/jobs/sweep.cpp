#include "jobs/csv_line.hpp"
#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include "params/no_files.hpp"
#include <netcompute/printable.hpp>
#include <netcompute/programs/sweep_design.hpp>
#include <netcompute/sha256.hpp>

#include <algorithm>
#include <cmath>
#include <optional>

namespace netcompute::jobs {
namespace {

using nlohmann::json;

constexpr std::uint32_t points_max = 4096;
constexpr std::size_t axes_max = programs::sobol_axes_max;
constexpr std::uint32_t steps_default = 5;
constexpr std::size_t shown_max = 100;
constexpr std::string_view design_words[] = {"grid", "latin_hypercube", "sobol"};

Result<void> check_fixed(const json& value);
Result<void> check_over(const json& value);

constexpr Text job{.name = "job",
                   .what = "The type of the job that is run at each point; one that reads no file",
                   .example = "option_pricing"};
constexpr Structured fixed{.name = "params",
                           .what = "The job's params that are the same at each point",
                           .schema = R"({"type": "object"})",
                           .check = check_fixed,
                           .example = R"({"samples": 100000})",
                           .if_left_out = "none"};
constexpr Structured over{
    .name = "over",
    .what =
        "The job's params that differ: each with a list of values, or with a range; `steps` (5) "
        "is for a grid, and with the scale \"log\" the logarithms are evenly spaced",
    .schema = R"({"type": "object", "additionalProperties": {"oneOf": [
        {"type": "array", "items": {}},
        {"type": "object", "required": ["from", "to"], "additionalProperties": false,
         "properties": {"from": {"type": "number"}, "to": {"type": "number"},
                        "steps": {"type": "integer", "minimum": 2, "maximum": 4096},
                        "scale": {"type": "string", "enum": ["linear", "log"]}}}]}})",
    .check = check_over,
    .example = R"({"volatility": {"from": 0.1, "to": 0.3, "steps": 3}})"};
constexpr Choice design{
    .name = "design",
    .what = "How the points lie: all combinations, or as evenly as their number allows",
    .choices = design_words,
    .otherwise = "grid"};
constexpr WholeNumber points{.name = "points",
                             .what = "How many points; those of a grid follow from its steps",
                             .min = 1,
                             .max = points_max,
                             .otherwise = 64};
constexpr WholeNumber random_state{
    .name = "random_state",
    .what = "Which Latin hypercube, or which shift of Sobol's sequence",
    .otherwise = 0};
constexpr OutputFile table_file{.name = "output",
                                .what = "Where the table goes: a line a point",
                                .otherwise = "Data/sweep.csv"};

Unexpected refused(const std::string& message) {
    return unexpected(ErrorCode::InvalidArgument, message);
}

std::string shown(const json& value) {
    return printable(value.dump(-1, ' ', false, json::error_handler_t::replace), shown_max);
}

Result<void> check_fixed(const json& value) {
    if (value.is_object()) return {};
    return refused("params: " + shown(value) + " is not an object of params");
}

/// Errors begin with the axis.
Result<void> check_range(const std::string& name, const json& range) {
    for (const auto& [key, value] : range.items()) {
        const bool is_known = key == "from" || key == "to" || key == "steps" || key == "scale";
        if (!is_known) {
            return refused(name + "." + printable(key, shown_max) +
                           ": is not a key of a range; it has from, to, steps and scale");
        }
        if (key == "scale") {
            if (value == "linear" || value == "log") continue;
            return refused(name + ".scale: " + shown(value) + " is neither linear nor log");
        }
        const double number = value.is_number() ? value.get<double>() : std::nan("");
        if (key == "steps") {
            const bool is_good =
                number >= 2 && number <= points_max && number == std::floor(number);
            if (is_good) continue;
            return refused(name + ".steps: " + shown(value) + " is not a whole number from 2 to " +
                           std::to_string(points_max));
        }
        if (!std::isfinite(number)) {
            return refused(name + "." + key + ": " + shown(value) + " is not a number");
        }
    }
    if (!range.contains("from") || !range.contains("to")) {
        return refused(name + ": a range has from and to");
    }
    const double from = range.at("from").get<double>();
    const double to = range.at("to").get<double>();
    if (!(from <= to)) return refused(name + ": from is above to");
    if (range.value("scale", "linear") == "log" && !(from > 0)) {
        return refused(name + ".from: " + shown(range.at("from")) +
                       " has no logarithm; give a number above 0");
    }
    return {};
}

Result<void> check_over(const json& value) {
    if (!value.is_object() || value.empty()) {
        return refused("over: " + shown(value) +
                       " is not an object of params with their values or ranges");
    }
    if (value.size() > axes_max) {
        return refused("over: " + std::to_string(value.size()) + " params; give at most " +
                       std::to_string(axes_max));
    }
    for (const auto& [key, axis] : value.items()) {
        const std::string name = "over." + printable(key, shown_max);
        if (axis.is_array() && !axis.empty() && axis.size() <= points_max) continue;
        if (!axis.is_object()) {
            return refused(name + ": " + shown(axis) + " is neither a list of 1 to " +
                           std::to_string(points_max) + " values nor a range");
        }
        if (auto good = check_range(name, axis); !good) return good;
    }
    return {};
}

/// The type that is swept.
Result<const JobType*> swept_type(const ParamValues& values) {
    const JobType* const type = find_job_type(values[job]);
    const auto reads_files = [](const Param& param) {
        return std::holds_alternative<InputFile>(param);
    };
    const auto may_be_swept = [&](const JobType& one) {
        return one.name != "sweep" && std::ranges::none_of(one.params.all(), reads_files);
    };
    if (type != nullptr && may_be_swept(*type)) return type;
    std::string names;
    for (const JobType& one : job_types()) {
        if (may_be_swept(one)) names += (names.empty() ? "" : ", ") + std::string{one.name};
    }
    return refused("params.job: " + shown(values[job]) + " is not one of " + names);
}

bool is_whole(const JobType& type, const std::string& name) {
    const std::vector<Param> all = type.params.all();
    const auto found = std::ranges::find(all, std::string_view{name}, param_name);
    return found != all.end() && std::holds_alternative<WholeNumber>(*found);
}

std::uint32_t steps_of(const json& axis) {
    if (axis.is_array()) return static_cast<std::uint32_t>(axis.size());
    return axis.value("steps", steps_default);
}

/// The value of an axis at u, from 0 to 1. Of a list of n each value has an n-th of that; in a grid
/// u names one of them.
json value_at(const json& axis, double u, bool is_grid, bool is_whole_number) {
    if (axis.is_array()) {
        const auto count = static_cast<double>(axis.size());
        const double place = is_grid ? std::round(u * (count - 1)) : std::floor(u * count);
        return axis.at(static_cast<std::size_t>(std::clamp(place, 0.0, count - 1)));
    }
    const double value =
        programs::spaced(axis.at("from"), axis.at("to"), u, axis.value("scale", "linear") == "log");
    if (is_whole_number && value >= 0 && value < 0x1p53) {
        return static_cast<std::uint64_t>(std::round(value));
    }
    return value;
}

programs::DesignPoints design_of(const ParamValues& values) {
    const json& axes = values[over];
    const auto count = static_cast<std::uint32_t>(values[points]);
    if (values[design] == "latin_hypercube") {
        return programs::latin_hypercube_design(count, axes.size(), values[random_state]);
    }
    if (values[design] == "sobol") {
        return programs::sobol_design(count, axes.size(), values[random_state]);
    }
    std::vector<std::uint32_t> steps;
    for (const json& axis : axes) steps.push_back(steps_of(axis));
    return programs::grid_design(steps);
}

/// The params that differ, of each point.
Result<std::vector<json>> points_of(const JobType& type, const ParamValues& values) {
    const json& axes = values[over];
    const bool is_grid = values[design] == "grid";
    double count = 1;
    for (const json& axis : axes) count *= steps_of(axis);
    if (is_grid && count > points_max) {
        return refused("params.over: a grid of more than " + std::to_string(points_max) +
                       " points; give fewer steps, or another design");
    }
    std::vector<json> all;
    for (const std::vector<double>& at : design_of(values)) {
        json point = json::object();
        std::size_t axis = 0;
        for (const auto& [name, range] : axes.items()) {
            point[name] = value_at(range, at[axis++], is_grid, is_whole(type, name));
        }
        all.push_back(std::move(point));
    }
    return all;
}

json params_at(const ParamValues& values, const json& point) {
    json params = values[fixed].is_null() ? json::object() : values[fixed];
    params.update(point);
    return params;
}

/// Every point as the type's own table reads it, before any job is submitted.
Result<void> check_points(const JobType& type, const ParamValues& values) {
    const json& axes = values[over];
    for (const auto& [name, axis] : axes.items()) {
        if (!values[fixed].contains(name)) continue;
        return refused("params.over: " + printable(name, shown_max) +
                       " is one of params.params too; leave it out there");
    }
    for (const Param& param : type.params.all()) {
        const std::string name{param_name(param)};
        if (!std::holds_alternative<OutputFile>(param)) continue;
        if (!values[fixed].contains(name) && !axes.contains(name)) continue;
        return refused("params." + std::string{values[fixed].contains(name) ? "params" : "over"} +
                       ": the jobs of a sweep write no files; leave out " + name);
    }
    const auto all = points_of(type, values);
    if (!all) return unexpected(all.error());
    params::NoFiles files;
    for (const json& point : *all) {
        const json params = params_at(values, point);
        const auto good = read_params(type.params.of(params), params, type.check_together, files);
        if (!good) {
            return refused("params.over: at " + shown(point) + ": " + good.error().message);
        }
    }
    return {};
}

Result<void> check_together(const ParamValues& values) {
    const auto type = swept_type(values);
    if (!type) return unexpected(type.error());
    return check_points(**type, values);
}

/// Numbers, and whether something is so, by their names; those within objects as "peak.mean".
void flatten(const json& document, const std::string& before, json& flat) {
    for (const auto& [key, value] : document.items()) {
        if (value.is_object()) flatten(value, before + key + ".", flat);
        if (value.is_number() || value.is_boolean()) flat[before + key] = value;
    }
}

void append_field(std::string& text, const json& value) {
    text += ',';
    if (value.is_null()) return;
    append_csv_field(text, value.is_string() ? value.get<std::string>() : value.dump());
}

/// What a sweep is, once its params are read.
struct Sweep {
    std::string job;
    std::string design;
    std::vector<json> points;  ///< The params that differ.
    std::vector<json> params;  ///< All.
    data::DataPath path;
    OutputWriter writer;

    [[nodiscard]] JobsOrResult jobs() const {
        JobsOrResult next;
        for (std::size_t i = 0; i < points.size(); ++i) {
            std::string name = points[i].dump();
            if (name.size() > shown_max) name = "point " + std::to_string(i + 1);
            next.jobs.push_back({.type = job, .params = params[i], .name = std::move(name)});
        }
        return next;
    }

    /// A line a point: its number, its params, and what its job's result has of numbers.
    [[nodiscard]] Result<JobsOrResult> gather(std::span<const std::string> results) const {
        std::vector<json> rows;
        std::vector<std::string> columns;
        for (const std::string& result : results) {
            json flat = json::object();
            flatten(json::parse(result, nullptr, false), "", flat);
            for (const auto& [name, value] : flat.items()) {
                if (std::ranges::find(columns, name) == columns.end()) columns.push_back(name);
            }
            rows.push_back(std::move(flat));
        }
        std::string text = "point";
        for (const auto& [name, value] : points.front().items()) append_field(text, name);
        for (const std::string& name : columns) {
            append_field(text, points.front().contains(name) ? "result." + name : name);
        }
        text += '\n';
        for (std::size_t i = 0; i < rows.size(); ++i) {
            text += std::to_string(i + 1);
            for (const json& value : points[i]) append_field(text, value);
            for (const std::string& name : columns) append_field(text, rows[i].value(name, json()));
            text += '\n';
        }
        if (auto written = writer.write(path, as_byte_span(text)); !written) {
            return unexpected(written.error());
        }
        JobsOrResult next;
        next.result = {{"job", job},
                       {"design", design},
                       {"points", points.size()},
                       {"columns", columns},
                       {"files", {{"table", path.shown()}}},
                       {"result_sha256", to_hex(sha256(as_byte_span(text)))}};
        return next;
    }
};

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    const auto type = swept_type(values);
    if (!type) return unexpected(type.error());
    auto all = points_of(**type, values);
    if (!all) return unexpected(all.error());
    auto sweep = std::make_shared<Sweep>(Sweep{values[job],
                                               values[design],
                                               std::move(*all),
                                               {},
                                               values[table_file],
                                               OutputWriter{context}});
    for (const json& point : sweep->points) sweep->params.push_back(params_at(values, point));
    PreparedJob prepared;
    prepared.next_jobs = [sweep](std::span<const std::string> results) -> Result<JobsOrResult> {
        if (results.empty()) return sweep->jobs();
        return sweep->gather(results);
    };
    return prepared;
}

}  // namespace

JobType sweep_job() {
    return {.name = "sweep",
            .title = "Sweep",
            .summary = "Runs a job with many values of its params, and gathers one table",
            .params = {.common = {job, fixed, over, design, points, random_state, table_file}},
            .make = make,
            .check_together = check_together};
}

}  // namespace netcompute::jobs
