#include "learning/candidates.hpp"

#include "params/no_files.hpp"
#include <netcompute/math.hpp>
#include <netcompute/printable.hpp>
#include <netcompute/random.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>

namespace netcompute::learning {
namespace {

using nlohmann::json;

/// The stream of a seed that candidates are drawn from.
constexpr std::uint64_t candidate_stream = std::uint64_t{1} << 33;
/// Draws in vain, for one candidate, after which there are taken to be no others.
constexpr int vain_draws_max = 10'000;
constexpr std::size_t json_text_max = 100;
constexpr std::size_t values_max = 500;  ///< Of a list.

std::string json_text(const json& value) {
    return printable(value.dump(-1, ' ', false, json::error_handler_t::replace), json_text_max);
}

/// A number of combinations, which may be beyond all whole numbers.
std::string count_text(double count) {
    constexpr double exact_max = 9007199254740992.0;
    return count <= exact_max ? std::to_string(static_cast<std::uint64_t>(count))
                              : json(count).dump();
}

/// Begins with the key, as check_grid() must; plan_candidates() puts "params." before it.
Unexpected bad_grid(const std::string& name, const std::string& what) {
    return unexpected(
        ErrorCode::InvalidArgument,
        "grid" + (name.empty() ? "" : "." + printable(name, json_text_max)) + ": " + what);
}

Result<void> check_range(const std::string& name, const json& range) {
    for (const auto& [key, value] : range.items()) {
        const bool is_end = key == "min" || key == "max";
        const bool is_scale = key == "scale" && (value == "linear" || value == "log");
        if (is_scale || (is_end && value.is_number())) continue;
        return bad_grid(name, "\"" + printable(key, json_text_max) + "\": " + json_text(value) +
                                  " is not part of a range: {\"min\": number, \"max\": number, "
                                  "\"scale\": \"linear\" or \"log\"}");
    }
    if (!range.contains("min") || !range.contains("max")) {
        return bad_grid(name, "a range needs \"min\" and \"max\"");
    }
    const double min = range["min"].get<double>();
    const double max = range["max"].get<double>();
    if (!(min < max)) return bad_grid(name, json_text(range) + ": \"min\" is not below \"max\"");
    if (range.value("scale", "") == "log" && !(min > 0)) {
        return bad_grid(name, json_text(range) + ": \"min\" must be above 0 on a log scale");
    }
    return {};
}

Result<void> check_list(const std::string& name, const json& list) {
    if (list.empty()) return bad_grid(name, "no values are listed; give at least one");
    if (list.size() > values_max) {
        return bad_grid(name, std::to_string(list.size()) + " values are listed; list at most " +
                                  std::to_string(values_max) + ", or give a range and n_iter");
    }
    std::set<json> known;
    for (const json& value : list) {
        if (!known.insert(value).second)
            return bad_grid(name, json_text(value) + " is listed twice");
    }
    return {};
}

class CandidatePlan {
 public:
    CandidatePlan(const Learner& learner, const params::ParamValues& others,
                  const SearchSpace& space)
        : learner_{learner},
          space_{space},
          others_(params::values_document(learner.params, others)),  // Braces would make a list.
          random_{space.seed, candidate_stream} {}

    /// Names, counts, and each value by itself: quick, for any number of candidates.
    Result<std::size_t> check() {
        if (auto known = check_names(); !known) return unexpected(known.error());
        if (auto known = check_count(); !known) return unexpected(known.error());
        for (const auto& [name, values] : space_.grid.items()) {
            const json ends =
                values.is_array() ? values : json::array({values["min"], values["max"]});
            for (const json& end : ends) {
                json point = json::object();
                point[name] = end;
                if (auto good = add(point); !good) return unexpected(good.error());
            }
        }
        candidates_.clear();
        // Of those that are drawn there may be more combinations than numbers to count them.
        return space_.draws ? *space_.draws : static_cast<std::uint64_t>(combinations());
    }

    Result<std::vector<Candidate>> run() {
        if (auto good = check(); !good) return unexpected(good.error());
        auto made = space_.draws ? draw_all() : combine_all();
        if (!made) return unexpected(made.error());
        return std::move(candidates_);
    }

 private:
    [[nodiscard]] const params::Param* find(const std::string& name) const {
        const auto found = std::ranges::find(learner_.params, name, params::param_name);
        return found == learner_.params.end() ? nullptr : &*found;
    }

    [[nodiscard]] Result<void> check_names() const {
        for (const auto& [name, values] : space_.grid.items()) {
            if (find(name) != nullptr) {
                if (values.is_array() || space_.draws) continue;
                return bad_grid(name,
                                "a range is for candidates that are drawn; give n_iter, or a "
                                "list of values");
            }
            std::string names;
            for (const params::Param& param : learner_.params) {
                names += (names.empty() ? "" : ", ") + std::string{params::param_name(param)};
            }
            return bad_grid(name, "is not a parameter of " + std::string{learner_.article} +
                                      "; there are " + names);
        }
        return {};
    }

