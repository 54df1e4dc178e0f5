#include "header_reader.hpp"

#include <cmath>

namespace netcompute::protocol {
namespace {

/// The value as JSON, truncated to a length that fits into an error message.
std::string shown(const nlohmann::json& value) {
    constexpr std::size_t shown_bytes_max = 60;
    std::string text =
        value.dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace);
    if (text.size() > shown_bytes_max) {
        text.resize(shown_bytes_max);
        text += "…";
    }
    return text;
}

std::string short_number(double value) {
    return nlohmann::json(value).dump();
}

}  // namespace

const nlohmann::json* HeaderReader::find(std::string_view field) {
    if (!ok()) return nullptr;
    const auto found = header_.find(field);
    if (found != header_.end()) return &*found;
    fail(std::string{message_} + ": " + std::string{field} + " is missing");
    return nullptr;
}

std::string HeaderReader::text(std::string_view field, std::size_t size_min, std::size_t size_max) {
    const nlohmann::json* value = find(field);
    if (value == nullptr) return {};
    const auto* text = value->get_ptr<const std::string*>();
    if (text == nullptr || text->size() < size_min || text->size() > size_max) {
        fail(field, *value,
             "text of " + std::to_string(size_min) + ".." + std::to_string(size_max) + " bytes");
        return {};
    }
    return *text;
}

std::uint64_t HeaderReader::integer(std::string_view field, std::uint64_t min, std::uint64_t max) {
    const nlohmann::json* value = find(field);
    return value == nullptr ? 0 : integer_of(field, *value, min, max);
}

std::uint64_t HeaderReader::integer_of(std::string_view field, const nlohmann::json& value,
                                       std::uint64_t min, std::uint64_t max) {
    // The parser keeps a whole number >= 0 as unsigned; one that the program made may be signed.
    std::uint64_t number = 0;
    bool whole = false;
    if (const auto* natural = value.get_ptr<const std::uint64_t*>()) {
        number = *natural;
        whole = true;
    } else if (const auto* integer = value.get_ptr<const std::int64_t*>();
               integer && *integer >= 0) {
        number = static_cast<std::uint64_t>(*integer);
        whole = true;
    }
    if (whole && number >= min && number <= max) return number;
    fail(field, value, "a whole number " + std::to_string(min) + ".." + std::to_string(max));
    return 0;
}

double HeaderReader::number(std::string_view field, double min, double max) {
    const nlohmann::json* value = find(field);
    if (value == nullptr) return 0;
    if (value->is_number()) {
        const double number = value->get<double>();
        if (std::isfinite(number) && number >= min && number <= max) return number;
    }
    fail(field, *value, "a number " + short_number(min) + ".." + short_number(max));
    return 0;
}

bool HeaderReader::boolean(std::string_view field) {
    const nlohmann::json* value = find(field);
    if (value == nullptr) return false;
    if (const auto* flag = value->get_ptr<const bool*>()) return *flag;
    fail(field, *value, "true or false");
    return false;
}

void HeaderReader::fail(std::string_view field, const nlohmann::json& value,
                        std::string_view expected) {
    fail(std::string{message_} + ": " + std::string{field} + ": " + shown(value) + " is not " +
         std::string{expected});
}

void HeaderReader::fail(std::string problem) {
    if (ok()) problem_ = std::move(problem);
}

}  // namespace netcompute::protocol
