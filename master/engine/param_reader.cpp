#include "engine/param_reader.hpp"

#include <netcompute/printable.hpp>

#include <cmath>

namespace netcompute::engine {
namespace {

constexpr std::size_t shown_bytes_max = 100;  ///< Of what a message repeats.
constexpr std::size_t text_bytes_max = 4096;  ///< A path's length; names of columns are shorter.

std::string shown(const nlohmann::json& value) {
    return printable(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                     shown_bytes_max);
}

std::string shown(double value) {
    return nlohmann::json(value).dump();
}

}  // namespace

ParamReader::ParamReader(const nlohmann::json& params) : params_{params} {
    if (!params.is_object()) error_ = "params: " + shown(params) + " is not an object";
}

const nlohmann::json* ParamReader::find(const std::string& key, bool required) {
    known_.insert(key);
    if (!params_.is_object()) return nullptr;
    const auto found = params_.find(key);
    if (found != params_.end()) return &*found;
    if (required) fail(key, "is missing");
    return nullptr;
}

void ParamReader::fail(const std::string& key, const std::string& what) {
    if (error_.empty()) error_ = "params." + key + ": " + what;
}

std::uint64_t ParamReader::whole_number(const std::string& key, std::uint64_t min,
                                        std::uint64_t max, std::optional<std::uint64_t> otherwise) {
    const nlohmann::json* const value = find(key, !otherwise);
    if (value == nullptr) return otherwise.value_or(min);
    const auto refuse = [&] {
        fail(key, shown(*value) + " is not a whole number from " + std::to_string(min) + " to " +
                      std::to_string(max));
        return min;
    };
    if (value->is_number_integer() && (value->is_number_unsigned() || *value >= 0)) {
        const auto number = value->get<std::uint64_t>();
        return number < min || number > max ? refuse() : number;
    }
    // 1e9 is a whole number too, though JSON reads it as a floating-point one.
    constexpr double exact_max = 9007199254740992.0;
    if (!value->is_number_float()) return refuse();
    const double number = value->get<double>();
    if (!(number >= 0 && number <= exact_max) || number != std::floor(number)) return refuse();
    const auto whole = static_cast<std::uint64_t>(number);
    return whole < min || whole > max ? refuse() : whole;
}

double ParamReader::number(const std::string& key, double min, double max, double otherwise) {
    const nlohmann::json* const value = find(key, false);
    if (value == nullptr) return otherwise;
    const double number = value->is_number() ? value->get<double>() : std::nan("");
    if (number >= min && number <= max) return number;
    fail(key, shown(*value) + " is not a number from " + shown(min) + " to " + shown(max));
    return otherwise;
}

std::string ParamReader::text(const std::string& key, std::optional<std::string> otherwise) {
    const nlohmann::json* const value = find(key, !otherwise);
    if (value == nullptr) return otherwise.value_or("");
    if (value->is_string() && value->get_ref<const std::string&>().size() > text_bytes_max) {
        fail(key, "has " + std::to_string(value->get_ref<const std::string&>().size()) +
                      " bytes; give at most " + std::to_string(text_bytes_max));
        return {};
    }
    if (value->is_string() && !value->get_ref<const std::string&>().empty()) {
        return value->get<std::string>();
    }
    fail(key, shown(*value) + " is not a text of at least one letter");
    return {};
}

Result<void> ParamReader::finish() {
    if (error_.empty() && params_.is_object()) {
        for (const auto& [key, value] : params_.items()) {
            if (known_.contains(key)) continue;
            std::string names;
            for (const std::string& name : known_) names += (names.empty() ? "" : ", ") + name;
            fail(printable(key, shown_bytes_max),
                 "is not a parameter of this type; it takes " + names);
        }
    }
    if (!error_.empty()) return unexpected(ErrorCode::InvalidArgument, error_);
    return {};
}

}  // namespace netcompute::engine