    /// Reads a candidate as the learner's own table does.
    Result<void> add(const json& point) {
        json params = others_;
        params.update(point);
        params::NoFiles files;
        auto values = params::read_params(learner_.params, params, {}, files);
        if (!values) {
            std::string message = values.error().message;
            if (message.starts_with("params.")) message.replace(0, 7, "grid.");
            return unexpected(values.error().code, message);
        }
        candidates_.push_back({point, std::move(*values)});
        return {};
    }

    /// How many combinations of lists there are; more than candidates_max if there are ranges.
    [[nodiscard]] double combinations() const {
        double count = 1;
        for (const json& values : space_.grid) {
            count *= values.is_array() ? static_cast<double>(values.size()) : 1e300;
        }
        return count;
    }

    [[nodiscard]] Result<void> check_count() const {
        const double count = combinations();
        if (space_.draws && static_cast<double>(*space_.draws) > count) {
            return unexpected(ErrorCode::InvalidArgument,
                              "n_iter: " + std::to_string(*space_.draws) +
                                  " candidates are more than the " + count_text(count) +
                                  " that the grid has; leave it out, to try them all");
        }
        if (space_.draws || count <= static_cast<double>(candidates_max)) return {};
        return bad_grid("", "its lists have " + count_text(count) + " combinations; at most " +
                                std::to_string(candidates_max) +
                                " are tried: give n_iter, to draw some");
    }

    Result<void> combine_all() {
        const auto count = static_cast<std::size_t>(combinations());
        for (std::size_t number = 0; number < count; ++number) {
            json point = json::object();
            std::size_t rest = number;
            for (auto name = space_.grid.rbegin(); name != space_.grid.rend(); ++name) {
                point[name.key()] = name.value()[rest % name.value().size()];
                rest /= name.value().size();
            }
            if (auto added = add(point); !added) return added;
        }
        return {};
    }

    Result<void> draw_all() {
        std::set<std::string> known;
        int vain = 0;
        while (candidates_.size() < *space_.draws) {
            const json point = draw();
            if (!known.insert(point.dump()).second) {
                if (++vain < vain_draws_max) continue;
                return unexpected(ErrorCode::InvalidArgument,
                                  "n_iter: the grid has hardly more than " +
                                      std::to_string(candidates_.size()) +
                                      " different candidates; give less");
            }
            vain = 0;
            if (auto added = add(point); !added) return added;
        }
        return {};
    }

    json draw() {
        json point = json::object();
        for (const auto& [name, values] : space_.grid.items()) {
            if (values.is_array()) {
                point[name] = values[static_cast<std::size_t>(random_.next_below(values.size()))];
            } else {
                const bool is_whole = std::holds_alternative<params::WholeNumber>(*find(name));
                point[name] = is_whole ? json(draw_whole(values)) : json(draw_number(values));
            }
        }
        return point;
    }

    double draw_number(const json& range) {
        const double min = range["min"].get<double>();
        const double max = range["max"].get<double>();
        const double unit = random_.next_unit();
        const bool is_log = range.value("scale", "") == "log";
        const double drawn =
            is_log ? math::exp(math::log(min) + unit * (math::log(max) - math::log(min)))
                   : min + unit * (max - min);
        return std::clamp(drawn, min, max);
    }

    std::uint64_t draw_whole(const json& range) {
        const auto min = range["min"].get<std::uint64_t>();
        const auto max = range["max"].get<std::uint64_t>();
        if (range.value("scale", "") != "log") return min + random_.next_below(max - min + 1);
        const double low = math::log(static_cast<double>(min));
        const double high = math::log(static_cast<double>(max) + 1);
        const double drawn = math::exp(low + random_.next_unit() * (high - low));
        return std::clamp(static_cast<std::uint64_t>(drawn), min, max);
    }

    const Learner& learner_;
    const SearchSpace& space_;
    json others_;
    Philox random_;
    std::vector<Candidate> candidates_;
};

}  // namespace

Result<void> check_grid(const json& grid) {
    if (!grid.is_object() || grid.empty()) {
        return bad_grid("", json_text(grid) +
                                " is not an object of at least one parameter and its "
                                "values: {\"C\": [0.1, 1, 10]}");
    }
    for (const auto& [name, values] : grid.items()) {
        if (!values.is_array() && !values.is_object()) {
            return bad_grid(name, json_text(values) + " is neither a list of values nor a range");
        }
        auto good = values.is_array() ? check_list(name, values) : check_range(name, values);
        if (!good) return good;
    }
    return {};
}

Result<std::size_t> check_candidates(const Learner& learner, const params::ParamValues& others,
                                     const SearchSpace& space) {
    auto count = CandidatePlan{learner, others, space}.check();
    if (count) return count;
    return unexpected(count.error().code, "params." + count.error().message);
}

Result<std::vector<Candidate>> plan_candidates(const Learner& learner,
                                               const params::ParamValues& others,
                                               const SearchSpace& space) {
    auto candidates = CandidatePlan{learner, others, space}.run();
    if (candidates) return candidates;
    return unexpected(candidates.error().code, "params." + candidates.error().message);
}

}  // namespace netcompute::learning
