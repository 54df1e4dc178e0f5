#pragma once

#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace netcompute::engine {

/// Reads a job's parameters and remembers the first mistake, so that a job type lists what it
/// takes and asks once, at the end, whether all was well.
class ParamReader {
 public:
    explicit ParamReader(const nlohmann::json& params);

    [[nodiscard]] std::uint64_t whole_number(const std::string& key, std::uint64_t min,
                                             std::uint64_t max,
                                             std::optional<std::uint64_t> otherwise = {});
    [[nodiscard]] double number(const std::string& key, double min, double max, double otherwise);
    [[nodiscard]] std::string text(const std::string& key,
                                   std::optional<std::string> otherwise = {});

    /// Errors: InvalidArgument for the first bad, missing or unknown parameter.
    [[nodiscard]] Result<void> finish();

 private:
    [[nodiscard]] const nlohmann::json* find(const std::string& key, bool required);
    void fail(const std::string& key, const std::string& what);

    const nlohmann::json& params_;
    std::set<std::string> known_;
    std::string error_;
};

}  // namespace netcompute::engine
