#pragma once

#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::protocol {

/// The largest whole number that a double, and so a browser, holds exactly.
inline constexpr std::uint64_t json_integer_max = (std::uint64_t{1} << 53) - 1;

/// Reads typed fields from an untrusted header. The first bad field is recorded and everything
/// after it reads as zero or empty, so a caller checks for errors once, at the end.
class HeaderReader {
 public:
    HeaderReader(const nlohmann::json& header, std::string_view message)
        : header_{header}, message_{message} {}

    /// Text of `size_min` to `size_max` bytes.
    [[nodiscard]] std::string text(std::string_view field, std::size_t size_min,
                                   std::size_t size_max);
    /// A whole number; 3.0 is not one.
    [[nodiscard]] std::uint64_t integer(std::string_view field, std::uint64_t min,
                                        std::uint64_t max);
    [[nodiscard]] std::uint32_t integer32(
        std::string_view field, std::uint32_t min = 0,
        std::uint32_t max = std::numeric_limits<std::uint32_t>::max()) {
        return static_cast<std::uint32_t>(integer(field, min, max));
    }
    [[nodiscard]] double number(std::string_view field, double min, double max);
    [[nodiscard]] bool boolean(std::string_view field);
    template <typename IdType>
    [[nodiscard]] IdType id(std::string_view field) {
        return IdType{integer(field, 1, json_integer_max)};
    }
    /// An array of ids.
    template <typename IdType>
    [[nodiscard]] std::vector<IdType> ids(std::string_view field) {
        std::vector<IdType> values;
        const nlohmann::json* array = find(field);
        if (array == nullptr) return values;
        if (!array->is_array()) {
            fail(field, *array, "an array of ids");
            return values;
        }
        values.reserve(array->size());
        for (const auto& entry : *array) {
            values.push_back(IdType{integer_of(field, entry, 1, json_integer_max)});
        }
        return values;
    }

    /// Records that `field` is not `expected`, unless there was an earlier error.
    void fail(std::string_view field, const nlohmann::json& value, std::string_view expected);
    void fail(std::string problem);

    [[nodiscard]] bool ok() const { return problem_.empty(); }
    [[nodiscard]] Unexpected error() const {
        return unexpected(ErrorCode::ProtocolViolation, problem_);
    }

 private:
    [[nodiscard]] const nlohmann::json* find(std::string_view field);
    [[nodiscard]] std::uint64_t integer_of(std::string_view field, const nlohmann::json& value,
                                           std::uint64_t min, std::uint64_t max);

    const nlohmann::json& header_;
    std::string_view message_;
    std::string problem_;
};

}  // namespace netcompute::protocol
