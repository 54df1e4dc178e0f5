#pragma once

#include <netcompute/instant.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netcompute {

/// How many lines strangers may cause: so many of a kind from one address in a minute, and so many
/// of a kind from all of them. What comes beyond is counted.
class LogBudget {
 public:
    struct Limits {
        std::uint64_t lines_per_address = 60;
        std::uint64_t lines_in_all = 600;
        std::size_t addresses_max = 1000;  ///< Counted one by one; the others share one count.
        std::size_t told_max = 10;         ///< Addresses of a kind that are told one by one.
    };
    /// What was not written in a minute.
    struct LeftOut {
        std::string kind;
        std::string address;  ///< Or "N other addresses".
        std::uint64_t lines = 0;
        friend bool operator==(const LeftOut&, const LeftOut&) = default;
    };

    LogBudget() = default;
    explicit LogBudget(Limits limits) : limits_{limits} {}

    /// Whether a line may be written. Without an address only the limit for all of them holds.
    /// Call end_minute() before.
    [[nodiscard]] bool admit(std::string_view kind, std::string_view address);
    /// If a minute is over, begins the next and says what the last one left out: of each kind the
    /// most first, then by address.
    [[nodiscard]] std::vector<LeftOut> end_minute(Instant now);
    /// Since the start.
    [[nodiscard]] std::uint64_t left_out_total() const { return left_out_total_; }

 private:
    struct Count {
        std::uint64_t written = 0;
        std::uint64_t left_out = 0;
    };
    [[nodiscard]] Count& count_of(std::string_view kind, std::string_view address);

    Limits limits_;
    Instant minute_began_{};
    std::map<std::pair<std::string, std::string>, Count, std::less<>> counts_;
    std::map<std::string, std::uint64_t, std::less<>> written_by_kind_;
    std::uint64_t left_out_total_ = 0;
};

/// "4211" as "4,211".
[[nodiscard]] std::string with_thousands(std::uint64_t number);

}  // namespace netcompute
