#include "data/profile.hpp"

#include "data/field_kinds.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string_view>
#include <unordered_set>

namespace netcompute::data {
namespace {

constexpr std::size_t fields_shown_max = 8;

/// A value, and how many rows have it.
struct CountedNumber {
    double value = 0;
    std::uint64_t rows = 0;
};

/// The value at a place of all rows in order, from 0: between two rows, between their values.
double at_place(std::span<const CountedNumber> rising, double place) {
    const auto below = static_cast<std::uint64_t>(place);
    const double share = place - static_cast<double>(below);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < rising.size(); ++i) {
        seen += rising[i].rows;
        if (seen <= below) continue;
        const bool is_last_of_equal = seen == below + 1 && i + 1 < rising.size();
        const double next = is_last_of_equal ? rising[i + 1].value : rising[i].value;
        return rising[i].value + (next - rising[i].value) * share;
    }
    return rising.back().value;
}

std::optional<NumberProfile> profile_numbers(std::span<const CountedNumber> rising) {
    if (rising.empty()) return std::nullopt;
    std::uint64_t rows = 0;
    double sum = 0;
    for (const CountedNumber& each : rising) {
        rows += each.rows;
        sum += each.value * static_cast<double>(each.rows);
    }
    const auto count = static_cast<double>(rows);
    NumberProfile profile;
    profile.mean = sum / count;
    double squares = 0;
    for (const CountedNumber& each : rising) {
        const double from_mean = each.value - profile.mean;
        squares += from_mean * from_mean * static_cast<double>(each.rows);
    }
    profile.deviation = std::sqrt(squares / count);
    profile.min = rising.front().value;
    profile.lower_quartile = at_place(rising, (count - 1) * 0.25);
    profile.median = at_place(rising, (count - 1) * 0.5);
    profile.upper_quartile = at_place(rising, (count - 1) * 0.75);
    profile.max = rising.back().value;
    return profile;
}

/// The numbers in order, equal ones together. Missing ones are no numbers.
std::vector<CountedNumber> counted(std::vector<CountedNumber> numbers) {
    std::erase_if(numbers, [](const CountedNumber& each) {
        return std::isnan(each.value) || each.rows == 0;
    });
    std::sort(numbers.begin(), numbers.end(),
              [](const auto& a, const auto& b) { return a.value < b.value; });
    std::size_t kept = 0;
    for (const CountedNumber& each : numbers) {
        if (kept > 0 && numbers[kept - 1].value == each.value) {
            numbers[kept - 1].rows += each.rows;
        } else {
            numbers[kept++] = each;
        }
    }
    numbers.resize(kept);
    return numbers;
}

std::vector<std::string> texts_of(std::span<const FieldAt> fields) {
    std::vector<std::string> texts;
    for (const FieldAt& field : fields.first(std::min(fields.size(), fields_shown_max))) {
        texts.push_back(field.text);
    }
    return texts;
}

std::vector<std::size_t> rising_hashes(const Texts& texts) {
    std::vector<std::size_t> hashes;
    hashes.reserve(texts.size());
    for (std::size_t row = 0; row < texts.size(); ++row) {
        if (!texts[row].empty()) hashes.push_back(std::hash<std::string_view>{}(texts[row]));
    }
    std::sort(hashes.begin(), hashes.end());
    return hashes;
}

struct Profiler {
    const Column& column;

    ColumnProfile operator()(const CodedTexts& coded) const {
        std::vector<std::uint64_t> rows(coded.texts.size());
        for (const std::uint8_t code : coded.codes) {
            if (code != code_missing) ++rows[code];
        }
        ColumnProfile profile;
        std::vector<std::size_t> order;
        std::vector<CountedNumber> numbers;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (rows[i] > 0) order.push_back(i);
            numbers.push_back({coded.numbers[i], rows[i]});
        }
        profile.distinct = order.size();
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return rows[a] > rows[b]; });
        order.resize(std::min(order.size(), fields_shown_max));
        for (const std::size_t i : order) {
            profile.most_common.push_back({coded.texts[i].text, rows[i]});
        }
        if (column.kind == ColumnKind::Number || is_date(column.kind)) {
            const auto rising = counted(std::move(numbers));
            profile.distinct = rising.size();
            profile.numbers = profile_numbers(rising);
        }
        return profile;
    }

    ColumnProfile operator()(const Numbers& numbers) const {
        std::vector<CountedNumber> values;
        values.reserve(numbers.values.size());
        for (const double value : numbers.values) values.push_back({value, 1});
        const auto rising = counted(std::move(values));
        return {rising.size(), profile_numbers(rising), {}, texts_of(numbers.examples)};
    }

    ColumnProfile operator()(const Texts& texts) const {
        std::vector<std::size_t> hashes = rising_hashes(texts);
        const auto end = std::unique(hashes.begin(), hashes.end());
        return {static_cast<std::uint64_t>(end - hashes.begin()), {}, {}, texts_of(texts.examples)};
    }
};

}  // namespace

ColumnProfile profile_column(const Column& column) {
    return std::visit(Profiler{column}, column.values);
}

std::optional<std::uint64_t> first_repeated(const Texts& texts) {
    std::vector<std::size_t> hashes = rising_hashes(texts);
    // Those that are there twice; without a collision they are texts that are.
    std::size_t twice = 0;
    for (std::size_t i = 1; i < hashes.size(); ++i) {
        if (hashes[i] == hashes[i - 1]) hashes[twice++] = hashes[i];
    }
    hashes.resize(twice);
    if (hashes.empty()) return std::nullopt;
    std::unordered_set<std::string_view> seen;
    for (std::size_t row = 0; row < texts.size(); ++row) {
        const std::string_view text = texts[row];
        const std::size_t hash = std::hash<std::string_view>{}(text);
        if (!std::binary_search(hashes.begin(), hashes.end(), hash)) continue;
        if (!seen.insert(text).second) return row;
    }
    return std::nullopt;
}

}  // namespace netcompute::data
