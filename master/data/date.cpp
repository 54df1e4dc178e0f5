#include "data/date.hpp"

#include "data/number.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace netcompute::data {
namespace {

constexpr double minutes_a_day = 1440;

/// Takes whole numbers and marks from the front of a text.
class Scanner {
 public:
    explicit Scanner(std::string_view text) : rest_{text} {}

    /// Of `least` to `most` digits.
    std::optional<int> number(std::size_t least, std::size_t most) {
        std::size_t size = 0;
        while (size < rest_.size() && rest_[size] >= '0' && rest_[size] <= '9') ++size;
        if (size < least || size > most) return std::nullopt;
        int value = 0;
        std::from_chars(rest_.data(), rest_.data() + size, value);
        rest_.remove_prefix(size);
        return value;
    }
    bool mark(std::string_view marks, char& found) {
        if (rest_.empty() || marks.find(rest_.front()) == std::string_view::npos) return false;
        found = rest_.front();
        rest_.remove_prefix(1);
        return true;
    }
    bool mark(char wanted) {
        char found = 0;
        return mark({&wanted, 1}, found);
    }
    [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
    std::string_view rest_;
};

std::optional<double> days_of(int year, int month, int day) {
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok() || year < 1000) return std::nullopt;
    return static_cast<double>(std::chrono::sys_days{date}.time_since_epoch().count());
}

/// The time behind a date as a part of a day; nothing for what is no time.
std::optional<double> time_of_day(Scanner& scanner) {
    if (scanner.rest().empty()) return 0.0;
    char mark = 0;
    if (!scanner.mark("T ", mark)) return std::nullopt;
    const auto hour = scanner.number(1, 2);
    if (!hour || *hour > 23 || !scanner.mark(':')) return std::nullopt;
    const auto minute = scanner.number(2, 2);
    if (!minute || *minute > 59) return std::nullopt;
    double seconds = 0;
    if (scanner.mark(':')) {
        const auto whole = scanner.number(2, 2);
        if (!whole || *whole > 60) return std::nullopt;
        seconds = *whole;
        if (scanner.mark(".,", mark)) {
            const std::size_t before = scanner.rest().size();
            const auto digits = scanner.number(1, 9);
            if (!digits) return std::nullopt;
            const auto count = static_cast<double>(before - scanner.rest().size());
            seconds += *digits / std::pow(10.0, count);
        }
    }
    double offset = 0;
    if (scanner.mark("+-", mark)) {
        const double sign = mark == '-' ? -1 : 1;
        const auto hours = scanner.number(2, 2);
        if (!hours) return std::nullopt;
        scanner.mark(':');
        offset = sign * (*hours * 60 + scanner.number(2, 2).value_or(0));
    } else {
        scanner.mark('Z');
    }
    if (!scanner.rest().empty()) return std::nullopt;
    return (*hour * 60 + *minute + seconds / 60 - offset) / minutes_a_day;
}

}  // namespace

std::optional<ParsedDate> parse_date(std::string_view text, DateOrder order) {
    constexpr std::size_t longest = 40;
    text = trim_blanks(text);
    if (text.size() < 8 || text.size() > longest || text.front() < '0' || text.front() > '9') {
        return std::nullopt;
    }
    Scanner scanner{text};
    const std::size_t first_digits = text.find_first_not_of("0123456789");
    const auto first = scanner.number(1, 4);
    char mark = 0;
    if (!first || !scanner.mark("-/.", mark)) return std::nullopt;
    const auto second = scanner.number(1, 2);
    if (!second || !scanner.mark(mark)) return std::nullopt;
    ParsedDate date;
    std::optional<double> days;
    if (first_digits == 4) {
        const auto day = scanner.number(1, 2);
        if (!day || mark == '.') return std::nullopt;
        days = days_of(*first, *second, *day);
    } else {
        const auto year = scanner.number(4, 4);
        if (!year || first_digits > 2) return std::nullopt;
        const bool is_day_first = mark == '.' || order == DateOrder::DayFirst ||
                                  (order == DateOrder::Unclear && *first > 12);
        if (mark != '.') {
            if (*first > 12) date.order = DateOrder::DayFirst;
            if (*second > 12) date.order = DateOrder::MonthFirst;
            date.needs_order = date.order == DateOrder::Unclear && *first != *second;
        }
        days = is_day_first ? days_of(*year, *second, *first) : days_of(*year, *first, *second);
    }
    if (!days) return std::nullopt;
    const auto time = time_of_day(scanner);
    if (!time) return std::nullopt;
    date.days = *days + *time;
    return date;
}

std::string date_text(double days) {
    const double day = std::floor(days);
    const std::chrono::year_month_day date{
        std::chrono::sys_days{std::chrono::days{static_cast<int>(day)}}};
    const auto seconds = static_cast<int>(std::floor((days - day) * minutes_a_day * 60 + 0.5));
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    std::string written{text.data()};
    if (seconds == 0) return written;
    std::snprintf(text.data(), text.size(), " %02d:%02d:%02d", seconds / 3600, seconds / 60 % 60,
                  seconds % 60);
    return written + text.data();
}

DateParts date_parts(double days) {
    const double day = std::floor(days);
    const std::chrono::sys_days whole{std::chrono::days{static_cast<int>(day)}};
    const std::chrono::year_month_day date{whole};
    const std::chrono::weekday weekday{whole};
    return {static_cast<double>(static_cast<unsigned>(date.month())),
            static_cast<double>(weekday.iso_encoding() - 1), (days - day) * 24};
}

}  // namespace netcompute::data
