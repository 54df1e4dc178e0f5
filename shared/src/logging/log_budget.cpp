#include <netcompute/log_budget.hpp>

#include <algorithm>

namespace netcompute {
namespace {

constexpr Duration minute = std::chrono::minutes{1};

/// The most first; and beyond `told_max` of them all in one.
std::vector<LogBudget::LeftOut> shorten(std::vector<LogBudget::LeftOut> of_a_kind,
                                        std::size_t told_max) {
    std::ranges::stable_sort(of_a_kind, std::ranges::greater{}, &LogBudget::LeftOut::lines);
    if (of_a_kind.size() <= told_max) return of_a_kind;
    const std::size_t others = of_a_kind.size() - told_max;
    LogBudget::LeftOut rest{of_a_kind[0].kind, std::to_string(others) + " other addresses", 0};
    for (std::size_t i = told_max; i < of_a_kind.size(); ++i) rest.lines += of_a_kind[i].lines;
    of_a_kind.resize(told_max);
    of_a_kind.push_back(std::move(rest));
    return of_a_kind;
}

}  // namespace

bool LogBudget::admit(std::string_view kind, std::string_view address) {
    Count& count = count_of(kind, address);
    std::uint64_t& written = written_by_kind_.try_emplace(std::string{kind}, 0).first->second;
    const std::uint64_t lines_max =
        address.empty() ? limits_.lines_in_all : limits_.lines_per_address;
    if (count.written < lines_max && written < limits_.lines_in_all) {
        ++count.written;
        ++written;
        return true;
    }
    ++count.left_out;
    ++left_out_total_;
    return false;
}

LogBudget::Count& LogBudget::count_of(std::string_view kind, std::string_view address) {
    const auto key = std::pair{std::string{kind}, std::string{address}};
    if (const auto known = counts_.find(key); known != counts_.end()) return known->second;
    if (counts_.size() < limits_.addresses_max) return counts_[key];
    return counts_[{std::string{kind}, "other addresses"}];
}

std::vector<LogBudget::LeftOut> LogBudget::end_minute(Instant now) {
    if (now - minute_began_ < minute) return {};
    minute_began_ = now;
    std::map<std::string, std::vector<LeftOut>> by_kind;
    for (const auto& [key, count] : counts_) {
        if (count.left_out == 0) continue;
        const std::string address = key.second.empty() ? "anywhere" : key.second;
        by_kind[key.first].push_back({key.first, address, count.left_out});
    }
    counts_.clear();
    written_by_kind_.clear();
    std::vector<LeftOut> all;
    for (auto& [kind, left_out] : by_kind) {
        for (LeftOut& one : shorten(std::move(left_out), limits_.told_max)) {
            all.push_back(std::move(one));
        }
    }
    return all;
}

std::string with_thousands(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
    return text;
}

}  // namespace netcompute
